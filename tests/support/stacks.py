"""Shared by tests: parts of streaming stack sink."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import tifffile


def values_of(path: Path) -> list[int]:
    """The first sample of every page, as another reader sees them."""
    with tifffile.TiffFile(path) as file:
        return [int(page.asarray().flat[0]) for page in file.pages]


class FullDisk:
    """A file on a disk with room for so many bytes."""

    def __init__(self, stream: Any, room: int) -> None:
        self._stream, self._room = stream, room

    def write(self, data: Any) -> int:
        if self._stream.tell() + len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
