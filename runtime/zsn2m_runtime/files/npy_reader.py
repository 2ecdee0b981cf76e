"""Reading NPY: (h, w), (h, w, 3 | 4), or a stack (n, h, w, 1 | 3 | 4), page by page.

Only the header is read by a memory map: SIGBUS ends the process if another program shortens a mapped file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.npy_writer import NpyWriter
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame, as_frame
from zsn2m_runtime.sample_types import Pixels

PIECE = 1 << 24  # samples of a stack in Fortran's order that are read at once


class NpyFile(ImageFile):
    """An NPY file; only the pages that are read come into memory."""

    suffixes = (".npy",)

    def __init__(self, path: Path) -> None:
        array = _map(path)
        if array.ndim == 3 and array.shape[2] not in (1, 3, 4):
            raise InputError(
                f"{path}: expected shape (h, w), (h, w, 3), (h, w, 4) or a stack (n, h, w, 1 | 3 | 4), "
                f"but got {array.shape}; save a stack as 4-D, for example array[..., None]"
            )
        if array.size == 0:
            raise InputError(f"{path}: expected at least one pixel, but got shape {array.shape}; save it again")
        self._shape, self._dtype, self._begins = array.shape, array.dtype, int(array.offset)
        self._is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        layout = Layout.of(as_frame(array[0] if array.ndim == 4 else array, str(path)))
        pages = len(array) if array.ndim == 4 else 1
        super().__init__(path, replace(layout, page_count=pages, dtype=layout.dtype.newbyteorder("=")))

    @property
    def metadata(self) -> Metadata:
        return Metadata()

    def _read(self, page: int) -> Frame:
        frame = as_frame(self._page(page), str(self.path))
        alpha = None if frame.alpha is None else np.array(frame.alpha, order="C")
        return Frame(np.ascontiguousarray(frame.pixels), alpha)

    def _page(self, page: int) -> Pixels:
        """The samples of a page, in this machine's byte order."""
        pages, shape = (self._shape[0], self._shape[1:]) if len(self._shape) == 4 else (1, self._shape)
        size = int(np.prod(shape))
        with self.path.open("rb") as stream:
            if not self._is_fortran:
                stream.seek(self._begins + page * size * self._dtype.itemsize)
                return self._native(np.fromfile(stream, self._dtype, size), size).reshape(shape)
            stream.seek(self._begins)
            whole = max(1, PIECE // pages)  # samples of each page in a piece
            counts = [min(whole, size - start) for start in range(0, size, whole)]
            parts = [self._native(np.fromfile(stream, self._dtype, n * pages), n * pages)[page::pages] for n in counts]
        return np.concatenate(parts).reshape(shape, order="F")

    def _native(self, samples: Pixels, expected: int) -> Pixels:
        if samples.size < expected:
            raise InputError(f"{self.path}: expected the samples that were there, but it was shortened; write it again")
        return samples.astype(self._dtype.newbyteorder("="), copy=False)

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return NpyWriter(out_path, self.layout, self._shape)


def _map(path: Path) -> np.memmap[tuple[int, ...], np.dtype[np.generic]]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python and raises errors of many kinds
        raise InputError(
            f"{path}: expected a complete NPY file of numbers, but got one that cannot be read ({error}); "
            f"save it again with numpy.save"
        ) from error
    if not isinstance(array, np.memmap):
        raise InputError(f"{path}: expected an NPY file, but got another kind of numpy file; use numpy.save")
    return array
