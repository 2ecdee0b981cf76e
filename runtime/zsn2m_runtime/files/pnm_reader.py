"""Reading PGM, PPM, PNM, PAM and PFM. Pillow scales 10 and 12 bits to 16, and 16-bit colour to 8."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Metadata
from zsn2m_runtime.files.picture_file import PictureFile
from zsn2m_runtime.files.pnm import FLOAT, BrokenPnmError, read_header, read_samples
from zsn2m_runtime.files.pnm_writer import PnmWriter
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame


class PnmFile(PictureFile):
    """A Netpbm file of one picture; its header says the range of its samples."""

    suffixes = (".pgm", ".ppm", ".pnm", ".pam", ".pfm")

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        try:
            self._header = read_header(content)
            array = read_samples(content, self._header)
        except BrokenPnmError as error:
            raise InputError(
                f"{path}: expected a complete Netpbm file, but {error}; copy or export the file again"
            ) from error
        channels = 1 if array.shape[2] < 3 else 3
        pixels = np.ascontiguousarray(array[:, :, 0] if channels == 1 else array[:, :, :3])
        alpha = np.ascontiguousarray(array[:, :, -1]) if array.shape[2] in (2, 4) else None
        super().__init__(path, Frame(pixels, alpha))

    @property
    def value_range(self) -> tuple[float, float] | None:
        return None if self._header.magic in FLOAT else (0.0, self._header.highest)

    @property
    def metadata(self) -> Metadata:
        return Metadata(texts=bool(self._header.comments))

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return PnmWriter(out_path, self.layout, self._header.highest, self._header.comments)
