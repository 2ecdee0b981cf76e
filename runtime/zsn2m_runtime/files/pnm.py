"""The headers of PGM, PPM, PAM and PFM files (Netpbm): sizes, samples, and the highest value."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.sample_types import Pixels

PLAIN, BINARY, ANY, FLOAT = (b"P2", b"P3"), (b"P5", b"P6"), b"P7", (b"Pf", b"PF")
MAGICS = (*PLAIN, *BINARY, ANY, *FLOAT)
LONGEST_HEADER = 1 << 16  # bytes: comments may be long, but no picture is one
_WORD = re.compile(rb"(?:\s|#[^\n]*\n)*([^\s#]+)")
_COMMENT = re.compile(rb"^#[^\n]*", re.MULTILINE)
_PIECE_END = re.compile(rb"\n|$")  # a comment ends there too
PIECE = 1 << 20  # bytes of plain text converted at once
_TUPLES = {1: b"GRAYSCALE", 2: b"GRAYSCALE_ALPHA", 3: b"RGB", 4: b"RGB_ALPHA"}


class BrokenPnmError(Exception):
    """The file is damaged or not supported; the text follows 'but'."""


@dataclass(frozen=True)
class PnmHeader:
    """What a header says. `highest` of floats is the scale: below zero where they are little-endian."""

    magic: bytes
    width: int
    height: int
    samples: int
    highest: float
    comments: tuple[bytes, ...] = ()
    length: int = 0  # bytes of the header

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of a stored sample."""
        if self.magic in FLOAT:
            return np.dtype("<f4" if self.highest < 0 else ">f4")
        return np.dtype("u1" if self.highest < 256 else ">u2")

    def packed(self) -> bytes:
        """The header's bytes."""
        lines = [self.magic, *self.comments]
        if self.magic == ANY:
            facts = {"WIDTH": self.width, "HEIGHT": self.height, "DEPTH": self.samples, "MAXVAL": int(self.highest)}
            lines += [f"{name} {value}".encode() for name, value in facts.items()]
            lines += [b"TUPLTYPE " + _TUPLES[self.samples], b"ENDHDR"]
        else:
            lines += [f"{self.width} {self.height}".encode(), f"{self.highest:g}".encode()]
        return b"\n".join(lines) + b"\n"


def read_header(content: bytes) -> PnmHeader:
    """Read the header that a file begins with.

    Raises:
        BrokenPnmError: if it has none.
    """
    magic, head = content[:2], content[:LONGEST_HEADER]
    try:
        if magic == ANY:
            return _any_header(head)
        words, place = [], 2
        for _ in range(3):
            found = _WORD.match(head, place)
            if found is None:
                raise BrokenPnmError("its header ends too early")
            words.append(found[1])
            place = found.end()
        highest = float(words[2]) if magic in FLOAT else int(words[2])
        comments = tuple(_COMMENT.findall(head[:place]))
        samples = 3 if magic in (b"P3", b"P6", b"PF") else 1
        return _checked(PnmHeader(magic, int(words[0]), int(words[1]), samples, highest, comments, place + 1))
    except ValueError as error:
        raise BrokenPnmError(f"its header is damaged ({error})") from error


def _any_header(head: bytes) -> PnmHeader:
    end = re.search(rb"^ENDHDR[ \t]*\n", head, re.MULTILINE)
    if end is None:
        raise BrokenPnmError("its header has no ENDHDR")
    lines = head[: end.start()].splitlines()[1:]
    facts = {words[0]: words[1] for words in (line.split(None, 1) for line in lines) if len(words) == 2}
    width, height, depth, highest = (int(facts.get(name, b"0")) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    comments = tuple(line for line in lines if line.startswith(b"#"))
    return _checked(PnmHeader(ANY, width, height, depth, highest, comments, end.end()))


def _checked(header: PnmHeader) -> PnmHeader:
    if header.width < 1 or header.height < 1:
        raise BrokenPnmError(f"its size is {header.width} x {header.height}")
    if header.magic not in FLOAT and not 1 < header.highest < 1 << 16:
        raise BrokenPnmError(f"its highest value is {header.highest:g}, where 2 to 65535 can be")
    if header.magic in FLOAT and not (np.isfinite(header.highest) and header.highest):
        raise BrokenPnmError(f"its scale is {header.highest:g}")
    if header.samples not in _TUPLES:
        raise BrokenPnmError(f"it has {header.samples} samples per pixel, where 1 to 4 can be")
    return header


def read_samples(content: bytes, header: PnmHeader) -> Pixels:
    """The samples as they are stored, in this machine's byte order; rows of floats from the top.

    Shape:
        returns: (h, w, c)
    Raises:
        BrokenPnmError: too few or too many, or higher than the header says.
    """
    shape, dtype = (header.height, header.width, header.samples), header.dtype
    count = header.height * header.width * header.samples
    if header.magic in PLAIN:
        if len(content) - header.length + 1 < 2 * count:  # a digit and a space each, before memory is spent
            raise BrokenPnmError("it ends too early")
        found = _plain_samples(content[header.length - 1 :])
        if len(found) != count or found.min() < 0:
            raise BrokenPnmError(f"it has {len(found)} samples, where {count} were to be")
    else:
        rest = len(content) - header.length - count * dtype.itemsize
        if rest < 0:
            raise BrokenPnmError("it ends too early")
        if content[len(content) - rest :].strip():
            raise BrokenPnmError("another picture or something else follows; save one picture in a file")
        found = np.frombuffer(content, dtype, count, header.length)
    if header.magic not in FLOAT and found.max() > header.highest:
        raise BrokenPnmError(f"it has a sample of {found.max()}, above its highest value {header.highest:g}")
    array = found.astype(dtype.newbyteorder("=")).reshape(shape)
    return array[::-1].copy() if header.magic in FLOAT else array


def _plain_samples(text: bytes) -> Pixels:
    """Whole numbers in words, piece by piece: each costs 40 bytes on the way.

    Raises:
        BrokenPnmError: where one is none.
    """
    parts, place = [np.zeros(0, np.int64)], 0
    while place < len(text):
        end = _PIECE_END.search(text, min(place + PIECE, len(text)))
        last = end.end() if end else len(text)
        try:
            parts.append(np.array(re.sub(rb"#[^\n]*", b"", text[place:last]).split(), np.int64))
        except (ValueError, OverflowError) as error:
            raise BrokenPnmError("one of its samples is no whole number of a usual size") from error
        place = last
    return np.concatenate(parts)
