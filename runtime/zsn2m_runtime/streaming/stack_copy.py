"""A TIFF stack of the results of one image file, with all that `denoise` keeps of it."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, suppress
from pathlib import Path

from zsn2m_runtime.atomic import writing
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.limits import NO_LIMIT
from zsn2m_runtime.files.tiff_tags import DESCRIPTION
from zsn2m_runtime.files.tiff_writer import TiffWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Item, Picture
from zsn2m_runtime.unfinished_file import UnfinishedFile

log = logging.getLogger(__name__)
COUNTS = (b"images=", b"channels=", b"slices=", b"frames=", b"hyperstack=")  # lines of ImageJ that speak of all pages
SPEAKS_OF_PAGES = (b"<?xml", b"<OME", b'{"shape"')  # OME-XML and tifffile's own descriptions


class StackCopySink:
    """A TIFF file with the pages, tags and compression of one image file; it may end before that does.

    Args:
        path: of the TIFF to write
        original: the image file that all pictures come from, page by page
    Raises:
        UsageError: if it would replace the original.
        OutputError: if it cannot be written.
    """

    lost: tuple[str, ...] = ()  # of a video, in words

    def __init__(self, path: Path, original: Path) -> None:
        with ExitStack() as undo:
            image = undo.enter_context(open_image(original, NO_LIMIT))
            whole = image.create(path)
            assert isinstance(whole, TiffWriter), path
            for note in whole.notes:
                log.warning("%s: %s", original, note)
            self._path, self._file = path, UnfinishedFile(path)
            with writing(path):
                self._pages = _OpenEnded(whole, self._file.temporary)
            self._opened = undo.pop_all()

    def write(self, item: Item) -> None:
        """Append a page; packets of other tracks are left out.

        Raises:
            OutputError: if it cannot be written, or is not like the original's.
        """
        if isinstance(item, Picture):
            self._file.check()
            self._pages.append(item.frame, item.is_kept)

    def finish(self) -> str:
        """Put the file in place; returns its path."""
        with writing(self._path):
            self._pages.end()
        self._file.finish()
        self._opened.close()
        return str(self._path)

    def salvage(self) -> str | None:
        """Keep the pages that are complete in NAME.partial.tif; returns its path, None where there are none."""
        with suppress(OSError):
            self._pages.end()
        self._opened.close()
        return self._file.give_up(keep=self._pages.count > 0)


class _OpenEnded(TiffWriter):
    """What another writer would write, into a file that is there already, and as many pages as come."""

    def __init__(self, whole: TiffWriter, file: Path) -> None:
        super().__init__(whole.path, whole.layout, whole.plan)
        self._place, self.count = file, 0
        self._head = self._tail = 0  # bytes: with the first page, and with all whole pages
        self._begin(file)

    def append(self, frame: Frame, unchanged: bool = False) -> None:
        self._unchanged = unchanged
        self._written = self.count  # which page a message names
        self._check_frame(frame)
        with writing(self.path):
            self._put(frame, self.count)
            assert self._stream is not None
            self._tail = self._stream.tell()
        self._head = self._head or self._tail
        self.count += 1

    def end(self) -> None:
        """Complete the file; once only. Pages stay readable where the room is too little even for that."""
        if self._stream is None:
            return
        try:
            self._contiguous_directories = min(self._contiguous_directories, self.count)
            if self._stream.tell() > self._tail:  # half a page, on a full disk: without it there is room
                os.truncate(self._place, self._tail)
            self._stream.seek(self._tail)
            self._stream.truncate()
            self._finish()
        finally:
            with suppress(OSError):
                self._release()
            if 0 < self.count < self.layout.page_count:
                self._correct_description()

    def _correct_description(self) -> None:
        """In its place, which takes no room: one that promises more pages would make readers fail or invent them."""
        tags = self._form_of(0).tags
        old = next((tag.data for tag in tags if tag.code == DESCRIPTION), b"")
        if old.startswith(b"ImageJ="):
            lines = [line for line in old.rstrip(b"\0").split(b"\n") if not line.startswith(COUNTS)]
            counts = [name + b"%d" % self.count for name in (b"images=", b"slices=")]
            whole = [b"\n".join((lines[0], *counts[:some], *lines[1:])) for some in (2, 1)]
            new = next(text for text in whole if len(text) <= len(old))  # slices are new where there were none
        elif old.lstrip().startswith(SPEAKS_OF_PAGES):
            new = b""
        else:
            return
        with self._place.open("r+b") as file:
            file.seek(file.read(self._head).find(old))
            file.write(new.ljust(len(old), b"\0"))
