"""Reading TIFF page by page.

Pixels are decoded by tifffile, or by OpenCV where tifffile lacks the compression; tags are taken as they are.
"""

from __future__ import annotations

import logging
import re
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import tifffile

from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.files.axes import StackAxes, plain_axes
from zsn2m_runtime.files.layout import Metadata
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.tiff_axes import tiff_axes
from zsn2m_runtime.files.tiff_opencv import decode_with_opencv, page_alone
from zsn2m_runtime.files.tiff_pages import PageFacts, check_inside_file, page_facts
from zsn2m_runtime.files.tiff_pyramid import Arrangement, Arranger, Level, Smaller
from zsn2m_runtime.files.tiff_segments import PageForm, compression_note, form_like
from zsn2m_runtime.files.tiff_structure import (
    BrokenTiffError,
    Tag,
    TagBudget,
    directory_offsets,
    read_directory,
    read_header,
)
from zsn2m_runtime.files.tiff_tags import (
    DESCRIPTION,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    UNCOMPRESSED,
    carried_tags,
    metadata_of,
)
from zsn2m_runtime.files.tiff_writer import FilePlan, TiffWriter, dialect_for
from zsn2m_runtime.files.writer import ImageWriter, describe
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

# What tifffile reports is checked here and raised; without a handler Python would print it as well.
log = logging.getLogger(__name__)
logging.getLogger("tifffile").addHandler(logging.NullHandler())


SHARED_TAGS = 1 << 26  # bytes of tags that pages may share, such as a colour profile of each
THREE_GREYS = (
    "its three samples a pixel are grey by its own words (photometric MinIsBlack), and count as one colour frame; "
    "save them as pages to train on one at a time"
)
OME_BEGINNINGS = (b"<?xml", b"<OME")


class TiffImageFile(ImageFile):
    """A TIFF file, one frame per page, or the planes of an ImageJ stack that has a single directory."""

    suffixes = (".tif", ".tiff")

    def __init__(self, path: Path) -> None:
        try:
            with ExitStack() as stack:
                self._stream = stack.enter_context(path.open("rb"))
                self._scan(path)
                self._tiff = stack.enter_context(tifffile.TiffFile(path))
                self._check_series(path)
                self._opened = stack.pop_all()
        except Zsn2mError:
            raise
        except Exception as error:
            raise _damaged(path, error) from error
        super().__init__(path, replace(self._facts.layout, page_count=self._planes or len(self._pages.frames)))

    def _scan(self, path: Path) -> None:
        """Look at every page before the first is read: a fault on the last one must not cost hours."""
        self._dialect, first = read_header(self._stream)
        self._offsets = directory_offsets(self._stream, self._dialect, first)
        self._file_bytes = path.stat().st_size
        tags = self._tags_at(self._offsets[0])
        description = tags[DESCRIPTION].data if DESCRIPTION in tags else b""
        self._is_imagej = description.startswith(b"ImageJ=")
        self._pages = self._arrange(path, self._is_imagej or description.lstrip().startswith(OME_BEGINNINGS))
        self._facts = page_facts(self._tags(0), self._dialect, str(path), self._is_imagej)
        self._same_size, self._pixel_bytes = True, 0
        self._largest = self._facts.stated
        for page in range(len(self._pages.frames)):
            tags = self._tags(page)
            facts = page_facts(tags, self._dialect, f"{path}: page {page + 1}", self._is_imagej)
            check_inside_file(facts, tags, self._dialect, self._file_bytes)
            self._check_like_first(facts, path, page)
            self._largest = max(self._largest, facts.stated, key=lambda stated: stated.nbytes)
            self._same_size &= facts.layout == self._facts.layout
            self._pixel_bytes += facts.stored_bytes
        self._pixel_bytes += sum(copy.facts.stored_bytes for copies in self._pages.smaller.values() for copy in copies)
        self._planes = self._planes_of_single_directory(description)

    def _arrange(self, path: Path, says_its_pages: bool) -> Arrangement:
        def facts_of(offset: int) -> PageFacts:
            return page_facts(self._tags_at(offset), self._dialect, str(path), self._is_imagej)

        arranger = Arranger(self._dialect, self._offsets, facts_of)
        budget = TagBudget(self._file_bytes + SHARED_TAGS)
        for offset in self._offsets:
            tags = self._tags_at(offset)
            budget.take(sum(len(tag.data) for tag in tags.values()))
            arranger.see(tags)
        return arranger.arrange(says_its_pages)

    def _check_like_first(self, facts: PageFacts, path: Path, page: int) -> None:
        first, layout = self._facts.layout, facts.layout
        if replace(layout, height=first.height, width=first.width) != first:
            raise InputError(
                f"{path}: expected all pages to be like the first, {describe(first)}, but page {page + 1} is "
                f"{describe(layout)}; split the file"
            )

    def _planes_of_single_directory(self, description: bytes) -> int:
        """How many planes stand behind the only directory; 0 if every plane has its own."""
        images = re.search(rb"^images=(\d+)", description, re.MULTILINE)
        if not self._is_imagej or len(self._pages.frames) > 1 or images is None or int(images[1]) < 2:
            return 0
        planes = int(images[1])
        if self._facts.compression != UNCOMPRESSED:
            return 0
        if self._facts.planar:
            raise BrokenTiffError("its colour planes are separate, which ImageJ does not write")
        if self._facts.first_byte + planes * self._facts.nbytes > self._file_bytes:
            raise BrokenTiffError(f"it ends before its {planes} images do")
        self._pixel_bytes = planes * self._facts.nbytes
        return planes

    def _check_series(self, path: Path) -> None:
        """Other programs put several planes behind one directory too; those must not go unnoticed."""
        if self._planes or len(self._offsets) > 1 or self._tiff.is_ome:
            return
        if self._tiff.series[0].size > self._tiff.pages[0].size:
            raise InputError(
                f"{path}: expected one directory per page, but got several planes behind one; "
                f"save it as an ImageJ or OME-TIFF"
            )

    def _tags(self, page: int) -> dict[int, Tag]:
        return self._tags_at(self._offsets[self._pages.frames[page]])

    def _tags_at(self, offset: int) -> dict[int, Tag]:
        return {tag.code: tag for tag in read_directory(self._stream, self._dialect, offset)}

    @property
    def metadata(self) -> Metadata:
        return metadata_of(self._tags(0), self._dialect)

    @cached_property
    def axes(self) -> StackAxes:
        try:
            return tiff_axes(self._tiff, self._pages.frames, self._planes)
        except Exception:  # metadata may be wrong in any way; the pages are read all the same
            log.warning("%s: its metadata do not say what its pages are; they count as one plain stack", self.path)
            return plain_axes(self.page_count)

    @property
    def largest(self) -> Stated:
        return self._largest

    @property
    def storage(self) -> str:
        parts = [f"tiles of {self._facts.tile[1]} x {self._facts.tile[0]}"] if self._facts.tile else []
        copies = [copy.facts.layout for copy in self._pages.smaller.get(self._pages.frames[0], ())]
        if copies:
            sizes = ", ".join(f"{layout.width} x {layout.height}" for layout in copies)
            parts.append(f"smaller copies of the page: {sizes}")
        return "; ".join(parts)

    @property
    def remarks(self) -> tuple[str, ...]:
        if self._facts.layout.channels == 3 and self._facts.photometric in (MIN_IS_WHITE, MIN_IS_BLACK):
            return (THREE_GREYS, *self._pages.left_out)
        return tuple(self._pages.left_out)

    def close(self) -> None:
        self._opened.close()

    def _read(self, page: int) -> Frame:
        if self._stream.closed:
            raise InputError(f"{self.path}: expected an open file, but it is closed; read inside the with block")
        try:
            facts = self._facts_of(page)
            array = self._plane(page) if self._planes else self._decode(page, facts)
        except Zsn2mError:
            raise
        except Exception as error:
            raise _damaged(self.path, error) from error
        layout = facts.layout
        shape = (layout.height, layout.width) + ((layout.samples,) if layout.samples > 1 else ())
        if array.shape != shape or array.dtype.name != layout.dtype.name:
            raise _damaged(self.path, f"page {page + 1} decodes to {array.shape} {array.dtype.name}, not {shape}")
        array = np.ascontiguousarray(array, layout.dtype)
        if not layout.has_alpha:
            return Frame(array)
        pixels = array[:, :, 0] if layout.channels == 1 else array[:, :, :3]
        return Frame(np.ascontiguousarray(pixels), np.ascontiguousarray(array[:, :, -1]))

    def _facts_of(self, page: int) -> PageFacts:
        if self._planes:
            return self._facts
        return page_facts(self._tags(page), self._dialect, str(self.path), self._is_imagej)

    def _plane(self, page: int) -> Pixels:
        layout = self._facts.layout
        self._stream.seek(self._facts.first_byte + page * self._facts.nbytes)
        dtype = layout.dtype.newbyteorder(self._dialect.order)
        flat = np.fromfile(self._stream, dtype, self._facts.nbytes // dtype.itemsize)
        size = (layout.height, layout.width)
        return flat.reshape(size if layout.samples == 1 else (*size, layout.samples))

    def _decode(self, page: int, facts: PageFacts) -> Pixels:
        place = self._pages.frames[page]
        try:
            # Of a series tifffile takes all pages to be stored as its first is; whole pages have their own tags.
            array: Pixels = self._tiff.pages[place].aspage().asarray()
        except (ValueError, ImportError) as error:
            if isinstance(error, ValueError) and "imagecodecs" not in str(error):
                raise
            return decode_with_opencv(self.path, page, facts, lambda: self._alone(page))
        return np.moveaxis(array, 0, 2) if facts.planar else array

    def _alone(self, page: int) -> bytes:
        return page_alone(self._stream, self._dialect, self._tags(page))

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        dialect = dialect_for(self._dialect.order, self._dialect.big, self._pixel_bytes)
        facts, pages = self._facts, self._pages
        plain = facts.compression == UNCOMPRESSED and not (facts.planar or facts.tile or pages.smaller)
        contiguous = self._is_imagej and self._same_size and plain and self.page_count > 1
        directories = len(pages.frames) if contiguous else 0
        if self._planes:
            dialect = self._dialect  # ImageJ reads beyond 4 GB from a classic file, but no BigTIFF

        def form_at(facts: PageFacts, tags: dict[int, Tag], levels: tuple[Level, ...] = ()) -> PageForm:
            kept = carried_tags(list(tags.values()), self._dialect, self.path.name, out_path.name)
            return form_like(facts, kept, levels)

        def form_of(page: int) -> PageForm:
            page = 0 if self._planes else page
            levels = [
                Level(form_at(copy.facts, self._tags_at(copy.offset)), copy.place, partial(self._read_copy, copy, page))
                for copy in pages.smaller.get(pages.frames[page], ())
            ]
            return form_at(self._facts_of(page), self._tags(page), tuple(levels))

        writer = TiffWriter(out_path, self.layout, FilePlan(dialect, form_of, directories, pages.frames, pages.kept))
        writer.notes = (*pages.left_out, *filter(None, [compression_note(facts.compression)]))
        return writer

    def _read_copy(self, copy: Smaller, page: int) -> Pixels | None:
        """A smaller copy as the source has it; None where it cannot be read, so that it is made again."""
        try:
            if copy.place is None:
                whole = self._tiff.pages[self._pages.frames[page]].aspage()
                found = next(below for below in whole.pages or () if below.offset == copy.offset)
            else:
                found = self._tiff.pages[copy.place].aspage()
            array: Pixels = found.asarray()
        except Exception:  # of decoders
            return None
        array = np.moveaxis(array, 0, 2) if copy.facts.planar else array
        return array if array.shape[:2] == (copy.facts.layout.height, copy.facts.layout.width) else None

    def _other_format_writer(self, out_path: Path) -> ImageWriter:
        if not self._same_size or self._facts.photometric == MIN_IS_WHITE:
            got = "pages of different sizes" if not self._same_size else "a TIFF where 0 is white"
            raise UsageError(f"{out_path}: expected pages that this format can hold, but got {got}; write .tif instead")
        writer = super()._other_format_writer(out_path)
        if self._pages.smaller:
            writer.notes = (f"its smaller copies (a pyramid) are left out, which {out_path.suffix} cannot hold",)
        return writer


def _damaged(path: Path, reason: object) -> InputError:
    """Decoders raise errors of many kinds, their own among them; to the user they all mean this."""
    return InputError(
        f"{path}: expected a complete TIFF file, but got a damaged one ({str(reason) or repr(reason)}); "
        f"copy or export the file again"
    )
