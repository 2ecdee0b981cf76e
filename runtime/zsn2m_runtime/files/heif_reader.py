"""HEIC as an image file; `heif` reads and writes it."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.files.heif import SUFFIXES, HeifWriter, read_heif
from zsn2m_runtime.files.layout import Metadata
from zsn2m_runtime.files.picture_file import DeepPictureFile
from zsn2m_runtime.files.writer import ImageWriter


class HeifFile(DeepPictureFile):
    """A HEIC file; more than 8 bits are uint16 with values up to 1023 or 4095."""

    suffixes = SUFFIXES

    def __init__(self, path: Path) -> None:
        frame, depth, self._metadata, self._colours = read_heif(path)
        super().__init__(path, frame, depth)

    @property
    def metadata(self) -> Metadata:
        return self._metadata

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return HeifWriter(out_path, self.layout, self.metadata, self._depth, self._colours)
