"""HEIC files among the others; what reads and writes them is in `heif`."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.files.formats import check_format
from zsn2m_runtime.files.heif import SUFFIXES, HeifWriter, read_heif
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame


class HeifFile(ImageFile):
    """A HEIC file; more than 8 bits are uint16 with values up to 1023 or 4095."""

    suffixes = SUFFIXES

    def __init__(self, path: Path) -> None:
        self._frame, self._depth, self._metadata, self._colours = read_heif(path)
        super().__init__(path, Layout.of(self._frame))

    @property
    def value_range(self) -> tuple[float, float] | None:
        return 0.0, 2.0**self._depth - 1

    @property
    def metadata(self) -> Metadata:
        return self._metadata

    def _read(self, page: int) -> Frame:
        return self._frame

    def _check_target(self, out_path: Path) -> None:
        if out_path.suffix.lower() not in self.suffixes:  # HEIC holds uint16 only where the source says 10 or 12 bits
            check_format(out_path, self.layout)

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return HeifWriter(out_path, self.layout, self.metadata, self._depth, self._colours)
