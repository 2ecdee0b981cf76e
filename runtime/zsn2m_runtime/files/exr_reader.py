"""EXR as an image file; `exr` reads and writes it."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.files.exr import SUFFIXES, ExrWriter, read_exr
from zsn2m_runtime.files.layout import Metadata
from zsn2m_runtime.files.picture_file import PictureFile
from zsn2m_runtime.files.writer import ImageWriter


class ExrFile(PictureFile):
    """An EXR file of one part: scene-linear values, mostly float16."""

    suffixes = SUFFIXES

    def __init__(self, path: Path) -> None:
        frame, self._header = read_exr(path)
        super().__init__(path, frame)

    @property
    def metadata(self) -> Metadata:
        return Metadata()

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return ExrWriter(out_path, self.layout, self._header)
