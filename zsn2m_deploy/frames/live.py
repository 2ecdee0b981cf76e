"""Training frames from a camera or a network stream."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord

FRAMES = 3  # one and three are measured in docs/results/cross-frame.md
# Every 10th frame is taken, and none before: a third of a second at 30 a second. Cameras set their exposure in the
# first frames, and a network stream may begin with a damaged one.
APART = 10


@dataclass(frozen=True)
class LiveFrames:
    """Frames of a live source, their names, and their range where the source states one."""

    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    value_range: tuple[float, float] | None
    mosaic: MosaicRecord | None = None


def take_frames(source: str, count: int, keep: Path | None, max_pixels: int | None = None) -> LiveFrames:
    """Every 10th frame of a live source, at its own depth.

    Args:
        source: a camera's number or device, or a URL, as `stream` takes it
        keep: a folder that is new or empty, for the frames as PNG
        max_pixels: the most that a frame may have; None: the usual limit
    Raises:
        InputError: if it cannot be opened, or ends too early.
        UsageError: if the folder holds files.
        OutputError: if a frame cannot be written.
    """
    from zsn2m_runtime.streaming.ends import Picture
    from zsn2m_runtime.streaming.opening import open_source
    from zsn2m_runtime.streaming.options import SourceOptions

    if keep and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep}: expected a new or empty folder for the frames, but it is neither; name another")
    called, found = short_name(source), []
    with contextlib.closing(open_source(source, SourceOptions(tracks=False, max_pixels=max_pixels), None)) as live:
        pictures: Iterator[Picture] = (item for item in live if isinstance(item, Picture))
        seen = 0
        for picture in pictures:
            seen += 1
            if seen % APART == 0:
                alpha = picture.frame.alpha
                found.append(Frame(picture.frame.pixels.copy(), None if alpha is None else alpha.copy()))
            if len(found) == count:
                break
        live.stop()
    if len(found) < count:
        raise InputError(
            f"{live.info.name}: expected {count * APART} frames, of which every {APART}th is taken, but it ended after "
            f"{seen}; take fewer with --frames, or save it as a file and name frames with --pages"
        )
    numbers = [APART * (index + 1) for index in range(count)]
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        for number, frame in zip(numbers, found, strict=True):
            save_image(keep / f"{called}_{number:08d}.png", frame)
    return LiveFrames(
        tuple(found), tuple(f"{called} frame {number}" for number in numbers), live.info.range, live.info.mosaic
    )


def short_name(source: str) -> str:
    """The name of a live source in files and messages: camera0, video0 of /dev/video0, or the host of a URL.

    User, path and query of a URL may hold a password, and are left out.
    """
    if source.isdecimal():
        return f"camera{source}"
    if "://" not in source:
        return Path(source).name
    try:
        host = urlsplit(source).hostname
    except ValueError:  # of brackets that do not close
        host = None
    return re.sub(r"[^\w.-]+", "_", host or "stream")
