"""Writing TIFF page by page: either with every tag of a source TIFF, or plain."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from tifffile import DATATYPE, PREDICTOR, TIFF, TiffFormat

from zsn2m_runtime.files import tiff_tags
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.tiff_directories import Tag, TiffStream, numbers, offsets
from zsn2m_runtime.files.tiff_pages import PageForm
from zsn2m_runtime.files.tiff_pyramid import smaller_copy
from zsn2m_runtime.files.tiff_segments import segments, strip_rows
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

CLASSIC_LIMIT = (1 << 32) - (1 << 25)  # as tifffile: 32 MB of a classic file are left for tags


def format_for(order: str, big: bool) -> TiffFormat:
    """The byte order, '<' or '>', and whether offsets have 64 bits."""
    if order == "<":
        return TIFF.BIG_LE if big else TIFF.CLASSIC_LE
    return TIFF.BIG_BE if big else TIFF.CLASSIC_BE


@dataclass(frozen=True)
class PagePlan:
    """How a page is stored.

    Attributes:
        tags: all but those on where and how the pixels are stored
        place: among the directories of the file; None: it hangs below a page (SubIFD)
        levels: smaller copies of it
        read: the source's own, if it is a smaller copy of a page that is copied; None where it cannot be read
    """

    form: PageForm
    tags: Sequence[Tag]
    place: int | None
    levels: Sequence[PagePlan] = ()
    read: Callable[[], Pixels | None] = lambda: None


@dataclass(frozen=True)
class FilePlan:
    """How the pages of a file are stored.

    Attributes:
        page: the plan of each, from 0
        places: of all directories in order, smaller copies of pages among them; None: page after page
        contiguous_directories: where above 0, the pixels of all pages stand one after another behind the first
            directory, as ImageJ expects, and only so many pages get a directory (above 4 GB, ImageJ writes only one)
    """

    form: TiffFormat
    page: Callable[[int], PagePlan]
    places: Sequence[int] | None = None
    contiguous_directories: int = 0


class TiffPages:
    """Pages appended to a file that is open for writing; smaller copies of a page are made of what is written.

    Attributes:
        count: pages that are whole
        end: bytes of the file that they take
    """

    def __init__(self, stream: BinaryIO, plan: FilePlan) -> None:
        self.count = self.end = 0
        self._tiff, self._plan = TiffStream(stream, plan.form), plan
        self._stream = stream
        self._waiting: dict[int, list[Tag]] = {}  # directories whose pixels are written, by place
        self._places = None if plan.places is None else deque(plan.places)

    def append(self, frame: Frame, unchanged: bool = False) -> None:
        """Write the next page.

        Args:
            unchanged: it is the source's own page, whose smaller copies are copied too
        """
        plan, array = self._plan.page(self.count), frame.as_array()
        if self._plan.contiguous_directories:
            self._put_behind(array, plan)
        else:
            self._put(array, plan, unchanged)
        self.count += 1
        self.end = self._stream.tell()

    def finish(self) -> None:
        """Write the directories that are left; pages stay readable where there is no room for them."""
        for place in sorted(self._waiting):  # of a stack that ends early
            self._tiff.append_page(self._waiting.pop(place))
        for page in range(1, min(self.count, self._plan.contiguous_directories)):
            plan = self._plan.page(page)
            nbytes = plan.form.layout.stated.nbytes
            self._tiff.append_page(self._tags(plan, [self._first_plane + page * nbytes], [nbytes]))
        self._stream.flush()

    def _put(self, array: Pixels, plan: PagePlan, unchanged: bool) -> None:
        tags, below = self._put_pixels(array, plan), []
        for level in plan.levels:
            smaller = level.read() if unchanged else None
            smaller = smaller_copy(array, level.form.layout) if smaller is None else smaller
            of_level = self._put_pixels(smaller, level)
            if level.place is None:
                below.append(self._tiff.append_directory(of_level)[0])
            else:
                self._waiting[level.place] = of_level
        if below:
            tags.append(offsets(tiff_tags.SUB_IMAGES, below, self._plan.form))
        if self._places is None or plan.place is None:
            self._tiff.append_page(tags)
            return
        self._waiting[plan.place] = tags
        while self._places and self._places[0] in self._waiting:
            self._tiff.append_page(self._waiting.pop(self._places.popleft()))

    def _put_pixels(self, array: Pixels, plan: PagePlan) -> list[Tag]:
        """Write the pixels of a page; returns the tags of its directory."""
        self._tiff.align()
        parts = [(self._tiff.append(part), len(part)) for part in segments(array, plan.form, self._plan.form.byteorder)]
        return self._tags(plan, [begin for begin, _ in parts], [size for _, size in parts])

    def _put_behind(self, array: Pixels, plan: PagePlan) -> None:
        """Write pixels right behind those of the page before, the first ones right behind their directory."""
        if self.count == 0:
            where = tiff_tags.STRIP_OFFSETS
            tags = [tag for tag in self._tags(plan, [0], [plan.form.layout.stated.nbytes]) if tag.code != where]
            self._first_plane = self._tiff.append_page_before_pixels(
                tags, lambda place: offsets(where, [place], self._plan.form)
            )
        for segment in segments(array, plan.form, self._plan.form.byteorder):
            self._tiff.append(segment)

    def _tags(self, plan: PagePlan, places: Sequence[int], sizes: Sequence[int]) -> list[Tag]:
        file, form = self._plan.form, plan.form
        tags = [*plan.tags, numbers(tiff_tags.COMPRESSION, [form.compression], file)]
        if form.predictor != PREDICTOR.NONE:
            tags.append(numbers(tiff_tags.PREDICTOR, [form.predictor], file))
        if form.tile is None:
            where, bytes_of = tiff_tags.STRIP_OFFSETS, tiff_tags.STRIP_BYTES
            tags.append(numbers(tiff_tags.ROWS_PER_STRIP, [strip_rows(form)], file, DATATYPE.LONG))
        else:
            where, bytes_of = tiff_tags.TILE_OFFSETS, tiff_tags.TILE_BYTES
            for code, side in zip((tiff_tags.TILE_HEIGHT, tiff_tags.TILE_WIDTH), form.tile, strict=True):
                tags.append(numbers(code, [side], file, DATATYPE.LONG))
        return [*tags, offsets(where, places, file), offsets(bytes_of, sizes, file)]


class TiffWriter(ImageWriter):
    """Writes pages in the forms that a plan tells."""

    def __init__(self, path: Path, layout: Layout, plan: FilePlan) -> None:
        super().__init__(path, layout)
        self.plan = plan
        self._stream: BinaryIO | None = None

    def _begin(self, temporary: Path) -> None:
        self._stream = temporary.open("wb")
        self._pages = TiffPages(self._stream, self.plan)

    def _page_layout(self, page: int) -> Layout:
        return self.plan.page(page).form.layout

    def _put(self, frame: Frame, page: int) -> None:
        self._pages.append(frame, self._unchanged)

    def _finish(self) -> None:
        self._pages.finish()

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def plain_plan(layout: Layout, metadata: Metadata, big: bool) -> FilePlan:
    """Uncompressed pages for a source of another format, or none."""
    file = format_for("<", big)
    plan = PagePlan(PageForm(replace(layout, page_count=1)), tiff_tags.plain_tags(layout, metadata, file), None)
    return FilePlan(file, lambda page: plan)


def plain_writer(path: Path, layout: Layout, metadata: Metadata) -> TiffWriter:
    """A writer of uncompressed pages for a source of another format, or none."""
    big = layout.stated.nbytes * layout.page_count > CLASSIC_LIMIT
    return TiffWriter(path, layout, plain_plan(layout, metadata, big))
