"""What kind of source or output a name stands for; nothing is opened here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from zsn2m_runtime.files.foreign import FOREIGN_SUFFIXES
from zsn2m_runtime.files.listing import GLOB_LETTERS
from zsn2m_runtime.files.zarr_places import is_zarr
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES

LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "srt")  # of streams that have no end, and are opened again


def is_url(place: Any) -> bool:
    """Whether a place is on a network, not a path or a file object."""
    return isinstance(place, str) and re.match(r"[a-z][a-z0-9+.-]*://", place, re.IGNORECASE) is not None


def is_live_url(text: str) -> bool:
    """Whether a text is the address of a stream without end."""
    return text.partition("://")[0].lower() in LIVE_SCHEMES and is_url(text)


def is_camera(text: str) -> bool:
    """Whether a text is a camera's number or device; a file or folder of that number is what it is."""
    if text.isdecimal():
        return not os.path.exists(text)  # noqa: PTH110 - see is_folder
    return text.startswith("/dev/video")


def is_live(text: str) -> bool:
    """Whether a text names a camera or a place on a network."""
    return is_camera(text) or (is_url(text) and not is_zarr(Path(text)))


def names_images(text: str) -> bool:
    """Whether a text names an image file, a folder, or a pattern of image files."""
    if is_url(text):
        return False
    is_image = Path(text).suffix.lower() in (*IMAGE_SUFFIXES, *FOREIGN_SUFFIXES)  # the latter to be refused
    if os.path.exists(text):  # noqa: PTH110 - see is_folder
        return is_image or is_folder(text)
    return is_image or GLOB_LETTERS.search(text) is not None


def is_folder(text: str) -> bool:
    """Whether a folder of that name is there."""
    return os.path.isdir(text)  # noqa: PTH112 - unlike Path's, False for what is too long to be a path
