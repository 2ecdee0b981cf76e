"""Reading NPY: (h, w), (h, w, 3 | 4), or a stack (n, h, w, 1 | 3 | 4), from a memory map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.npy_writer import NpyWriter
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame, Pixels, as_frame


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
        self._shape = array.shape
        layout = Layout.of(_page_of(array, 0, path))
        super().__init__(path, replace(layout, page_count=len(array) if array.ndim == 4 else 1))

    @property
    def metadata(self) -> Metadata:
        return Metadata()

    def _read(self, page: int) -> Frame:
        # Mapped anew for every page: a map that stays would keep all pages it has shown in memory.
        return _page_of(_map(self.path), page, self.path)

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return NpyWriter(out_path, self.layout, self._shape)


def _page_of(array: Pixels, page: int, path: Path) -> Frame:
    mapped = array[page] if array.ndim == 4 else array
    frame = as_frame(mapped, str(path))
    native = mapped.dtype.newbyteorder("=")
    alpha = None if frame.alpha is None else np.array(frame.alpha, native, order="C")
    return Frame(np.array(frame.pixels, native, order="C"), alpha)


def _map(path: Path) -> Pixels:
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
