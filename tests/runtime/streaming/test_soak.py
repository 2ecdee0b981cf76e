"""Ten thousand frames: every one in its place, and memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import video_sink, video_source
from support.sources import FakeSource

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sequence import MOTIONS, MotionName
from zsn2m_runtime.streaming.containers import RAW
from zsn2m_runtime.streaming.ends import Item, Picture, StreamInfo
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.running import Stream

FRAMES = 10_000
SETTLED = 2_000  # frames after which buffers, pools and the encoder's own queues have their size
HEIGHT, WIDTH = 48, 64
GROWTH = 1e7  # bytes over 8,000 frames: 1,250 a frame, where a lost one is 9,216; an arena may grow by 5e6 once

OPTIONS = {"video_size": f"{WIDTH}x{HEIGHT}", "pixel_format": "rgb24", "framerate": "30"}


class Camera:
    """A pipe with numbered frames: the number is the level of the frame, from 0 to 255 and around."""

    def __init__(self) -> None:
        self._left = b""
        self._number = 0

    def read(self, size: int) -> bytes:
        while len(self._left) < size and self._number < FRAMES:
            self._left += bytes([self._number % 256]) * (HEIGHT * WIDTH * 3)
            self._number += 1
        given, self._left = self._left[:size], self._left[size:]
        return given


class Moving(FakeSource):
    """A scene that moves by a pixel a frame, with noise of its own in each; another one every hundred frames."""

    @property
    def info(self) -> StreamInfo:
        return replace(super().info, height=HEIGHT, width=WIDTH)

    def __iter__(self) -> Iterator[Item]:
        generator = np.random.default_rng(0)
        smooth = cv2.GaussianBlur(generator.uniform(-400, 400, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 2.0)
        for number in range(1, self.count + 1):
            scene = np.roll(smooth[:: 1 - 2 * (number // 100 % 2)], number, axis=1)
            noisy = 128 + scene + generator.normal(0, 20, scene.shape)
            yield Picture(Frame(np.rint(noisy).clip(0, 255).astype(np.uint8)), number, str(number))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


reads_memory = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux's /proc")


@pytest.mark.slow
@reads_memory
@pytest.mark.parametrize("motion", list(MOTIONS))
def test_ten_thousand_frames_with_a_state_take_flat_memory(make_bundle: BundleMaker, motion: MotionName) -> None:
    held: dict[int, int] = {}

    def look(done: int) -> None:
        if done % 500 == 0:
            held[done] = resident()

    denoiser = Denoiser(make_bundle(method="adapt", video=True), "video", "cpu", 1, spinning=False)
    report = Stream(denoiser, Moving(FRAMES), NullSink(), motion=motion, reload=True).run(look)
    assert (report.frames_in, report.frames_out, report.frames_dropped) == (FRAMES, FRAMES, 0)
    assert max(held.values()) - held[SETTLED] < GROWTH, held


@pytest.mark.slow
@reads_memory
def test_ten_thousand_frames_keep_their_order_in_flat_memory(make_bundle: BundleMaker, tmp_path: Path) -> None:
    source: Any = video_source(Camera(), format=RAW.format, options=OPTIONS, name="camera")
    sink = video_sink(tmp_path / "clean.mkv", source.info, source=source, lossless=True)
    held: dict[int, int] = {}

    def look(done: int) -> None:
        if done % 500 == 0:
            held[done] = resident()

    denoiser = Denoiser(make_bundle(), "mbd", "cpu", 1, spinning=False)
    report = Stream(denoiser, source, sink).run(look)
    assert (report.frames_in, report.frames_out, report.frames_dropped) == (FRAMES, FRAMES, 0)
    assert max(held.values()) - held[SETTLED] < GROWTH, held
    expected = [denoiser(np.full((HEIGHT, WIDTH, 3), level, np.uint8)).mean() for level in range(256)]
    with av.open(str(tmp_path / "clean.mkv")) as video:
        for number, frame in enumerate(video.decode(video=0)):
            assert abs(frame.to_ndarray(format="rgb24").mean() - expected[number % 256]) < 0.8, number
    assert number == FRAMES - 1
