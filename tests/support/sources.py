"""A source whose number of frames, faults and pauses a test sets, and a list of what a source gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import Item, Packet, Picture, Source, StreamInfo

SHAPE = (24, 32, 3)


def noise(number: int, dtype: str = "uint8") -> Pixels:
    """A frame of random samples, the same for a number."""
    return np.random.default_rng(number).integers(0, 256, SHAPE).astype(dtype)


@dataclass
class FakeSource:
    """Frames 1 to `count`, a packet after every third one; `fault` is raised after the last frame."""

    count: int = 10
    live: bool = False
    fault: Exception | None = None
    closed: bool = False
    before: Any = None  # called with a frame's number before it is given

    @property
    def info(self) -> StreamInfo:
        return StreamInfo("camera", *SHAPE[:2], "uint8", 3, (0, 255), frames=self.count, live=self.live)

    def __iter__(self) -> Iterator[Item]:
        for number in range(1, self.count + 1):
            if self.before:
                self.before(number)
            yield Picture(Frame(noise(number)), number, f"frame {number}")
            if number % 3 == 0:
                yield Packet(number)
        if self.fault:
            raise self.fault

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def collect(source: Source, given: list[Any], most: int = 100) -> None:
    """Add what a source gives, also before it fails."""
    for item in source:
        given.append(item)
        if len(given) == most:
            return
