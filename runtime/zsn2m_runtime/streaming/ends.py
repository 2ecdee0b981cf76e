"""The two ends of a stream, source and sink, and what flows between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord

DEFAULT_RATE = Fraction(25)  # frames per second where nobody says: FFmpeg's default
FINEST_RATE = 1001  # largest denominator of a frame rate, as in 30000/1001 of NTSC
MICROSECOND = Fraction(1, 1_000_000)  # libav's AV_TIME_BASE: of durations of containers, and where no other is stated


@dataclass(frozen=True)
class StreamInfo:
    """What every frame of a source is; known before the first frame.

    range: lowest and highest value of a sample, (0, 1023) for 10 bits; None where nothing says, as for 16-bit images
    rate: frames per second; None: unknown
    frames: how many there are; None: unknown
    live: a camera or network stream, which has no end
    alpha: each frame has an alpha plane
    mosaic: the colour filters that the source states; None: it states none
    """

    name: str
    height: int
    width: int
    dtype: str
    channels: int
    range: tuple[float, float] | None
    rate: Fraction | None = None
    frames: int | None = None
    live: bool = False
    alpha: bool = False
    mosaic: MosaicRecord | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame on its way.

    name: in messages, and of the file that an image sink writes
    pts, duration: in ticks of `time_base` seconds; None where the source has no clock
    channel: of a stack with several channels
    is_kept: it goes through without being denoised
    arrived: when the source gave it, by `time.perf_counter`
    """

    frame: Frame
    number: int  # from 1, as the source gave it
    name: str
    pts: int | None = None
    time_base: Fraction | None = None
    duration: int | None = None
    channel: str = ""
    is_kept: bool = False
    arrived: float = field(default_factory=time.perf_counter)

    def with_frame(self, frame: Frame) -> Picture:
        """The same place and time with other pixels."""
        return replace(self, frame=frame)


@dataclass(frozen=True, eq=False)
class Packet:
    """A packet of audio or subtitles, which goes through untouched in its place among the frames."""

    packet: Any


Item = Picture | Packet


def frame_name(number: int) -> str:
    """Name of a frame; names sort by number for a month at 30 frames per second."""
    return f"frame_{number:08d}"


def kind_of(info: StreamInfo) -> str:
    """The frames of a source in words, such as `480x640 colour uint8, range 0 to 255`."""
    return f"{info.height}x{info.width} {samples_of(info)}"


def samples_of(info: StreamInfo) -> str:
    """The same without the size, which may vary."""
    limits = "" if info.range is None else f", range {info.range[0]:g} to {info.range[1]:g}"
    alpha = " with alpha" if info.alpha else ""
    kind = f"{info.mosaic.pattern} mosaic" if info.mosaic else "grey" if info.channels == 1 else "colour"
    return f"{kind} {info.dtype}{alpha}{limits}"


class Source(Protocol):
    """Where frames come from. Iterated once, in one thread; `close` may come from another one after that.

    Frames are read ahead, so each has memory of its own.
    """

    @property
    def info(self) -> StreamInfo:
        """What its frames are."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """The items in order.

        Raises:
            InputError: where the source fails or a frame is not what `info` says; items before it were given.
        """
        ...

    def stop(self) -> None:
        """Ask for an early end, from any thread: a live source stops waiting for frames."""
        ...

    def close(self) -> None:
        """Release files and devices; may be called twice."""
        ...


class Sink(Protocol):
    """Where results go; used in one thread. Nothing stands under its final name before `finish`."""

    @property
    def lost(self) -> tuple[str, ...]:
        """What of the source the output does not hold, in words; complete after the last frame."""
        ...

    @property
    def changed(self) -> tuple[str, ...]:
        """What of a video the output holds in another form, in words; likewise."""
        ...

    def write(self, item: Item) -> None:
        """Take the next item.

        Raises:
            OutputError: if it cannot be written.
        """
        ...

    def finish(self) -> str:
        """Complete the output under its final name; returns that name."""
        ...

    def salvage(self) -> str | None:
        """After a failure: close what was written so that it can be opened, under a name that says `partial`.

        Returns that name, None where nothing could be kept. Never raises.
        """
        ...
