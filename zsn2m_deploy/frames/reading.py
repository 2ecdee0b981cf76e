"""Reading frames to train on: of arrays, files, stacks, videos, cameras and network streams."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zsn2m_deploy.frames.channels import stack_hints, training_pages
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.axes import numbers_in
from zsn2m_runtime.files.foreign import FOREIGN_SUFFIXES
from zsn2m_runtime.image import Frame, as_frame
from zsn2m_runtime.manifest import ChannelRecord
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.path_kinds import no_frame
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES

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
class ReadFrame:
    """A frame, its name, its range where the source states one, and its channel of a stack."""

    name: str
    frame: Frame
    value_range: tuple[float, float] | None = None
    channel: ChannelRecord | None = None
    hints: tuple[str, ...] = ()
    mosaic: MosaicRecord | None = None


def read_frames(source: FrameSource, options: FrameOptions, name_of_array: str) -> list[ReadFrame]:
    """The frames of a source that are asked for.

    Raises:
        InputError: no source, or an unreadable one.
        UsageError: options that contradict it.
    """
    if isinstance(source, np.ndarray):
        return [ReadFrame(name_of_array, as_frame(source))]
    if not isinstance(source, str | Path):
        raise InputError(f"expected frames as NumPy arrays or paths, but got {type(source).__name__}; pass such ones")
    if is_live_source(source):
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
            ReadFrame(called, frame, limits, channel, hints, mosaic)
            for called, frame in zip(names, frames, strict=True)
        ]


def is_live_source(source: FrameSource) -> bool:
    """Whether a source is a camera or a network stream."""
    if not isinstance(source, str):
        return False
    from zsn2m_runtime.streaming.places import is_live

    return is_live(source)


def _read_live(source: str, options: FrameOptions) -> list[ReadFrame]:
    from zsn2m_deploy.frames.live import FRAMES, take_frames

    if options.pages != "1":
        raise UsageError("expected --pages for files, but got a live source; leave it out, or say --frames")
    taken = take_frames(source, options.live_frames or FRAMES, options.keep_frames, options.max_pixels)
    both = zip(taken.names, taken.frames, strict=True)
    return [ReadFrame(name, frame, taken.value_range, mosaic=taken.mosaic) for name, frame in both]


def is_video(path: Path) -> bool:
    """Whether a file is read as a video: it has a suffix, and not that of an image."""
    return path.suffix.lower() not in (*IMAGE_SUFFIXES, *FOREIGN_SUFFIXES, "") and path.is_file()


def _read_video(path: Path, pages: str, max_pixels: int | None) -> list[ReadFrame]:
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
    return [ReadFrame(f"{name} frame {number}", found[number], info.range, mosaic=info.mosaic) for number in chosen]
