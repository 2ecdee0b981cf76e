"""The training frames and the facts of their sensor: dtype, channels, range. Never guessed from a maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Frame, Pixels, as_frame, check_finite

FrameSource = Pixels | str | Path
BIT_DEPTHS = {"uint8": (8,), "uint16": (10, 12, 14, 16)}


@dataclass(frozen=True)
class SensorOptions:
    """What the caller states of the sensor.

    bit_depth: bits in use of an integer sample: 8 in uint8; 10, 12, 14 or 16 in uint16; None: all of them
    value_range: lowest and highest value, sensor units; needed for float frames
    pages: which pages of a stack to train on, from 1: "1", "1,3-5" or "all"
    """

    bit_depth: int | None = None
    value_range: tuple[float, float] | None = None
    pages: str = "1"


@dataclass(frozen=True)
class TrainingFrames:
    """Frames of one sensor, checked. `source` is the first frame's file, None for an array."""

    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    source: Path | None
    dtype: str
    value_range: tuple[float, float]


def load_training_frames(sources: Sequence[FrameSource], options: SensorOptions) -> TrainingFrames:
    """Read and check the frames to train on.

    Raises:
        InputError: unreadable or unsuitable frames, frames of different types, float frames without a range.
        UsageError: options that contradict the frames or each other.
    """
    named = [pair for source in sources for pair in _read(source, options.pages)]
    if not named:
        raise InputError("expected at least one frame to train on, but got none; name a frame")
    names, frames = zip(*named, strict=True)
    kinds = sorted({(frame.dtype, frame.channels) for frame in frames})
    if len(kinds) > 1:
        found = ", ".join(f"{dtype} with {channels} channel(s)" for dtype, channels in kinds)
        raise InputError(f"{', '.join(names)}: expected frames of one sensor, but got {found}; train them separately")
    value_range = _sensor_range(kinds[0][0], options, names[0])
    for name, frame in named:
        check_finite(frame, name)
        _check_range(frame, name, value_range)
    path = sources[0] if isinstance(sources[0], str | Path) else None
    return TrainingFrames(frames, names, Path(path) if path else None, kinds[0][0], value_range)


def _read(source: FrameSource, pages: str) -> list[tuple[str, Frame]]:
    if isinstance(source, np.ndarray):
        return [("frame", as_frame(source))]
    with open_image(Path(source)) as image:
        name = Path(source).name
        stack = image.page_count > 1
        chosen = _chosen_pages(pages, image.page_count, source)
        return [(f"{name} page {page}" if stack else name, image.read(page - 1)) for page in chosen]


def _chosen_pages(pages: str, count: int, source: FrameSource) -> list[int]:
    if pages == "all":
        return list(range(1, count + 1))
    chosen: list[int] = []
    for part in pages.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"expected pages such as 1 or 1,3-5 or all, but got {pages!r}")
        if not 1 <= int(first) <= int(last or first) <= count:
            raise UsageError(f"{source}: expected pages from 1 to {count}, but got {pages!r}")
        chosen += range(int(first), int(last or first) + 1)
    return chosen


def _sensor_range(dtype: str, options: SensorOptions, name: str) -> tuple[float, float]:
    if options.bit_depth is not None and options.value_range is not None:
        raise UsageError("expected a bit depth or a range, but got both; leave one out")
    if options.value_range is not None:
        low, high = options.value_range
        if not (np.isfinite([low, high]).all() and low < high):
            raise UsageError(f"expected a finite range LOW HIGH with LOW below HIGH, but got {low:g} {high:g}")
        if dtype != "float32" and (low < 0 or high > np.iinfo(dtype).max):
            raise UsageError(f"expected a range within 0 to {np.iinfo(dtype).max} of {dtype}, but got {low:g} {high:g}")
        return float(low), float(high)
    if dtype == "float32":
        raise InputError(
            f"{name}: expected the range of float frames to be stated, but got none; add --range LOW HIGH "
            f"(what black and white are in this sensor's values), for example --range 0 1"
        )
    if options.bit_depth is None:
        return 0.0, float(np.iinfo(dtype).max)
    if options.bit_depth not in BIT_DEPTHS[dtype]:
        depths = ", ".join(str(depth) for depth in BIT_DEPTHS[dtype])
        raise UsageError(f"expected a bit depth of {depths} for {dtype} frames, but got {options.bit_depth}")
    return 0.0, float(2**options.bit_depth - 1)


def _check_range(frame: Frame, name: str, value_range: tuple[float, float]) -> None:
    if frame.dtype == "float32":
        return
    least, most = int(frame.pixels.min()), int(frame.pixels.max())
    if least < value_range[0] or most > value_range[1]:
        raise InputError(
            f"{name}: expected values from {value_range[0]:g} to {value_range[1]:g}, but got {least} to {most}; "
            f"state the right --bit-depth or --range"
        )
