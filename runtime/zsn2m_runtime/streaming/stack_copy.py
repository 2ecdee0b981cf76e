"""A TIFF stack of the results of one image file, with the metadata that `denoise` keeps."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, suppress
from pathlib import Path

from tifffile import TiffFile

from zsn2m_runtime.files import Layout, open_image
from zsn2m_runtime.files.limits import NO_LIMIT
from zsn2m_runtime.files.tiff_directories import read_tags
from zsn2m_runtime.files.tiff_tags import DESCRIPTION, OME_BEGINNINGS
from zsn2m_runtime.files.tiff_writer import TiffPages, TiffWriter
from zsn2m_runtime.files.writer import check_layout
from zsn2m_runtime.streaming.ends import Item, Picture
from zsn2m_runtime.unfinished_file import UnfinishedFile
from zsn2m_runtime.writing_errors import writing

log = logging.getLogger(__name__)
COUNTS = ("images=", "channels=", "slices=", "frames=", "hyperstack=")  # lines of ImageJ that count pages
COUNT_PAGES = (*OME_BEGINNINGS, '{"shape"')  # beginnings of descriptions that do: OME-XML, tifffile's own


class StackCopySink:
    """A TIFF file with the pages, tags and compression of one image file; it may have fewer pages.

    Args:
        path: of the TIFF to write
        original: the image file that all pictures come from, page by page
    Raises:
        UsageError: if it would replace the original.
        OutputError: if it cannot be written.
    """

    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __init__(self, path: Path, original: Path) -> None:
        with ExitStack() as undo:
            image = undo.enter_context(open_image(original, NO_LIMIT))
            whole = image.create(path)
            assert isinstance(whole, TiffWriter), path
            for note in whole.notes:
                log.warning("%s: %s", original, note)
            self._path, self._whole, self._file = path, whole, UnfinishedFile(path)
            with writing(path):
                self._stream = self._file.temporary.open("wb")
                self._pages = TiffPages(self._stream, whole.plan)
            self._opened = undo.pop_all()

    def write(self, item: Item) -> None:
        """Append a page; packets of other tracks are left out.

        Raises:
            OutputError: if it cannot be written, or is not like the original's.
        """
        if isinstance(item, Picture):
            self._file.check()
            count = self._pages.count
            check_layout(self._path, count, self._whole.plan.page(count).form.layout, Layout.of(item.frame))
            with writing(self._path):
                self._pages.append(item.frame, item.is_kept)

    def finish(self) -> str:
        """Put the file in place; returns its path."""
        with writing(self._path):
            self._end()
        self._file.finish()
        self._opened.close()
        return str(self._path)

    def salvage(self) -> str | None:
        """Keep the pages that are complete in NAME.partial.tif; returns its path, None where there are none."""
        with suppress(OSError):
            self._end()
        self._opened.close()
        return self._file.give_up(keep=self._pages.count > 0)

    def _end(self) -> None:
        """Complete the file; on a full disk, the pages that are whole stay readable."""
        if self._stream.closed:
            return
        try:
            if self._stream.tell() > self._pages.end:  # half a page: without it there is room on a full disk
                os.truncate(self._file.temporary, self._pages.end)
            self._stream.seek(self._pages.end)
            self._stream.truncate()
            self._pages.finish()
        finally:
            with suppress(OSError):
                self._stream.close()
            if 0 < self._pages.count < self._whole.layout.page_count:
                self._correct_description()

    def _correct_description(self) -> None:
        """Correct, in its place, a description of more pages than there are, which readers would miss or invent."""
        with TiffFile(self._file.temporary, mode="r+") as file:
            page = file.pages.first
            said = [tag.data for tag in read_tags(file, page.offset) if tag.code == DESCRIPTION] or [b""]
            old = said[0].rstrip(b"\x00").decode("latin-1")  # a character for each byte, whatever they mean
            if old.startswith("ImageJ="):
                first, *lines = [line for line in old.split("\n") if not line.startswith(COUNTS)]
                counts = [f"{name}={self._pages.count}" for name in ("images", "slices")]
                whole = ["\n".join((first, *counts[:some], *lines)) for some in (2, 1)]
                new = next(text for text in whole if len(text) <= len(old))  # `slices` may be new, and then not fit
            elif old.lstrip().startswith(COUNT_PAGES):
                new = ""
            else:
                return
            page.tags[DESCRIPTION].overwrite(new.encode("latin-1"))
