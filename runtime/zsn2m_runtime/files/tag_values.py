"""Tags of a TIFF directory from numbers and text, and numbers from tags."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

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


def ratios(code: int, values: Sequence[float], form: TiffFormat, kind: int = DATATYPE.RATIONAL) -> Tag:
    """A tag of ratios with six digits after the point."""
    parts = [part for value in values for part in (round(value * PARTS), PARTS)]
    letter = TIFF.DATA_FORMATS[kind][-1]
    return Tag(code, kind, struct.pack(f"{form.byteorder}{len(parts)}{letter}", *parts))
