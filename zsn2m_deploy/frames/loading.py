"""The frames to train on: read, and checked to have the type, channels and range of one sensor."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zsn2m_deploy.config.training import Mosaic
from zsn2m_deploy.frames.mosaics import mosaic_record, pattern_warnings
from zsn2m_deploy.frames.reading import FrameOptions, FrameSource, ReadFrame, is_live_source, is_video, read_frames
from zsn2m_deploy.frames.value_range import bits_in_use, check_float_range, check_range, check_steps, range_of_values
from zsn2m_runtime.blank.facts import NAMED, blank_facts
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import is_zarr, result_suffix
from zsn2m_runtime.image import Frame, check_computable, check_finite
from zsn2m_runtime.manifest import ChannelRecord
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.sample_types import Mask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingFrames:
    """Frames of one sensor, checked.

    Attributes:
        source: the first frame's image file; None: an array or a video
        suffix: of a file that can hold such frames
        channel: of a stack, the one that the frames are of
        hints: sentences that are no warnings
        mosaic: None: the frames are no mosaics
        warnings: possible faults of the result, logged already
    """

    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    source: Path | None
    dtype: str
    value_range: tuple[float, float]
    suffix: str
    channel: ChannelRecord | None = None
    hints: tuple[str, ...] = ()
    mosaic: MosaicRecord | None = None
    warnings: tuple[str, ...] = ()

    @cached_property
    def seen(self) -> tuple[Frame, ...]:
        """The frames as networks see them: mosaics as planes."""
        if self.mosaic is None:
            return self.frames
        return tuple(planes_of(frame, self.mosaic.pattern) for frame in self.frames)

    @property
    def blanks(self) -> list[Mask | None]:
        """Where each frame that is seen is blank; None where it is not."""
        return [frame.blank for frame in self.seen]


def load_training_frames(
    sources: Sequence[FrameSource], options: FrameOptions, mosaic: Mosaic = "refuse"
) -> TrainingFrames:
    """Read and check the frames to train on.

    Args:
        mosaic: as `mosaic_record` takes it
    Raises:
        InputError: unreadable or unsuitable frames, frames of different types, float frames without a range.
        UsageError: options that contradict the frames or each other.
    """
    arrays = itertools.count(1)
    several = sum(isinstance(source, np.ndarray) for source in sources) > 1
    found = []
    for source in sources:
        name = f"frame {next(arrays)}" if several and isinstance(source, np.ndarray) else "frame"
        found += read_frames(source, options, name)
    if not found:
        raise InputError("expected at least one frame to train on, but got none; name a frame")
    names = tuple(read.name for read in found)
    kinds = sorted({(read.frame.dtype, read.frame.channels, read.value_range or ()) for read in found})
    if len(kinds) > 1:
        unlike = ", ".join(
            f"{dtype} with {channels} channel(s)" + (f" up to {limits[-1]:g}" if limits else "")
            for dtype, channels, limits in kinds
        )
        raise InputError(f"{', '.join(names)}: expected frames of one sensor, but got {unlike}; train them separately")
    first = found[0]
    value_range = range_of_values(
        first.frame.dtype, options.bit_depth, options.value_range, first.value_range, first.name
    )
    for read in found:
        check_finite(read.frame, read.name)
        check_computable(read.frame, read.name)
        check_float_range(value_range)
        check_range(read.frame, read.name, value_range)
    check_steps([read.frame.pixels for read in found], names)
    stated, seen = [read.mosaic for read in found], [read.frame for read in found]
    record = mosaic_record(mosaic, stated, seen, names)
    warnings = () if mosaic == "auto" else pattern_warnings(record, stated, seen, names)  # auto asked the pixels
    for text in warnings:
        log.warning(text)
    path = Path(sources[0]) if isinstance(sources[0], str | Path) else None
    image = path if path and not (is_video(path) or is_live_source(sources[0])) else None
    suffix = _frame_suffix(image) if image else ".png" if path else ".npy"
    frames, channel = tuple(read.frame for read in found), _one_channel(found)
    hints = tuple(dict.fromkeys(hint for read in found for hint in read.hints))
    hints = (*hints, *_depth_hint(found, options), *_blank_hint(found))
    return TrainingFrames(frames, names, image, kinds[0][0], value_range, suffix, channel, hints, record, warnings)


def _frame_suffix(image: Path) -> str:
    """Of a file for one of its frames; a bundle holds no folders."""
    return ".tif" if is_zarr(image) else result_suffix(image.suffix.lower())


def _depth_hint(found: Sequence[ReadFrame], options: FrameOptions) -> tuple[str, ...]:
    """A hint where fewer bits than the type's hold all values, and nobody has said how many there are."""
    if options.bit_depth is not None or options.value_range is not None or found[0].value_range:
        return ()
    least, most = (float(end([end(read.frame.pixels) for read in found])) for end in (np.min, np.max))
    depth = bits_in_use(found[0].frame.dtype, least, most)
    if depth is None:
        return ()
    return (
        f"all values fit {depth} bits; if the sensor has no more, --bit-depth {depth} states PSNRs of its own peak and "
        f"keeps results within its range",
    )


def _blank_hint(found: Sequence[ReadFrame]) -> tuple[str, ...]:
    """Which frames have blank areas, and what becomes of those."""
    told = [f"{facts.in_words()} in {read.name}" for read in found if (facts := blank_facts(read.frame))]
    if not told:
        return ()
    more = [f"and such areas in {len(told) - NAMED} more"] if len(told) > NAMED else []
    return (f"blank areas are kept as they are, and not learned from: {', '.join([*told[:NAMED], *more])}",)


def _one_channel(found: Sequence[ReadFrame]) -> ChannelRecord | None:
    """The channel that all frames are of; None where there is none, or more than one."""
    channels = {read.channel for read in found}
    return channels.pop() if len(channels) == 1 else None
