"""What the tags of a TIFF page mean: what a result keeps of them, and what other formats can hold too."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import tifffile
from tifffile import DATATYPE, PHOTOMETRIC, RESUNIT, TiffFormat

from zsn2m_runtime.files.cfa import filter_tags
from zsn2m_runtime.files.layout import ORIENTATION, Layout, Metadata, exif_of_orientation
from zsn2m_runtime.files.tiff_directories import Tag, numbers, read_tags, whole

# Numbers of TIFF 6.0 and its supplements.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC_TAG, DESCRIPTION = 256, 257, 258, 259, 262, 270
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, X_RESOLUTION, Y_RESOLUTION = 273, 277, 278, 279, 282, 283
PLANAR, RESOLUTION_UNIT, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS = 284, 296, 317, 322, 323, 324
TILE_BYTES, SUB_IMAGES, EXTRA_SAMPLES, SAMPLE_FORMAT, XMP, ICC = 325, 330, 338, 339, 700, 34675

OME_BEGINNINGS = ("<?xml", "<OME")  # of a description
UNASSOCIATED_ALPHA = 2
SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}
GREYS = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK)
COLOURS = (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)

# Where and how the source stores its pixels, and smaller copies of them, which are made again.
_STORAGE = {COMPRESSION, STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTES, PREDICTOR, TILE_OFFSETS, TILE_BYTES}
_BIT_ORDER_GAPS_AND_FAX = {266, 288, 289, 292, 293}
_JPEG = {347, *range(512, 522), 529, 530, 531, 532}
NOT_CARRIED = frozenset(_STORAGE | {TILE_WIDTH, TILE_HEIGHT, SUB_IMAGES} | _BIT_ORDER_GAPS_AND_FAX | _JPEG)


def carried_tags(tags: Sequence[Tag], form: TiffFormat, old_name: str, new_name: str) -> tuple[Tag, ...]:
    """The tags of a source page for its result: all that do not say where and how the pixels are stored.

    OME-XML names the file it stands in; that name follows the file.
    """
    kept = []
    for tag in tags:
        if tag.code in NOT_CARRIED:
            continue
        if tag.code == DESCRIPTION and tag.data.decode("latin-1").lstrip().startswith(OME_BEGINNINGS):
            data = tag.data.replace(f'FileName="{old_name}"'.encode(), f'FileName="{new_name}"'.encode())
            kept.append(Tag(tag.code, tag.kind, data))
        elif tag.code == PHOTOMETRIC_TAG and whole(tag.data, form) == PHOTOMETRIC.YCBCR:
            kept.append(numbers(PHOTOMETRIC_TAG, [PHOTOMETRIC.RGB], form))
        else:
            kept.append(tag)
    return tuple(kept)


def orientation_of(page: tifffile.TiffPage) -> int:
    """How the page is turned, 1 is upright."""
    value = page.tags.valueof(ORIENTATION)
    return int(value) if isinstance(value, int) else 1


def metadata_of(page: tifffile.TiffPage) -> Metadata:
    """The metadata that other formats can hold too; of EXIF only the orientation."""
    tags = {tag.code: tag for tag in read_tags(page.parent, page.offset)}
    icc, xmp = tags.get(ICC), tags.get(XMP)
    return Metadata(
        icc=None if icc is None else icc.data,
        exif=exif_of_orientation(orientation_of(page)),
        xmp=None if xmp is None else xmp.data.rstrip(b"\x00"),  # which ends a text, where some programs store one
        resolution=_resolution(page, tags),
    )


def _resolution(page: tifffile.TiffPage, tags: Mapping[int, Tag]) -> tuple[float, float] | None:
    """Dots per inch across and down; None where they are no ratios of numbers above 0."""
    ratios = [tags[code] for code in (X_RESOLUTION, Y_RESOLUTION) if code in tags]
    parts = [struct.unpack(page.parent.byteorder + "II", tag.data) for tag in ratios if _is_ratio(tag)]
    if len(parts) < 2 or not all(map(all, parts)) or page.resolutionunit not in (RESUNIT.INCH, RESUNIT.CENTIMETER):
        return None
    across, down = page.get_resolution(RESUNIT.INCH)
    return across, down


def _is_ratio(tag: Tag) -> bool:
    return tag.kind == DATATYPE.RATIONAL and tag.count == 1


def plain_tags(layout: Layout, metadata: Metadata, form: TiffFormat) -> tuple[Tag, ...]:
    """The tags of a page that comes from another format; of EXIF only the orientation is kept."""
    grey = PHOTOMETRIC.CFA if metadata.mosaic else PHOTOMETRIC.MINISBLACK
    photometric = grey if layout.channels == 1 else PHOTOMETRIC.RGB
    tags = [
        numbers(WIDTH, [layout.width], form, DATATYPE.LONG),
        numbers(HEIGHT, [layout.height], form, DATATYPE.LONG),
        numbers(BITS, [8 * layout.dtype.itemsize] * layout.samples, form),
        numbers(PHOTOMETRIC_TAG, [photometric], form),
        numbers(ORIENTATION, [metadata.orientation], form),
        numbers(SAMPLES, [layout.samples], form),
        numbers(PLANAR, [1], form),
        numbers(SAMPLE_FORMAT, [SAMPLE_FORMATS[layout.dtype.kind]] * layout.samples, form),
    ]
    if layout.has_alpha:
        tags.append(numbers(EXTRA_SAMPLES, [UNASSOCIATED_ALPHA], form))
    if metadata.resolution is not None:
        for code, value in zip((X_RESOLUTION, Y_RESOLUTION), metadata.resolution, strict=True):
            ratio = struct.pack(form.byteorder + "II", round(value * 1000), 1000)
            tags.append(Tag(code, DATATYPE.RATIONAL, ratio))
        tags.append(numbers(RESOLUTION_UNIT, [RESUNIT.INCH], form))
    if metadata.mosaic is not None and layout.channels == 1:
        tags += filter_tags(metadata.mosaic, form)
    if metadata.xmp is not None:
        tags.append(Tag(XMP, DATATYPE.BYTE, metadata.xmp))
    if metadata.icc is not None:
        tags.append(Tag(ICC, DATATYPE.UNDEFINED, metadata.icc))
    return tuple(tags)
