"""Writing PGM, PPM, PAM and PFM: binary, 8 and 16 bit and float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.pnm import ANY, FLOAT, PnmHeader
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame


class PnmWriter(ImageWriter):
    """Writes one frame; `highest` and `comments` are those of a source of this family."""

    def __init__(
        self, path: Path, layout: Layout, highest: float | None = None, comments: tuple[bytes, ...] = ()
    ) -> None:
        super().__init__(path, layout)
        self._highest, self._comments = highest, comments

    @classmethod
    def with_metadata(cls, path: Path, layout: Layout, metadata: Metadata) -> PnmWriter:
        """A writer for a source of another format; these files hold no metadata but the range of whole numbers."""
        return cls(path, layout, metadata.value_range and metadata.value_range[1])

    def _begin(self, temporary: Path) -> None:
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        layout, colour = self.layout, self.layout.channels == 3
        if layout.dtype == np.float32:
            magic, highest = FLOAT[colour], -abs(self._highest or 1.0)
        else:
            binary = (b"P5", b"P6")[colour]
            magic = ANY if self.path.suffix.lower() == ".pam" else binary
            highest = self._highest or float(np.iinfo(layout.dtype).max)
        header = PnmHeader(magic, layout.width, layout.height, layout.samples, highest, self._comments)
        array = frame.as_array()[::-1] if magic in FLOAT else frame.as_array()
        with self._temporary.open("wb") as stream:
            stream.write(header.packed())
            stream.write(np.ascontiguousarray(array, header.dtype).data.cast("B"))
