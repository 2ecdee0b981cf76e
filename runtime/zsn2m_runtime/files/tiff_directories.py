"""Directories of tags in a TIFF file, read and written byte for byte.

tifffile gives values; its writer leaves EXIF and GPS directories out and adds a resolution where there was none
(docs/decisions/own-writers.md).

References:
    TIFF Revision 6.0 (Adobe, 1992), Section 2; BigTIFF as in libtiff.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tifffile import DATATYPE, TIFF, TiffFile, TiffFormat

SIZE_OF_KIND = {kind: struct.calcsize("=" + letters) for kind, letters in TIFF.DATA_FORMATS.items()}
DIRECTORY_TAGS = frozenset((34665, 34853, 40965))  # EXIF, GPS, interoperability: one directory each
WHOLE_NUMBERS = frozenset((DATATYPE.LONG, DATATYPE.IFD, DATATYPE.LONG8, DATATYPE.IFD8))
MOST_SUB_DIRECTORIES = 8  # below a page: EXIF, GPS and interoperability, perhaps twice
ALIGNMENT = 16  # bytes: what tifffile aligns pixels to, so that they can be mapped as any sample type


class BrokenTiffError(Exception):
    """The bytes are not a complete TIFF file; the text says what is wrong."""


class TooManyTagsError(Exception):
    """The tags of a file stand for more than it can hold: the file is refused, not only the directory."""


@dataclass(frozen=True)
class Tag:
    """One tag: code, kind of value, and its bytes in the file's byte order; or a directory of tags."""

    code: int
    kind: int
    data: bytes
    directory: tuple[Tag, ...] = ()

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.data) // SIZE_OF_KIND[self.kind]


def whole(data: bytes, form: TiffFormat) -> int:
    """The whole number that some bytes stand for."""
    return int.from_bytes(data, "little" if form.byteorder == "<" else "big")


def numbers(code: int, values: Sequence[int], form: TiffFormat, kind: int = DATATYPE.SHORT) -> Tag:
    """A tag of whole numbers."""
    return Tag(code, kind, struct.pack(f"{form.byteorder}{len(values)}{TIFF.DATA_FORMATS[kind][-1]}", *values))


def offsets(code: int, values: Sequence[int], form: TiffFormat) -> Tag:
    """A tag of places in the file."""
    return numbers(code, values, form, DATATYPE.LONG8 if form.is_bigtiff else DATATYPE.LONG)


@dataclass
class TagBudget:
    """What may still be read: tags and pages that point to the same bytes could stand for any amount.

    Attributes:
        file: bytes of tags, of all pages together
        page: bytes of tags of the page that is read
        directories: below that page
    """

    file: int
    page: int = 0
    directories: int = 0

    def begin_page(self, file_bytes: int) -> None:
        """Count from here what the next page has."""
        self.page, self.directories = file_bytes, MOST_SUB_DIRECTORIES

    def take(self, size: int) -> None:
        """Count bytes of tags.

        Raises:
            TooManyTagsError: if there are more than the file can hold.
        """
        self.file -= size
        self.page -= size
        if self.file < 0 or self.page < 0:
            raise TooManyTagsError("its tags stand for more bytes than it has")

    def enter(self) -> None:
        """Count a directory below the page.

        Raises:
            TooManyTagsError: if there are too many, as where they form a circle.
        """
        self.directories -= 1
        if self.directories < 0:
            raise TooManyTagsError(f"a page has more than {MOST_SUB_DIRECTORIES} directories of tags below it")


def _unpack(tiff: TiffFile, codes: str) -> tuple[int, ...]:
    data = tiff.filehandle.read(struct.calcsize(codes))
    if len(data) < struct.calcsize(codes):
        raise BrokenTiffError("it ends too early")
    return struct.unpack(codes, data)


def directory_offsets(tiff: TiffFile) -> list[int]:
    """Where the directories of all pages are.

    Raises:
        BrokenTiffError: if the chain leads out of the file or in a circle; tifffile drops the rest, or never ends.
    """
    found: dict[int, None] = {}
    offset = tiff.pages.first.offset
    while offset:
        if offset in found:
            raise BrokenTiffError("its pages form a circle")
        found[offset] = None
        tiff.filehandle.seek(offset)
        (count,) = _unpack(tiff, tiff.tiff.tagnoformat)
        tiff.filehandle.seek(count * tiff.tiff.tagsize, 1)
        (offset,) = _unpack(tiff, tiff.tiff.offsetformat)
    return list(found)


def read_tags(tiff: TiffFile, offset: int, budget: TagBudget | None = None) -> list[Tag]:
    """All tags of a page's directory, those of unknown kind and empty directories left out.

    Args:
        offset: of the directory
        budget: of all pages that are read; None: of this one
    Raises:
        BrokenTiffError: if a value lies outside the file.
        TooManyTagsError: if the page or the budget would have more than the file can hold.
    """
    budget = budget or TagBudget(tiff.filehandle.size)
    budget.begin_page(tiff.filehandle.size)
    return _read_directory(tiff, offset, budget)


def _read_directory(tiff: TiffFile, offset: int, budget: TagBudget) -> list[Tag]:
    form, file = tiff.tiff, tiff.filehandle
    file.seek(offset)
    (count,) = _unpack(tiff, form.tagnoformat)
    budget.take(count * form.tagsize)
    entries = file.read(count * form.tagsize)
    if len(entries) < count * form.tagsize:
        raise BrokenTiffError("it ends too early")
    tags = []
    for code, kind, number, inline in struct.iter_unpack(form.tagformat1 + form.tagformat2[1:], entries):
        if kind not in SIZE_OF_KIND:
            continue
        size = SIZE_OF_KIND[kind] * number
        data = inline[:size]
        if size > len(inline):
            budget.take(size)
            file.seek(struct.unpack(form.offsetformat, inline)[0])
            data = file.read(size)
        if len(data) < size:
            raise BrokenTiffError("it ends too early")
        below: list[Tag] = []
        if code in DIRECTORY_TAGS:
            if number == 1 and kind in WHOLE_NUMBERS:
                budget.enter()
                below = _read_directory(tiff, whole(data, form), budget)
            if not below:  # its place means nothing in another file
                continue
        tags.append(Tag(code, kind, data, tuple(below)))
    return tags


class TiffStream:
    """A TIFF file being written: pixels and directories, appended in any order.

    A directory is linked after it is written: a file that a full disk cuts short holds whole pages only.
    """

    def __init__(self, stream: BinaryIO, form: TiffFormat) -> None:
        self._stream, self.form = stream, form
        mark = b"II" if form.byteorder == "<" else b"MM"
        head = (form.version, 8, 0) if form.is_bigtiff else (form.version,)
        stream.write(mark + struct.pack(f"{form.byteorder}{len(head)}H", *head))
        self._link = stream.tell()  # where the offset of the next directory belongs
        stream.write(bytes(form.offsetsize))

    def align(self) -> int:
        """Pad the end of the file; returns where that is then."""
        position = self._stream.tell()
        self._stream.write(bytes(-position % ALIGNMENT))
        return position + -position % ALIGNMENT

    def append(self, data: bytes | memoryview) -> int:
        """Write bytes at the end of the file; returns where they begin."""
        position = self._stream.tell()
        self._stream.write(data)
        return position

    def append_page(self, tags: Sequence[Tag]) -> None:
        """Write the directory of the next page and link it to the one before."""
        start, link = self.append_directory(tags)
        end = self._stream.tell()
        self._stream.seek(self._link)
        self._stream.write(struct.pack(self.form.offsetformat, start))
        self._stream.seek(end)
        self._link = link

    def append_page_before_pixels(self, tags: Sequence[Tag], place: Callable[[int], Tag]) -> int:
        """Write a directory with its one segment right behind it; `place` makes the tag that says where.

        Returns where the segment begins, which is the end of the file.
        """
        flat = self._flattened(tags)
        start = self.align()
        self.append_directory([*flat, place(0)])
        pixels = self.align()
        self._stream.seek(start)
        self.append_page([*flat, place(pixels)])
        return self.align()

    def append_directory(self, tags: Sequence[Tag]) -> tuple[int, int]:
        """Write a directory, linked to nothing, after those below it; returns its offset and that of its link."""
        form, flat = self.form, self._flattened(tags)
        start = self.align()
        link = start + form.tagnosize + len(flat) * form.tagsize
        entries, values = struct.pack(form.tagnoformat, len(flat)), b""
        for tag in sorted(flat, key=lambda tag: tag.code):
            data = tag.data
            if len(data) > form.offsetsize:
                data = struct.pack(form.offsetformat, link + form.offsetsize + len(values))
                values += tag.data + bytes(len(tag.data) % 2)
            head = struct.pack(form.tagformat1, tag.code, tag.kind)
            entries += head + struct.pack(form.offsetformat, tag.count) + data.ljust(form.offsetsize, b"\x00")
        self._stream.write(entries + bytes(form.offsetsize) + values)
        return start, link

    def _flattened(self, tags: Sequence[Tag]) -> list[Tag]:
        """The tags, each directory among them written and replaced by its place."""
        return [
            offsets(tag.code, [self.append_directory(tag.directory)[0]], self.form) if tag.directory else tag
            for tag in tags
        ]
