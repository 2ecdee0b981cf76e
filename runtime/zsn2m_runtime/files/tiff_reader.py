"""Reading TIFF page by page.

Pixels are decoded by tifffile, or by OpenCV where tifffile lacks the compression; tags are taken as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile, TiffFileError, TiffPage

from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.files.axes import StackAxes, plain_axes
from zsn2m_runtime.files.cfa import page_filters
from zsn2m_runtime.files.layout import Metadata
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.tiff_axes import tiff_axes
from zsn2m_runtime.files.tiff_decoding import decode_page
from zsn2m_runtime.files.tiff_directories import BrokenTiffError, Tag, TagBudget, directory_offsets, read_tags
from zsn2m_runtime.files.tiff_pages import PageForm, check_inside_file, page_form
from zsn2m_runtime.files.tiff_planes import planes_behind_directory, read_plane
from zsn2m_runtime.files.tiff_pyramid import Listed, Smaller, arrange
from zsn2m_runtime.files.tiff_segments import compression_note, kept_form
from zsn2m_runtime.files.tiff_tags import GREYS, OME_BEGINNINGS, carried_tags, metadata_of
from zsn2m_runtime.files.tiff_writer import CLASSIC_LIMIT, FilePlan, PagePlan, TiffWriter, format_for
from zsn2m_runtime.files.writer import ImageWriter, describe
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.sample_types import Pixels

# What tifffile reports is checked here and raised; without a handler Python would print it as well.
log = logging.getLogger(__name__)
logging.getLogger("tifffile").addHandler(logging.NullHandler())

SHARED_TAGS = 1 << 26  # bytes of tags that pages may share, such as a colour profile of each
THREE_GREYS = (
    "its three samples a pixel are grey by its own words (photometric MinIsBlack), and count as one colour frame; "
    "save them as pages to train on one at a time"
)


class TiffImageFile(ImageFile):
    """A TIFF file, one frame per page, or the planes of an ImageJ stack that has a single directory."""

    suffixes = (".tif", ".tiff")

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Of LSM, tifffile follows the pages at once, for ever where they form a circle.
            self._tiff = TiffFile(path, is_lsm=False)
        except Exception as error:
            raise _damaged(path, error) from error
        try:
            self._scan()
            self._check_series()
        except BaseException as error:
            self._tiff.close()
            if isinstance(error, Zsn2mError) or not isinstance(error, Exception):
                raise
            raise _damaged(path, error) from error
        super().__init__(path, replace(self._form.layout, page_count=self._planes or len(self._pages.frames)))

    def _scan(self) -> None:
        """Look at every page before the first is read: a fault on the last one must not cost hours."""
        self._offsets = directory_offsets(self._tiff)
        description = self._tiff.pages.first.description
        self._is_imagej = description.startswith("ImageJ=")
        budget, listed, forms = TagBudget(self._tiff.filehandle.size + SHARED_TAGS), [], []
        for offset in self._offsets:
            read_tags(self._tiff, offset, budget)
            page = self._page_at(offset)
            listed.append(Listed.of(page))
            forms.append(self._form_of_plain(page))
        says_its_pages = self._is_imagej or description.lstrip().startswith(OME_BEGINNINGS)
        self._pages = arrange(listed, partial(self._form_at, budget), says_its_pages)
        self._planes = 0
        self._mosaic: MosaicRecord | None = None
        self._form = self._form_of(self._page(0))
        self._same_size, self._pixel_bytes = True, 0
        self._largest = self._form.stated
        for number, place in enumerate(self._pages.frames):
            form = (self._form.photometric != PHOTOMETRIC.CFA and forms[place]) or self._looked_at(number)
            self._check_like_first(form, number)
            self._largest = max(self._largest, form.stated, key=lambda stated: stated.nbytes)
            self._same_size &= form.layout == self._form.layout
            self._pixel_bytes += form.stated.nbytes
        self._pixel_bytes += sum(copy.form.stated.nbytes for copies in self._pages.smaller.values() for copy in copies)
        if self._is_imagej and len(self._pages.frames) == 1:
            self._planes = planes_behind_directory(self._tiff, self._form, description)
        if self._planes:
            self._pixel_bytes = self._planes * self._form.layout.stated.nbytes

    def _form_of_plain(self, page: TiffPage) -> PageForm | None:
        """The form of a page that is no mosaic and has no fault; None of others, which may be no frames."""
        with suppress(InputError, BrokenTiffError):
            form = self._form_of(page)
            check_inside_file(page, form)
            return None if form.photometric == PHOTOMETRIC.CFA else form
        return None

    def _looked_at(self, number: int) -> PageForm:
        """The form of a frame; its faults are raised."""
        page = self._page(number)
        form = self._form_of(page, f": page {number + 1}")
        check_inside_file(page, form)
        self._check_filters(page, number)
        return form

    def _check_like_first(self, form: PageForm, number: int) -> None:
        first, layout = self._form.layout, form.layout
        if replace(layout, height=first.height, width=first.width) != first:
            raise InputError(
                f"{self.path}: expected all pages to be like the first, {describe(first)}, but page {number + 1} is "
                f"{describe(layout)}; split the file"
            )

    def _check_filters(self, page: TiffPage, number: int) -> None:
        mosaic = page_filters(page, str(self.path))
        if number == 0:
            self._mosaic = mosaic
        elif mosaic != self._mosaic:
            raise InputError(
                f"{self.path}: expected the filters of page 1 on all, but page {number + 1} has others; split the file"
            )

    def _check_series(self) -> None:
        """Other programs put several planes behind one directory too; those must not go unnoticed."""
        if self._planes or len(self._offsets) > 1 or self._tiff.is_ome:
            return
        if self._tiff.series[0].size > self._tiff.pages.first.size:
            raise InputError(
                f"{self.path}: expected one directory per page, but got several planes behind one; "
                f"save it as an ImageJ or OME-TIFF"
            )

    def _page_at(self, offset: int) -> TiffPage:
        """The page by its own tags; as part of a series, tifffile takes all pages to be stored as the first is."""
        self._tiff.filehandle.seek(offset)
        return TiffPage(self._tiff, index=0)

    def _page(self, number: int) -> TiffPage:
        return self._page_at(self._offsets[self._pages.frames[0 if self._planes else number]])

    def _form_at(self, budget: TagBudget, offset: int, is_below: bool) -> PageForm:
        try:
            if is_below:
                read_tags(self._tiff, offset, budget)
            return self._form_of(self._page_at(offset))
        except TiffFileError as error:
            raise BrokenTiffError(str(error)) from error

    def _form_of(self, page: TiffPage, where: str = "") -> PageForm:
        return page_form(page, f"{self.path}{where}", self._is_imagej)

    @property
    def metadata(self) -> Metadata:
        return replace(metadata_of(self._page(0)), mosaic=self._mosaic)

    @cached_property
    def axes(self) -> StackAxes:
        try:
            return tiff_axes(self._tiff, self._pages.frames, self._planes)
        except Exception:  # metadata may be wrong in any way; the pages are read all the same
            log.warning("%s: its metadata do not say what its pages are; they count as one plain stack", self.path)
            return plain_axes(self.page_count)

    @property
    def mosaic(self) -> MosaicRecord | None:
        return self._mosaic

    @property
    def largest(self) -> Stated:
        return self._largest

    @property
    def storage(self) -> str:
        parts = [f"tiles of {self._form.tile[1]} x {self._form.tile[0]}"] if self._form.tile else []
        copies = [copy.form.layout for copy in self._pages.smaller.get(self._pages.frames[0], ())]
        if copies:
            sizes = ", ".join(f"{layout.width} x {layout.height}" for layout in copies)
            parts.append(f"smaller copies of the page: {sizes}")
        return "; ".join(parts)

    @property
    def remarks(self) -> tuple[str, ...]:
        if self._form.layout.channels == 3 and self._form.photometric in GREYS:
            return (THREE_GREYS, *self._pages.left_out)
        return tuple(self._pages.left_out)

    def close(self) -> None:
        self._tiff.close()

    def _read(self, page: int) -> Frame:
        if self._tiff.filehandle.closed:
            raise InputError(f"{self.path}: expected an open file, but it is closed; read inside the with block")
        try:
            found = self._page(page)
            form = self._form_of(found)
            if self._planes:
                array = read_plane(self._tiff, self._form, page)
            else:
                array = decode_page(found, form, f"{self.path}: page {page + 1}")
        except Zsn2mError:
            raise
        except Exception as error:
            raise _damaged(self.path, error) from error
        layout = form.layout
        shape = (layout.height, layout.width) + ((layout.samples,) if layout.samples > 1 else ())
        if array.shape != shape or array.dtype.name != layout.dtype.name:
            raise _damaged(self.path, f"page {page + 1} decodes to {array.shape} {array.dtype.name}, not {shape}")
        array = np.ascontiguousarray(array, layout.dtype)
        if not layout.has_alpha:
            return Frame(array)
        pixels = array[:, :, 0] if layout.channels == 1 else array[:, :, :3]
        return Frame(np.ascontiguousarray(pixels), np.ascontiguousarray(array[:, :, -1]))

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        file, first, pages = self._tiff.tiff, self._form, self._pages
        plain = first.compression == COMPRESSION.NONE and not (first.planar or first.tile or pages.smaller)
        contiguous = self._is_imagej and self._same_size and plain and self.page_count > 1
        if not self._planes:  # ImageJ reads beyond 4 GB from a classic file, but no BigTIFF
            file = format_for(file.byteorder, file.is_bigtiff or self._pixel_bytes > CLASSIC_LIMIT)

        def tags_at(offset: int) -> Sequence[Tag]:
            return carried_tags(read_tags(self._tiff, offset), self._tiff.tiff, self.path.name, out_path.name)

        def plan_of(number: int) -> PagePlan:
            page, place = self._page(number), pages.frames[0 if self._planes else number]
            levels = [
                PagePlan(kept_form(copy.form), tags_at(copy.offset), copy.place, read=partial(self._read_copy, copy))
                for copy in pages.smaller.get(place, ())
            ]
            return PagePlan(kept_form(self._form_of(page)), tags_at(page.offset), place, levels)

        plan = FilePlan(file, plan_of, pages.kept, len(pages.frames) if contiguous else 0)
        writer = TiffWriter(out_path, self.layout, plan)
        writer.notes = (*pages.left_out, *filter(None, [compression_note(first.compression)]))
        return writer

    def _read_copy(self, copy: Smaller) -> Pixels | None:
        """A smaller copy as the source has it; None where it cannot be read, so that it is made again."""
        try:
            array = decode_page(self._page_at(copy.offset), copy.form, str(self.path))
        except Exception:  # of decoders
            return None
        return array if array.shape[:2] == (copy.form.layout.height, copy.form.layout.width) else None

    def _other_format_writer(self, out_path: Path) -> ImageWriter:
        if not self._same_size or self._form.photometric == PHOTOMETRIC.MINISWHITE:
            got = "pages of different sizes" if not self._same_size else "a TIFF where 0 is white"
            raise UsageError(f"{out_path}: expected pages that this format can hold, but got {got}; write .tif instead")
        writer = super()._other_format_writer(out_path)
        if self._pages.smaller:
            copies = f"its smaller copies (a pyramid) are left out, which {out_path.suffix} cannot hold"
            writer.notes = (copies, *writer.notes)
        return writer


def _damaged(path: Path, reason: object) -> InputError:
    """Decoders raise errors of many kinds, their own among them; to the user they all mean this."""
    return InputError(
        f"{path}: expected a complete TIFF file, but got a damaged one ({str(reason) or repr(reason)}); "
        f"copy or export the file again"
    )
