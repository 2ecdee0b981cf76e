"""The skeleton of a TIFF file: directories of tags, read and written as they are, byte for byte.

References:
    TIFF Revision 6.0 (Adobe, 1992), Section 2; BigTIFF as in libtiff.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

SIZE_OF_KIND = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
ByteOrder = Literal["<", ">"]
SHORT, LONG, LONG8 = 3, 4, 16
SUB_DIRECTORIES = frozenset((34665, 34853, 40965))  # EXIF, GPS, interoperability: one directory each
ALIGNMENT = 16
MOST_TAGS = 65535  # of a classic directory; BigTIFF's have no more use for them
MOST_SUB_DIRECTORIES = 8  # below a page: EXIF, GPS and interoperability, perhaps twice


class BrokenTiffError(Exception):
    """The bytes are not a complete TIFF file; the text says what is wrong."""


@dataclass(frozen=True)
class Dialect:
    """Byte order ('<' or '>'), and whether offsets have 64 bits."""

    order: ByteOrder
    big: bool

    @property
    def offset(self) -> str:
        """struct code of an offset."""
        return "Q" if self.big else "I"

    @property
    def count(self) -> str:
        """struct code of the number of tags in a directory."""
        return "Q" if self.big else "H"

    @property
    def offset_kind(self) -> int:
        """TIFF kind of an offset."""
        return LONG8 if self.big else LONG

    def pack(self, codes: str, *values: int) -> bytes:
        """struct.pack in this byte order."""
        return struct.pack(self.order + codes, *values)

    def unpack(self, codes: str, stream: BinaryIO) -> tuple[int, ...]:
        """Read and struct.unpack in this byte order.

        Raises:
            BrokenTiffError: if the file ends before.
        """
        codes = self.order + codes
        data = stream.read(struct.calcsize(codes))
        if len(data) < struct.calcsize(codes):
            raise BrokenTiffError("it ends too early")
        return struct.unpack(codes, data)


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


def numbers(code: int, values: Sequence[int], dialect: Dialect, kind: int = SHORT) -> Tag:
    """A tag of whole numbers."""
    letter = {SHORT: "H", LONG: "I", LONG8: "Q"}[kind]
    return Tag(code, kind, dialect.pack(f"{len(values)}{letter}", *values))


def read_header(stream: BinaryIO) -> tuple[Dialect, int]:
    """The dialect of a file, and where its first directory is.

    Raises:
        BrokenTiffError: if it is not a TIFF file.
    """
    stream.seek(0)
    mark = stream.read(2)
    if mark not in (b"II", b"MM"):
        raise BrokenTiffError("it does not begin like a TIFF file")
    order: ByteOrder = "<" if mark == b"II" else ">"
    (version,) = Dialect(order, False).unpack("H", stream)
    if version not in (42, 43):
        raise BrokenTiffError("it does not begin like a TIFF file")
    dialect = Dialect(order, version == 43)
    if dialect.big:
        dialect.unpack("HH", stream)
    return dialect, dialect.unpack(dialect.offset, stream)[0]


def directory_offsets(stream: BinaryIO, dialect: Dialect, first: int) -> list[int]:
    """Where the directories of all pages are.

    Raises:
        BrokenTiffError: if the chain leads out of the file or in a circle; decoders would just drop the rest.
    """
    offsets: list[int] = []
    seen: set[int] = set()
    offset = first
    while offset:
        if offset in seen:
            raise BrokenTiffError("its pages form a circle")
        offsets.append(offset)
        seen.add(offset)
        stream.seek(offset)
        (count,) = dialect.unpack(dialect.count, stream)
        stream.seek(count * (20 if dialect.big else 12), 1)
        (offset,) = dialect.unpack(dialect.offset, stream)
    if not offsets:
        raise BrokenTiffError("it has no pages")
    return offsets


@dataclass
class TagBudget:
    """What the directories of a file may hold: tags that point to the same bytes again and again hold any amount.

    left: bytes of tags; directories: of EXIF and the like that may still be below one of a page
    """

    left: int
    directories: int = MOST_SUB_DIRECTORIES

    def take(self, size: int) -> None:
        """Count the bytes of a tag.

        Raises:
            BrokenTiffError: if there are more than the file can hold.
        """
        self.left -= size
        if self.left < 0:
            raise BrokenTiffError("its tags stand for more bytes than it has")

    def enter(self) -> None:
        """Count a directory below another one.

        Raises:
            BrokenTiffError: if there are too many.
        """
        self.directories -= 1
        if self.directories < 0:
            raise BrokenTiffError("it has too many directories below one page")


def read_directory(stream: BinaryIO, dialect: Dialect, offset: int, budget: TagBudget | None = None) -> tuple[Tag, ...]:
    """All tags of the directory at an offset, those of unknown kind left out.

    Args:
        budget: of what may be read; None: as many bytes as the file has
    Raises:
        BrokenTiffError: if a value lies outside the file, or the budget is used up.
    """
    budget = budget or TagBudget(stream.seek(0, 2))
    stream.seek(offset)
    (count,) = dialect.unpack(dialect.count, stream)
    entry = struct.Struct(f"{dialect.order}HH{dialect.offset}{8 if dialect.big else 4}s")
    if count > MOST_TAGS:  # a BigTIFF may say any number
        raise BrokenTiffError(f"one of its pages has {count} tags")
    entries = stream.read(count * entry.size)
    if len(entries) < count * entry.size:
        raise BrokenTiffError("it ends too early")
    tags = []
    for code, kind, number, inline in entry.iter_unpack(entries):
        if kind not in SIZE_OF_KIND:
            continue
        size = SIZE_OF_KIND[kind] * number
        data = inline[:size]
        if size > len(inline):
            budget.take(size)
            stream.seek(struct.unpack(dialect.order + dialect.offset, inline)[0])
            data = stream.read(size)
        if len(data) < size:
            raise BrokenTiffError("it ends too early")
        inner: tuple[Tag, ...] = ()
        if code in SUB_DIRECTORIES and number == 1 and kind in (4, 13, 16, 18):
            where = int.from_bytes(data, "little" if dialect.order == "<" else "big")
            budget.enter()
            inner = read_directory(stream, dialect, where, budget) if where != offset else ()
        tags.append(Tag(code, kind, data, inner))
    return tuple(tags)


class TiffStream:
    """A TIFF file being written: pixel segments and directories, appended in any order."""

    def __init__(self, stream: BinaryIO, dialect: Dialect) -> None:
        self._stream = stream
        self.dialect = dialect
        mark = b"II" if dialect.order == "<" else b"MM"
        stream.write(mark + (dialect.pack("HHH", 43, 8, 0) if dialect.big else dialect.pack("H", 42)))
        self._link = stream.tell()  # where the offset of the next directory belongs
        stream.write(dialect.pack(dialect.offset, 0))

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
        self._stream.write(self.dialect.pack(self.dialect.offset, start))
        self._stream.seek(end)
        self._link = link

    def append_page_before_pixels(self, tags: Sequence[Tag], place: Callable[[int], Tag]) -> int:
        """Write a directory with its one segment right behind it; `place` makes the tag that says where.

        Returns where the segment begins, which is the end of the file.
        """
        flat = [self._flattened(tag) for tag in tags]
        start = self.align()
        end = start + len(self._encoded([*flat, place(0)], start)[0])
        first = end + -end % ALIGNMENT
        self.append_page([*flat, place(first)])
        self.align()
        return first

    def append_directory(self, tags: Sequence[Tag]) -> tuple[int, int]:
        """Write a directory, linked to nothing, after its own ones; returns its offset and that of its link."""
        flat = [self._flattened(tag) for tag in tags]
        start = self.align()
        data, link = self._encoded(flat, start)
        self._stream.write(data)
        return start, link

    def _flattened(self, tag: Tag) -> Tag:
        if not tag.directory:
            return tag
        start, _ = self.append_directory(tag.directory)
        return Tag(tag.code, self.dialect.offset_kind, self.dialect.pack(self.dialect.offset, start))

    def _encoded(self, tags: Sequence[Tag], start: int) -> tuple[bytes, int]:
        """The bytes of a directory at `start`, and where its link to the next one is."""
        dialect, room = self.dialect, struct.calcsize("=" + self.dialect.offset)
        link = start + struct.calcsize("=" + dialect.count) + len(tags) * (4 + 2 * room)
        values, entries = b"", dialect.pack(dialect.count, len(tags))
        for tag in sorted(tags, key=lambda tag: tag.code):
            data = tag.data
            if len(data) > room:
                data = dialect.pack(dialect.offset, link + room + len(values))
                values += tag.data + bytes(len(tag.data) % 2)
            entries += dialect.pack(f"HH{dialect.offset}", tag.code, tag.kind, tag.count) + data.ljust(room, b"\x00")
        return entries + bytes(room) + values, link
