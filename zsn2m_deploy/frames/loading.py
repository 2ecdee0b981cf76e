"""Reading the training frames, and checking that their type, channels and range are of one sensor."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from zsn2m_deploy.config.training import Mosaic
from zsn2m_deploy.frames.channels import stack_hints, training_pages
from zsn2m_deploy.frames.mosaics import mosaic_record, pattern_warnings
from zsn2m_deploy.frames.value_range import bits_in_use, check_float_range, check_range, check_steps, range_of_values
from zsn2m_runtime.blank.facts import NAMED, blank_facts
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import is_zarr, open_image, result_suffix
from zsn2m_runtime.files.axes import numbers_in
from zsn2m_runtime.files.foreign import FOREIGN_SUFFIXES
from zsn2m_runtime.image import Frame, as_frame, check_computable, check_finite
from zsn2m_runtime.manifest import ChannelRecord
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.path_kinds import no_frame
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.sample_types import Mask, Pixels
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES

log = logging.getLogger(__name__)

FrameSource = Pixels | str | Path
LONGEST_VIDEO = 10**7  # frames: two days at 60 a second


@dataclass(frozen=True)
class FrameOptions:
    """Which frames to train on, and what their values can be.

    Attributes:
        bit_depth: bits in use of an integer sample, one of BIT_DEPTHS; the sign is one of them; None: all
        value_range: lowest and highest value, sensor units; needed for float frames
        pages: pages of a stack or frames of a video, from 1: "1", "1,3-5"; of a stack also "all", or places on its
            axes such as "t=1-5,z=2"; of several channels they count within the channel
        channel: name or number of the channel of a stack
        live_frames: how many frames to take of a camera or network stream; None: a few
        keep_frames: a new or empty folder for those frames as PNG
        max_pixels: the most that a frame of a file may have; None: the limits of `open_image`
    """

    bit_depth: int | None = None
    value_range: tuple[float, float] | None = None
    pages: str = "1"
    channel: str | None = None
    live_frames: int | None = None
    keep_frames: Path | None = None
    max_pixels: int | None = None


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


@dataclass(frozen=True)
class _Read:
    """A frame, its name, its range where the source states one, and its channel of a stack."""

    name: str
    frame: Frame
    value_range: tuple[float, float] | None = None
    channel: ChannelRecord | None = None
    hints: tuple[str, ...] = ()
    mosaic: MosaicRecord | None = None


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
        found += _read(source, options, name)
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
    image = path if path and not (is_video(path) or _is_live(sources[0])) else None
    suffix = _frame_suffix(image) if image else ".png" if path else ".npy"
    frames, channel = tuple(read.frame for read in found), _one_channel(found)
    hints = tuple(dict.fromkeys(hint for read in found for hint in read.hints))
    hints = (*hints, *_depth_hint(found, options), *_blank_hint(found))
    return TrainingFrames(frames, names, image, kinds[0][0], value_range, suffix, channel, hints, record, warnings)


def _frame_suffix(image: Path) -> str:
    """Of a file for one of its frames; a bundle holds no folders."""
    return ".tif" if is_zarr(image) else result_suffix(image.suffix.lower())


def _depth_hint(found: Sequence[_Read], options: FrameOptions) -> tuple[str, ...]:
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


def _blank_hint(found: Sequence[_Read]) -> tuple[str, ...]:
    """Which frames have blank areas, and what becomes of those."""
    told = [f"{facts.in_words()} in {read.name}" for read in found if (facts := blank_facts(read.frame))]
    if not told:
        return ()
    more = [f"and such areas in {len(told) - NAMED} more"] if len(told) > NAMED else []
    return (f"blank areas are kept as they are, and not learned from: {', '.join([*told[:NAMED], *more])}",)


def _one_channel(found: Sequence[_Read]) -> ChannelRecord | None:
    """The channel that all frames are of; None where there is none, or more than one."""
    channels = {read.channel for read in found}
    return channels.pop() if len(channels) == 1 else None


def _read(source: FrameSource, options: FrameOptions, name_of_array: str) -> list[_Read]:
    if isinstance(source, np.ndarray):
        return [_Read(name_of_array, as_frame(source))]
    if not isinstance(source, str | Path):
        raise InputError(f"expected frames as NumPy arrays or paths, but got {type(source).__name__}; pass such ones")
    if _is_live(source):
        return _read_live(str(source), options)
    if fault := no_frame(Path(source)):
        raise InputError(fault)
    if is_video(Path(source)):
        if options.channel is not None:
            raise UsageError(f"{source}: expected a stack of channels for --channel, but got a video; leave it out")
        return _read_video(Path(source), options.pages, options.max_pixels)
    with open_image(Path(source), options.max_pixels) as image:
        name = one_line(Path(source).name)  # it goes into the manifest and the report
        stack = image.page_count > 1
        pages, channel = training_pages(image, options.pages, options.channel)
        hints = stack_hints(image)
        of_channel = f" ({channel.label})" if channel and channel.of > 1 else ""
        names = [f"{name} page {page + 1}{of_channel}" if stack else name for page in pages]
        frames, limits, mosaic = [image.read(page) for page in pages], image.value_range, image.mosaic
        return [
            _Read(called, frame, limits, channel, hints, mosaic) for called, frame in zip(names, frames, strict=True)
        ]


def _is_live(source: FrameSource) -> bool:
    if not isinstance(source, str):
        return False
    from zsn2m_runtime.streaming.places import is_live

    return is_live(source)


def _read_live(source: str, options: FrameOptions) -> list[_Read]:
    from zsn2m_deploy.frames.live import FRAMES, take_frames

    if options.pages != "1":
        raise UsageError("expected --pages for files, but got a live source; leave it out, or say --frames")
    taken = take_frames(source, options.live_frames or FRAMES, options.keep_frames, options.max_pixels)
    both = zip(taken.names, taken.frames, strict=True)
    return [_Read(name, frame, taken.value_range, mosaic=taken.mosaic) for name, frame in both]


def is_video(path: Path) -> bool:
    """Whether a file is read as a video: it has a suffix, and not that of an image."""
    return path.suffix.lower() not in (*IMAGE_SUFFIXES, *FOREIGN_SUFFIXES, "") and path.is_file()


def _read_video(path: Path, pages: str, max_pixels: int | None) -> list[_Read]:
    """Frames of a video at its own depth, as `stream` reads them."""
    from zsn2m_runtime.streaming.ends import Picture
    from zsn2m_runtime.streaming.video.demuxer import Reading
    from zsn2m_runtime.streaming.video.source import VideoSource

    if pages == "all":
        raise UsageError(f"{path}: expected a few frames of a video, but got --pages all; name some, such as 1,50,100")
    chosen = numbers_in(pages, LONGEST_VIDEO, str(path))
    found: dict[int, Frame] = {}
    reading = Reading(pass_tracks=False, max_pixels=max_pixels)
    with contextlib.closing(VideoSource(path, reading)) as video:
        pictures = (item for item in video if isinstance(item, Picture))
        for picture in itertools.islice(pictures, max(chosen)):
            if picture.number in chosen:
                found[picture.number] = picture.frame
            last = picture.number
    missing = [number for number in chosen if number not in found]
    if missing:
        raise UsageError(f"{path}: expected frames from 1 to {last}, which is all it has, but got --pages {pages}")
    name, info = one_line(path.name), video.info
    return [_Read(f"{name} frame {number}", found[number], info.range, mosaic=info.mosaic) for number in chosen]
