"""Whoever reads ahead keeps its own copy: one buffer may be filled again and again, and results may be written into."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import Clip
from support.denoisers import gain_denoiser
from support.known_noise import plain_record

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.sequence import Sequence
from zsn2m_runtime.streaming.camera import CameraSource
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.video.source import VideoSource

COUNT = 12
NOISY = [np.random.default_rng(number).integers(60, 190, (40, 48, 3), np.uint8) for number in range(COUNT)]


class Capture:
    """As cv2.VideoCapture: `read(buffer)` fills the buffer that it is given and gives it back; without one, its own."""

    def __init__(self, frames: list[Pixels]) -> None:
        self._frames, self._own = iter(frames), np.zeros_like(frames[0])

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def get(self, _: int) -> float:
        return 25.0

    def release(self) -> None:
        pass

    def read(self, buffer: Pixels | None = None) -> tuple[bool, Pixels | None]:
        frame = next(self._frames, None)
        if frame is None:
            return False, None
        target = self._own if buffer is None else buffer
        target[...] = frame
        return True, target


def filled_again(frames: list[Pixels], pause: float) -> Iterator[Pixels]:
    capture, buffer = Capture(frames), np.zeros_like(frames[0])
    while True:
        done, frame = capture.read(buffer)
        if not done or frame is None:
            return
        yield frame
        buffer[...] = 7  # whatever the next exposure does to it meanwhile
        time.sleep(pause)


@pytest.mark.parametrize("pause", [0.0, 0.02])
@pytest.mark.parametrize("kind", ["colour", "alpha", "blank", "view"])
def test_a_stream_of_one_buffer_gives_the_results_of_its_frames(
    kind: str, pause: float, make_bundle: BundleMaker
) -> None:
    frames = NOISY
    if kind == "alpha":
        frames = [np.dstack((frame, frame[..., 0])) for frame in NOISY]
    elif kind == "blank":
        frames = [frame.copy() for frame in NOISY]
        for frame in frames:
            frame[:, :20] = 0
    elif kind == "view":
        frames = [frame[:, ::-1] for frame in NOISY]
    denoise = Denoiser(make_bundle(), "mbd", "cpu", 1)
    expected = [denoise(frame) for frame in frames]
    found = []
    for result in denoise.stream(filled_again(frames, pause)):
        found.append(result.copy())
        result[...] = 0  # the caller's own, to do with as it likes
    assert len(found) == COUNT
    for result, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(result, right)


def test_a_result_shares_nothing_with_its_frame(make_bundle: BundleMaker) -> None:
    denoise = Denoiser(make_bundle(), "mbd", "cpu", 1)
    for frame in (NOISY[0], np.zeros((20, 20, 3), np.uint8), np.dstack((NOISY[0], np.zeros((40, 48), np.uint8)))):
        assert not np.shares_memory(denoise(frame), frame)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_sequence_keeps_no_array_of_its_caller(dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Denoiser, "noises", (plain_record(0.0, 100.0),))
    monkeypatch.setattr(Denoiser, "averages", True)
    denoiser = gain_denoiser(tmp_path, dtype, 3, (0.0, 255.0))
    right, written = Sequence(denoiser), Sequence(denoiser)
    for frame in NOISY:
        noisy = frame.astype(dtype)
        expected = right(Frame(noisy.copy())).pixels.copy()
        result = written(Frame(noisy)).pixels
        np.testing.assert_array_equal(result, expected)
        for array in (noisy, result):
            array[...] = 0


@pytest.mark.parametrize(
    ("clip", "suffix"),
    [
        (Clip("ffv1", "gray", options={}), ".mkv"),
        (Clip("libx264", "yuv420p", options={"bf": "0", "g": "50"}), ".mkv"),
        (Clip("libx264rgb", "rgb24", options={"g": "50"}), ".mkv"),
        (Clip("libx264", "gray", options={"g": "50"}), ".mkv"),
    ],
    ids=["ffv1 grey", "h264", "h264 rgb", "h264 grey"],
)
def test_frames_of_a_video_may_be_written_into(clip: Clip, suffix: str, tmp_path: Path) -> None:
    path = clip.write(tmp_path / f"a{suffix}")

    def frames(erase: bool) -> list[Pixels]:
        found = []
        with closing(VideoSource(path)) as video:
            for item in video:
                assert isinstance(item, Picture)
                found.append(item.frame.pixels.copy())
                if erase and item.frame.pixels.flags.writeable:
                    item.frame.pixels[...] = 0
        return found

    right, written = frames(erase=False), frames(erase=True)
    assert len(right) > 2
    for frame, other in zip(right, written, strict=True):
        np.testing.assert_array_equal(frame, other)


def test_a_camera_that_fills_its_own_buffer_gives_frames_that_stay() -> None:
    camera = CameraSource(0, opener=lambda _: Capture(NOISY))  # type: ignore[arg-type, return-value]
    found = []
    with pytest.raises(Exception, match="gave none"):
        for picture in camera:
            found.append(picture.frame.pixels)
    assert len(found) == COUNT - 1
    for frame, right in zip(found, NOISY[1:], strict=True):
        np.testing.assert_array_equal(frame[..., ::-1], right)


def test_a_grey_camera_that_fills_its_own_buffer_gives_frames_that_stay() -> None:
    grey = [frame[..., 0].copy() for frame in NOISY]
    camera = CameraSource(0, opener=lambda _: Capture(grey))  # type: ignore[arg-type, return-value]
    found = []
    with pytest.raises(Exception, match="gave none"):
        for picture in camera:
            found.append(picture.frame.pixels)
    for frame, right in zip(found, grey[1:], strict=True):
        np.testing.assert_array_equal(frame, right)
