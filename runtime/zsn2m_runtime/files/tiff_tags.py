"""What the tags of a TIFF page mean: its form on writing, and the metadata that other formats can hold."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from zsn2m_runtime.files.layout import ORIENTATION, Layout, Metadata, exif_of_orientation
from zsn2m_runtime.files.tiff_structure import SIZE_OF_KIND, Dialect, Tag, numbers

DESCRIPTION, IMAGE_DEPTH = 270, 32997
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 273, 277, 278, 279, 324, 325
X_RESOLUTION, Y_RESOLUTION, PLANAR, RESOLUTION_UNIT, PREDICTOR = 282, 283, 284, 296, 317
EXTRA_SAMPLES, SAMPLE_FORMAT, XMP, ICC = 338, 339, 700, 34675
RATIONAL, BYTE, LONG, UNDEFINED = 5, 1, 4, 7  # kinds of values

UNCOMPRESSED, DEFLATE, OLD_DEFLATE = 1, 8, 32946
MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
UNASSOCIATED_ALPHA = 2
HORIZONTAL = 2  # predictor
INCHES_PER_UNIT = {2: 1.0, 3: 1 / 2.54}  # resolution unit: inch, centimetre
SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}

# Where and how the source stores its pixels, and reduced copies of them, which would show the noisy picture.
_STORAGE = {COMPRESSION, STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTES, PREDICTOR, TILE_OFFSETS, TILE_BYTES}
TILE_WIDTH, TILE_HEIGHT, SUB_IMAGES = 322, 323, 330
_BIT_ORDER_GAPS_AND_FAX = {266, 288, 289, 292, 293}
_JPEG = {347, *range(512, 522), 529, 530, 531, 532}
NOT_CARRIED = frozenset(_STORAGE | {TILE_WIDTH, TILE_HEIGHT, SUB_IMAGES} | _BIT_ORDER_GAPS_AND_FAX | _JPEG)

_LETTERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}


def values_of(tags: Mapping[int, Tag], code: int, dialect: Dialect, default: Sequence[int] = ()) -> list[int]:
    """The whole numbers of a tag."""
    tag = tags.get(code)
    if tag is None or tag.kind not in _LETTERS:
        return list(default)
    values: list[int] = np.frombuffer(tag.data, dialect.order + _LETTERS[tag.kind]).tolist()
    return values


def carried_tags(tags: Sequence[Tag], dialect: Dialect, old_name: str, new_name: str) -> tuple[Tag, ...]:
    """The tags of a source page for its result: all that do not say where and how the pixels are stored.

    OME-XML names the file it stands in; that name follows the file.
    """
    kept = []
    for tag in tags:
        if tag.code == DESCRIPTION and tag.data.lstrip().startswith((b"<?xml", b"<OME")):
            data = tag.data.replace(f'FileName="{old_name}"'.encode(), f'FileName="{new_name}"'.encode())
            tag = Tag(tag.code, tag.kind, data)
        if tag.code == PHOTOMETRIC and values_of({tag.code: tag}, tag.code, dialect) == [YCBCR]:
            tag = numbers(PHOTOMETRIC, [RGB], dialect)
        if tag.code not in NOT_CARRIED and tag.kind in SIZE_OF_KIND:
            kept.append(tag)
    return tuple(kept)


def metadata_of(tags: Mapping[int, Tag], dialect: Dialect) -> Metadata:
    """The metadata that other formats can hold too; of EXIF only the orientation."""
    icc, xmp = tags.get(ICC), tags.get(XMP)
    (orientation,) = values_of(tags, ORIENTATION, dialect, [1])[:1] or [1]
    return Metadata(
        icc=None if icc is None else icc.data,
        exif=exif_of_orientation(orientation),
        xmp=None if xmp is None else xmp.data,
        resolution=_resolution(tags, dialect),
    )


def _resolution(tags: Mapping[int, Tag], dialect: Dialect) -> tuple[float, float] | None:
    unit = INCHES_PER_UNIT.get((values_of(tags, RESOLUTION_UNIT, dialect) or [2])[0])
    ratios = []
    for code in (X_RESOLUTION, Y_RESOLUTION):
        tag = tags.get(code)
        if unit is None or tag is None or tag.kind != RATIONAL or tag.count != 1:
            return None
        above, below = struct.unpack(dialect.order + "II", tag.data)
        if not above or not below:
            return None
        ratios.append(above / below / unit)
    return ratios[0], ratios[1]


def plain_tags(layout: Layout, metadata: Metadata, dialect: Dialect) -> tuple[Tag, ...]:
    """The tags of a page that comes from another format; of EXIF only the orientation is kept."""
    bits = [8 * layout.dtype.itemsize] * layout.samples
    tags = [
        numbers(WIDTH, [layout.width], dialect, LONG),
        numbers(HEIGHT, [layout.height], dialect, LONG),
        numbers(BITS, bits, dialect),
        numbers(PHOTOMETRIC, [MIN_IS_BLACK if layout.channels == 1 else RGB], dialect),
        numbers(ORIENTATION, [metadata.orientation], dialect),
        numbers(SAMPLES, [layout.samples], dialect),
        numbers(PLANAR, [1], dialect),
        numbers(SAMPLE_FORMAT, [SAMPLE_FORMATS[layout.dtype.kind]] * layout.samples, dialect),
    ]
    if layout.has_alpha:
        tags.append(numbers(EXTRA_SAMPLES, [UNASSOCIATED_ALPHA], dialect))
    if metadata.resolution is not None:
        for code, value in zip((X_RESOLUTION, Y_RESOLUTION), metadata.resolution, strict=True):
            tags.append(Tag(code, RATIONAL, dialect.pack("II", round(value * 1000), 1000)))
        tags.append(numbers(RESOLUTION_UNIT, [2], dialect))
    if metadata.xmp is not None:
        tags.append(Tag(XMP, BYTE, metadata.xmp))
    if metadata.icc is not None:
        tags.append(Tag(ICC, UNDEFINED, metadata.icc))
    return tuple(tags)
