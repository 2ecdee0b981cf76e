"""Shared by tests of TIFF stacks: what another reader sees, and a disk that is full."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
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


def limit_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Every file opened for writing from now on is on a disk with room for so many bytes."""
    opened = Path.open

    def limited(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        stream = opened(path, mode, *arguments, **options)
        return FullDisk(stream, room) if mode == "wb" else stream

    monkeypatch.setattr(Path, "open", limited)
