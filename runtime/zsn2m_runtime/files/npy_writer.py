"""Writing NPY: one array, page by page in bounded memory."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame


class NpyWriter(ImageWriter):
    """Writes frames as one array.

    No memory map: a full disk would end the process, where a write raises an error.

    Shape:
        array: the given shape, else (h, w), (h, w, c) or, of several pages, (n, h, w, c)
    """

    def __init__(self, path: Path, layout: Layout, shape: tuple[int, ...] | None = None) -> None:
        super().__init__(path, layout)
        self._shape = shape or _natural_shape(layout)
        self._stream: BinaryIO | None = None

    @classmethod
    def with_metadata(cls, path: Path, layout: Layout, metadata: Metadata) -> NpyWriter:
        """A writer for a source of another format; NPY holds no metadata."""
        return cls(path, layout)

    def _begin(self, temporary: Path) -> None:
        self._stream = temporary.open("wb")
        header = {
            "descr": np.lib.format.dtype_to_descr(self.layout.dtype),
            "fortran_order": False,
            "shape": self._shape,
        }
        np.lib.format.write_array_header_1_0(self._stream, header)

    def _put(self, frame: Frame, page: int) -> None:
        assert self._stream is not None
        self._stream.write(np.ascontiguousarray(frame.as_array()).data)

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def _natural_shape(layout: Layout) -> tuple[int, ...]:
    size = (layout.height, layout.width)
    if layout.page_count > 1:
        return (layout.page_count, *size, layout.samples)
    return size if layout.samples == 1 else (*size, layout.samples)
