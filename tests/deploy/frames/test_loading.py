"""Training frames: ranges are stated, never guessed; frames of one sensor only; pages by number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.clips import Clip, info_of, video_sink, write_all

from zsn2m_deploy.frames.loading import load_training_frames
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_deploy.frames.value_range import check_steps
from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.video.source import VideoSource

GREY_8 = np.full((20, 20), 7, np.uint8)
GREY_16 = np.full((20, 20), 1023, np.uint16)
FLOAT = np.full((20, 20), 0.5, np.float32)
SIGNED = np.full((20, 20), -100, np.int16)
FAR = 1_000_000_000 + np.arange(400, dtype=np.int32).reshape(20, 20)  # float32 has steps of 64 there


def test_several_arrays_have_names_of_their_own() -> None:
    frames = [np.full((16, 16), value, np.uint8) for value in (1, 2)]
    assert load_training_frames(frames, FrameOptions()).names == ("frame 1", "frame 2")
    assert load_training_frames(frames[:1], FrameOptions()).names == ("frame",)


@pytest.mark.parametrize(
    ("frame", "options", "expected"),
    [
        (GREY_8, FrameOptions(), (0, 255)),
        (GREY_16, FrameOptions(), (0, 65535)),
        (GREY_16, FrameOptions(bit_depth=10), (0, 1023)),
        (GREY_16, FrameOptions(value_range=(100, 2000)), (100, 2000)),
        (FLOAT, FrameOptions(value_range=(-1, 1)), (-1, 1)),
        (SIGNED, FrameOptions(), (-32768, 32767)),
        (SIGNED, FrameOptions(bit_depth=12), (-2048, 2047)),
        (SIGNED, FrameOptions(value_range=(-200, 4095)), (-200, 4095)),
        (GREY_16.astype(np.uint32), FrameOptions(), (0, 2**32 - 1)),
        (GREY_16.astype(np.int32), FrameOptions(bit_depth=24), (-(2**23), 2**23 - 1)),
        (GREY_8.astype(np.int8), FrameOptions(), (-128, 127)),
        (FLOAT.astype(np.float64), FrameOptions(value_range=(0, 1)), (0, 1)),
        (FLOAT.astype(np.float16), FrameOptions(value_range=(0, 1)), (0, 1)),
    ],
)
def test_ranges(frame: np.ndarray, options: FrameOptions, expected: tuple[float, float]) -> None:
    assert load_training_frames([frame], options).value_range == expected


@pytest.mark.parametrize(
    ("frames", "options", "error", "message"),
    [
        ([FLOAT], FrameOptions(), InputError, "--range"),
        ([GREY_16 + 1], FrameOptions(bit_depth=10), InputError, "0 to 1023, but got 1024 to 1024"),
        ([GREY_8], FrameOptions(bit_depth=12), UsageError, "bit depth of 8 for uint8"),
        ([GREY_8], FrameOptions(bit_depth=8, value_range=(0, 1)), UsageError, "got both"),
        ([GREY_8], FrameOptions(value_range=(5, 5)), UsageError, "LOW below HIGH"),
        ([GREY_8], FrameOptions(value_range=(0, 256)), UsageError, "within 0 to 255"),
        ([SIGNED], FrameOptions(bit_depth=8), UsageError, "int16"),
        ([SIGNED], FrameOptions(value_range=(0, 100)), InputError, "got -100 to -100"),
        ([GREY_16.astype(np.int16)], FrameOptions(bit_depth=10), InputError, "-512 to 511"),
        ([SIGNED], FrameOptions(value_range=(-40000, 100)), UsageError, "-32768 to 32767"),
        ([FLOAT.astype(np.float64)], FrameOptions(), InputError, "--range"),
        ([FLOAT.astype(np.float16)], FrameOptions(), InputError, "--range"),
        ([FAR], FrameOptions(), InputError, "steps of 64"),
        ([FAR.astype(np.float64)], FrameOptions(value_range=(0, 2e9)), InputError, "subtract an offset"),
        ([FLOAT.astype(np.float64) * 1e39], FrameOptions(value_range=(0, 1e39)), InputError, "scale it"),
        ([FAR * 1e-50], FrameOptions(value_range=(0, 1)), InputError, "multiply"),
        ([GREY_8, GREY_16], FrameOptions(), InputError, "one sensor"),
        ([GREY_8, np.zeros((20, 20, 3), np.uint8)], FrameOptions(), InputError, "one sensor"),
        ([FLOAT * np.nan], FrameOptions(value_range=(0, 1)), InputError, "NaN"),
        ([], FrameOptions(), InputError, "at least one"),
    ],
)
def test_contradictions_are_refused(
    frames: list[np.ndarray], options: FrameOptions, error: type[Zsn2mError], message: str
) -> None:
    with pytest.raises(error, match=message):
        load_training_frames(frames, options)


def test_values_that_float32_cannot_tell_apart_are_found_beside_unknown_ones() -> None:
    far = FAR.astype(np.float64)
    far[:3] = np.nan
    with pytest.raises(InputError, match="subtract an offset"):
        check_steps([far], ["far"])
    check_steps([far - 1e9, far * np.nan], ["near", "unknown"])


@pytest.mark.parametrize(
    ("pages", "expected"), [("1", [0]), ("2", [1]), ("1,3-4", [0, 2, 3]), ("all", [0, 1, 2, 3, 4])]
)
def test_pages(tmp_path: Path, pages: str, expected: list[int]) -> None:
    stack = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((5, 20, 20), np.uint8)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack, photometric="minisblack")
    frames = load_training_frames([path], FrameOptions(pages=pages))
    assert [int(frame.pixels[0, 0]) for frame in frames.frames] == expected
    assert frames.source == path


@pytest.mark.parametrize("pages", ["0", "6", "2-9", "one", "", "3-2"])
def test_pages_that_are_not_there(tmp_path: Path, pages: str) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((5, 20, 20), np.uint8), photometric="minisblack")
    with pytest.raises(UsageError, match="pages"):
        load_training_frames([path], FrameOptions(pages=pages))


def test_frames_of_a_video_are_those_of_its_stream_at_its_depth(tmp_path: Path) -> None:
    clip = Clip(codec="ffv1", pixel_format="gray10le").write(tmp_path / "clip.mkv")
    found = load_training_frames([clip], FrameOptions(pages="2,4"))
    source = VideoSource(clip)
    pictures = [item for item in source if isinstance(item, Picture)]
    source.close()
    assert found.names == ("clip.mkv frame 2", "clip.mkv frame 4")
    assert (found.dtype, found.value_range, found.source, found.suffix) == ("uint16", (0, 1023), None, ".png")
    for frame, number in zip(found.frames, (2, 4), strict=True):
        np.testing.assert_array_equal(frame.pixels, pictures[number - 1].frame.pixels)


@pytest.mark.parametrize(("depth", "high"), [(None, 65535), (12, 4095)])
def test_bits_in_use_of_a_16_bit_video_are_stated(tmp_path: Path, depth: int | None, high: int) -> None:
    pixels = np.full((48, 64), 4095, np.uint16)
    sink = video_sink(tmp_path / "clip.mkv", info_of(pixels, 65535), lossless=True)
    write_all(sink, [pixels])
    found = load_training_frames([Path(sink.finish())], FrameOptions(bit_depth=depth))
    assert (found.dtype, found.value_range) == ("uint16", (0, high))


@pytest.mark.parametrize(("pages", "message"), [("13", "from 1 to 12"), ("all", "name some"), ("0", "from 1")])
def test_frames_that_a_video_does_not_have_are_refused(tmp_path: Path, pages: str, message: str) -> None:
    clip = Clip().write(tmp_path / "clip.mp4")
    with pytest.raises(UsageError, match=message):
        load_training_frames([clip], FrameOptions(pages=pages))


def test_videos_of_other_depths_are_other_sensors(tmp_path: Path) -> None:
    clips = [Clip(codec="ffv1", pixel_format=kind).write(tmp_path / f"{kind}.mkv") for kind in ("gray10le", "gray12le")]
    with pytest.raises(InputError, match=r"1023.*4095"):
        load_training_frames(clips, FrameOptions())


@pytest.mark.parametrize(
    ("frames", "options", "expected"),
    [
        ([GREY_16], FrameOptions(), "all values fit 10 bits; if the sensor has no more, --bit-depth 10 "),
        ([GREY_16, GREY_16 * 4], FrameOptions(), "all values fit 12 bits"),
        ([GREY_16 * 64], FrameOptions(), ""),
        ([GREY_16], FrameOptions(bit_depth=10), ""),
        ([GREY_16], FrameOptions(value_range=(0, 60000)), ""),
        ([GREY_8], FrameOptions(), ""),
        ([FLOAT], FrameOptions(value_range=(0, 1)), ""),
    ],
)
def test_bits_that_no_value_needs_are_a_hint(frames: list[np.ndarray], options: FrameOptions, expected: str) -> None:
    hints = [hint for hint in load_training_frames(frames, options).hints if not hint.startswith("blank")]
    assert len(hints) == bool(expected)
    assert "".join(hints).startswith(expected)


def test_blank_areas_are_one_hint_that_names_some_frames() -> None:
    generator = np.random.default_rng(1000)
    frames = [generator.integers(60, 200, (64, 64)).astype(np.uint8) for _ in range(5)]
    assert load_training_frames(frames, FrameOptions()).hints == ()
    for frame in frames:
        frame[:16] = 16
    (hint,) = load_training_frames(frames, FrameOptions()).hints
    assert hint.startswith("blank areas are kept as they are")
    assert hint.count("25 % of the samples (value 16)") == 3 and hint.endswith("and such areas in 2 more")
