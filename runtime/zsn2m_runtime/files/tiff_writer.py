"""Writing TIFF page by page: either with every tag of a source TIFF, or plain."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.tiff_pyramid import smaller_copy
from zsn2m_runtime.files.tiff_segments import NO_PREDICTOR, PageForm, rows_per_strip, segments
from zsn2m_runtime.files.tiff_structure import LONG, ByteOrder, Dialect, Tag, TiffStream, numbers
from zsn2m_runtime.files.tiff_tags import (
    COMPRESSION,
    PREDICTOR,
    ROWS_PER_STRIP,
    STRIP_BYTES,
    STRIP_OFFSETS,
    SUB_IMAGES,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_WIDTH,
    UNCOMPRESSED,
    plain_tags,
)
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

CLASSIC_LIMIT = (1 << 32) - (1 << 25)  # as tifffile: 32 MB of a classic file are left for tags


def dialect_for(order: ByteOrder, big: bool, nbytes: int) -> Dialect:
    """The dialect for so many bytes of pixels: BigTIFF where the source is, or where they need it."""
    return Dialect(order, big or nbytes > CLASSIC_LIMIT)


@dataclass(frozen=True)
class FilePlan:
    """How the pages of a file are stored.

    form_of: of a page, from 0
    contiguous_directories: where above 0, the pixels of all pages stand one after another behind the first directory,
        as ImageJ expects, and only so many pages get a directory (above 4 GB, ImageJ itself writes only one)
    frames: the place of each page among the directories of the source; None: page after page
    order: the places of all directories that are kept, smaller copies of pages among them
    """

    dialect: Dialect
    form_of: Callable[[int], PageForm]
    contiguous_directories: int = 0
    frames: Sequence[int] | None = None
    order: Sequence[int] = ()


class TiffWriter(ImageWriter):
    """Writes pages in the forms that a plan tells; smaller copies of a page are made of what is written."""

    def __init__(self, path: Path, layout: Layout, plan: FilePlan) -> None:
        super().__init__(path, layout)
        self.plan = plan
        self._dialect, self._form_of = plan.dialect, plan.form_of
        self._contiguous_directories = plan.contiguous_directories
        self._stream: BinaryIO | None = None

    def _begin(self, temporary: Path) -> None:
        self._stream = temporary.open("wb")
        self._tiff = TiffStream(self._stream, self._dialect)
        self._waiting: dict[int, list[Tag]] = {}  # directories whose pixels are written, by place
        self._order = deque(self.plan.order if self.plan.frames is not None else range(self.layout.page_count))

    def _page_layout(self, page: int) -> Layout:
        return self._form_of(page).layout

    def _put(self, frame: Frame, page: int) -> None:
        form, array = self._form_of(page), frame.as_array()
        if self._contiguous_directories:
            if page == 0:
                self._first_plane = self._start_contiguous(form)
            for segment in segments(array, form, self._dialect.order):
                self._tiff.append(segment)
            return
        tags, below = self._put_pixels(array, form), []
        for level in form.levels:
            smaller = level.read() if self._unchanged else None
            smaller = smaller_copy(array, level.form.layout) if smaller is None else smaller
            of_level = self._put_pixels(smaller, level.form)
            if level.place is None:
                below.append(self._tiff.append_directory(of_level)[0])
            else:
                self._waiting[level.place] = of_level
        if below:
            tags.append(numbers(SUB_IMAGES, below, self._dialect, self._dialect.offset_kind))
        self._waiting[page if self.plan.frames is None else self.plan.frames[page]] = tags
        while self._order and self._order[0] in self._waiting:
            self._tiff.append_page(self._waiting.pop(self._order.popleft()))

    def _put_pixels(self, array: Pixels, form: PageForm) -> list[Tag]:
        """Write the pixels of a page; returns the tags of its directory."""
        self._tiff.align()
        offsets, sizes = [], []
        for segment in segments(array, form, self._dialect.order):
            offsets.append(self._tiff.append(segment))
            sizes.append(len(segment))
        return self._tags(form, offsets, sizes)

    def _start_contiguous(self, form: PageForm) -> int:
        """Write the first directory; the pixels of all pages follow right behind it."""
        tags = [tag for tag in self._tags(form, [0], [form.nbytes]) if tag.code != STRIP_OFFSETS]
        dialect = self._dialect
        return self._tiff.append_page_before_pixels(
            tags, lambda where: numbers(STRIP_OFFSETS, [where], dialect, dialect.offset_kind)
        )

    def _finish(self) -> None:
        assert self._stream is not None
        for place in sorted(self._waiting):  # of a stack that ends early
            self._tiff.append_page(self._waiting.pop(place))
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
        tags = [*form.tags, numbers(COMPRESSION, [form.compression], dialect)]
        if form.tile:
            rows, columns = form.tile
            where, bytes_of = TILE_OFFSETS, TILE_BYTES
            tags.append(numbers(TILE_WIDTH, [columns], dialect, LONG))
            tags.append(numbers(TILE_HEIGHT, [rows], dialect, LONG))
        else:
            rows = form.layout.height if len(offsets) == 1 else rows_per_strip(form)
            where, bytes_of = STRIP_OFFSETS, STRIP_BYTES
            tags.append(numbers(ROWS_PER_STRIP, [rows], dialect, LONG))
        tags.append(numbers(where, offsets, dialect, dialect.offset_kind))
        tags.append(numbers(bytes_of, sizes, dialect, dialect.offset_kind))
        if form.predictor != NO_PREDICTOR:
            tags.append(numbers(PREDICTOR, [form.predictor], dialect))
        return tags


def plain_writer(path: Path, layout: Layout, metadata: Metadata) -> TiffWriter:
    """A writer of uncompressed pages for a source of another format, or none."""
    size = layout.height * layout.width * layout.samples * layout.dtype.itemsize
    dialect = dialect_for("<", False, size * layout.page_count)
    page_layout = replace(layout, page_count=1)
    tags = plain_tags(layout, metadata, dialect)
    form = PageForm(page_layout, UNCOMPRESSED, NO_PREDICTOR, planar=False, tags=tags)
    return TiffWriter(path, layout, FilePlan(dialect, lambda page: form))
