"""Reading and writing OpenEXR with its own library (extra exr): float16, float32 and uint32, grey or RGB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.exr_header import stated_by_exr
from zsn2m_runtime.files.extras import import_extra
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame, as_frame
from zsn2m_runtime.writing_errors import ADVICE

SUFFIXES = (".exr",)
_KINDS = ("Y", "RGB", "RGBA")  # channels that a frame can hold
_LOST = ("channels", "preview")  # attributes: the writer makes channels anew; a preview would show the noise
_LOSSLESS = ("NO_COMPRESSION", "RLE_COMPRESSION", "ZIPS_COMPRESSION", "ZIP_COMPRESSION", "PIZ_COMPRESSION")


class ExrWriter(ImageWriter):
    """Writes one frame with the attributes of a source's header; a lossy compression becomes ZIP."""

    def __init__(self, path: Path, layout: Layout, header: dict[str, Any] | None = None) -> None:
        super().__init__(path, layout)
        self._header = header or {}

    @classmethod
    def with_metadata(cls, path: Path, layout: Layout, metadata: Metadata) -> ExrWriter:
        """A writer for a source of another format."""
        return cls(path, layout)

    def _begin(self, temporary: Path) -> None:
        self._library = import_extra("OpenEXR", "exr", self.path)
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        library, header = self._library, dict(self._header)
        if header.get("compression") not in [getattr(library, name) for name in _LOSSLESS]:
            header["compression"] = library.ZIP_COMPRESSION
        header.setdefault("type", library.scanlineimage)
        name = {1: "Y", 3: "RGB", 4: "RGBA"}[self.layout.samples]
        with library.File(header, {name: np.ascontiguousarray(frame.as_array())}) as file:
            try:
                file.write(str(self._temporary))
            except RuntimeError as error:  # it has the system's words, and not the number
                known = [code for code in ADVICE if os.strerror(code) in str(error)]
                raise OSError(known[0] if known else None, str(error)) from error


def read_exr(path: Path) -> tuple[Frame, dict[str, Any]]:
    """The picture, and its header's attributes.

    Raises:
        InputError: damaged, several parts, or channels that no frame can hold.
        UnavailableError: without OpenEXR.
    """
    library = import_extra("OpenEXR", "exr", path)
    try:
        stated_by_exr(path.read_bytes())  # where a header is damaged the library allocates what is left of its size
        with library.File(str(path)) as file:
            parts, channels, header = len(file.parts), file.channels(), dict(file.header())
            found = {name: channel.pixels for name, channel in channels.items()}
    except Exception as error:  # the library's errors come in many kinds
        raise InputError(
            f"{path}: expected a complete EXR file, but got one that cannot be read ({error}); "
            f"copy or export the file again"
        ) from error
    if parts != 1 or len(found) != 1 or next(iter(found)) not in _KINDS:
        raise InputError(
            f"{path}: expected one part with the channels Y, RGB or RGBA, but got {parts} part(s) with "
            f"{', '.join(sorted(found))}; save the picture's own channels alone"
        )
    frame = as_frame(next(iter(found.values())), str(path))
    alpha = None if frame.alpha is None else np.ascontiguousarray(frame.alpha)
    kept = {name: value for name, value in header.items() if name not in _LOST}
    return Frame(np.ascontiguousarray(frame.pixels), alpha), kept
