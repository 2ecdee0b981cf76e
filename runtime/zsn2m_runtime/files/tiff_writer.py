"""Writing TIFF page by page: either with every tag of a source TIFF, or plain."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.tiff_structure import LONG, ByteOrder, Dialect, Tag, TiffStream, numbers
from zsn2m_runtime.files.tiff_tags import (
    COMPRESSION,
    HORIZONTAL,
    PREDICTOR,
    ROWS_PER_STRIP,
    STRIP_BYTES,
    STRIP_OFFSETS,
    UNCOMPRESSED,
    plain_tags,
)
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame, Pixels

DEFLATE_LEVEL = 6
STRIP_TARGET = 1 << 18  # bytes of a strip before compression; libtiff advises small strips
CLASSIC_LIMIT = (1 << 32) - (1 << 25)  # as tifffile: 32 MB of a classic file are left for tags


@dataclass(frozen=True)
class PageForm:
    """How the pixels of one page are stored.

    Shape:
        array: (h, w) or (h, w, c), c samples with alpha last
    """

    layout: Layout
    compression: int
    predictor: bool  # differences between neighbours, for whole numbers
    planar: bool  # one plane after another
    tags: tuple[Tag, ...]  # everything but where and how the pixels are stored

    @property
    def nbytes(self) -> int:
        """Size of the page without compression."""
        layout = self.layout
        return layout.height * layout.width * layout.samples * layout.dtype.itemsize


def dialect_for(order: ByteOrder, big: bool, nbytes: int) -> Dialect:
    """The dialect for so many bytes of pixels: BigTIFF where the source is, or where they need it."""
    return Dialect(order, big or nbytes > CLASSIC_LIMIT)


class TiffWriter(ImageWriter):
    """Writes pages in the forms that `form_of(page)` tells.

    With `contiguous_directories`, the pixels of all pages stand one after another behind the first directory,
    as ImageJ expects, and only so many pages get a directory (above 4 GB, ImageJ itself writes only one).
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        dialect: Dialect,
        form_of: Callable[[int], PageForm],
        contiguous_directories: int = 0,
    ) -> None:
        super().__init__(path, layout)
        self._dialect = dialect
        self._form_of = form_of
        self._contiguous_directories = contiguous_directories
        self._stream: BinaryIO | None = None

    def _begin(self, temporary: Path) -> None:
        self._stream = temporary.open("wb")
        self._tiff = TiffStream(self._stream, self._dialect)

    def _page_layout(self, page: int) -> Layout:
        return self._form_of(page).layout

    def _put(self, frame: Frame, page: int) -> None:
        form = self._form_of(page)
        segments = list(_segments(frame.as_array(), form, self._dialect.order))
        if self._contiguous_directories:
            if page == 0:
                self._first_plane = self._start_contiguous(form)
            for segment in segments:
                self._tiff.append(segment)
            return
        self._tiff.align()
        offsets = [self._tiff.append(segment) for segment in segments]
        self._tiff.append_page(self._tags(form, offsets, [len(segment) for segment in segments]))

    def _start_contiguous(self, form: PageForm) -> int:
        """Write the first directory; the pixels of all pages follow right behind it."""
        tags = [tag for tag in self._tags(form, [0], [form.nbytes]) if tag.code != STRIP_OFFSETS]
        dialect = self._dialect
        return self._tiff.append_page_before_pixels(
            tags, lambda where: numbers(STRIP_OFFSETS, [where], dialect, dialect.offset_kind)
        )

    def _finish(self) -> None:
        assert self._stream is not None
        for page in range(1, self._contiguous_directories):
            form = self._form_of(page)
            self._tiff.append_page(self._tags(form, [self._first_plane + page * form.nbytes], [form.nbytes]))
        self._stream.flush()

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _tags(self, form: PageForm, offsets: Sequence[int], sizes: Sequence[int]) -> list[Tag]:
        dialect = self._dialect
        rows = form.layout.height if len(offsets) == 1 else _rows_per_strip(form)
        tags = [
            *form.tags,
            numbers(COMPRESSION, [form.compression], dialect),
            numbers(ROWS_PER_STRIP, [rows], dialect, LONG),
            numbers(STRIP_OFFSETS, offsets, dialect, dialect.offset_kind),
            numbers(STRIP_BYTES, sizes, dialect, dialect.offset_kind),
        ]
        if form.predictor:
            tags.append(numbers(PREDICTOR, [HORIZONTAL], dialect))
        return tags


def _rows_per_strip(form: PageForm) -> int:
    if form.compression == UNCOMPRESSED:
        return form.layout.height
    row_bytes = form.nbytes // form.layout.height
    return min(form.layout.height, max(1, STRIP_TARGET // row_bytes))


def _segments(array: Pixels, form: PageForm, order: ByteOrder) -> Iterator[bytes | memoryview]:
    """The strips of a page, encoded.

    Shape:
        array: (h, w) or (h, w, c)
    """
    planes = list(np.moveaxis(array, 2, 0)) if form.planar and array.ndim == 3 else [array]
    rows = _rows_per_strip(form)
    for plane in planes:
        for top in range(0, len(plane), rows):
            strip = plane[top : top + rows]
            if form.predictor:
                strip = np.diff(strip, axis=1, prepend=np.zeros_like(strip[:, :1]))
            packed = np.ascontiguousarray(strip, strip.dtype.newbyteorder(order)).data.cast("B")
            yield packed if form.compression == UNCOMPRESSED else zlib.compress(packed, DEFLATE_LEVEL)


def plain_writer(path: Path, layout: Layout, metadata: Metadata) -> TiffWriter:
    """A writer of uncompressed pages for a source of another format, or none."""
    size = layout.height * layout.width * layout.samples * layout.dtype.itemsize
    dialect = dialect_for("<", False, size * layout.page_count)
    page_layout = replace(layout, page_count=1)
    tags = plain_tags(layout, metadata, dialect)
    form = PageForm(page_layout, UNCOMPRESSED, predictor=False, planar=False, tags=tags)
    return TiffWriter(path, layout, dialect, lambda page: form)
