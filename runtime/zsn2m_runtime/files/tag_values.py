"""Tags of a TIFF directory from numbers and text, and numbers from tags."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction

from tifffile import DATATYPE, TIFF, TiffFormat

from zsn2m_runtime.files.tiff_directories import Tag

RATIO_KINDS = (DATATYPE.RATIONAL, DATATYPE.SRATIONAL)
PARTS = 1_000_000  # denominator of written ratios: as many digits as float32, in which converters compute, has


def values_of(tag: Tag, form: TiffFormat) -> tuple[float, ...]:
    """The numbers of a tag; 0 for a ratio without a denominator.

    Raises:
        ValueError: of text.
    """
    letter = TIFF.DATA_FORMATS[tag.kind][-1]
    parts = [part for (part,) in struct.iter_unpack(form.byteorder + letter, tag.data)]
    if tag.kind not in RATIO_KINDS:
        return tuple(map(float, parts))
    return tuple(over / under if under else 0.0 for over, under in zip(parts[::2], parts[1::2], strict=False))


def number_of(tags: Mapping[int, Tag], code: int, form: TiffFormat, default: int = 0) -> int:
    """The first number of a tag; the default where there is none.

    Raises:
        ValueError: of text.
    """
    values = values_of(tags[code], form) if code in tags else ()
    return int(values[0]) if values else default


def text(code: int, words: str) -> Tag:
    """A tag of text; what is not ASCII becomes `?`."""
    return Tag(code, DATATYPE.ASCII, words.encode("ascii", "replace") + b"\0")


def ratios(code: int, values: Sequence[float], form: TiffFormat, signed: bool = False) -> Tag:
    """A tag of ratios with denominators of six digits, or as many as leave space for the numerator.

    Args:
        signed: the tag is one of signed ratios; else it becomes one where a value is below 0
    Raises:
        ValueError: a value that is not finite, or that the tag's 32 bits cannot hold.
    """
    signed = signed or min(values) < 0
    kind, most = (DATATYPE.SRATIONAL, 2**31 - 1) if signed else (DATATYPE.RATIONAL, 2**32 - 1)
    largest = max(map(abs, values))
    if not largest <= most:
        raise ValueError(f"expected values up to {most} for tag {code}, but got {largest:g}")
    parts = [part for value in values for part in _ratio(value, most)]
    letter = TIFF.DATA_FORMATS[kind][-1]
    return Tag(code, kind, struct.pack(f"{form.byteorder}{len(parts)}{letter}", *parts))


def _ratio(value: float, most: int) -> tuple[int, int]:
    """The nearest ratio whose numerator is not above `most`."""
    found = Fraction(value).limit_denominator(min(PARTS, int(most // max(abs(value), 1))))
    return found.numerator, found.denominator
