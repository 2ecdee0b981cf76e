"""The directories of a DNG file: what its mosaic is, and the tags that a result keeps.

References:
    Adobe, Digital Negative Specification 1.7 (2023), chapters 3 to 5.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tifffile import DATATYPE, PHOTOMETRIC, TiffFile, TiffFormat

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import tiff_tags
from zsn2m_runtime.files.cfa import WHITE, filters_of, in_colours
from zsn2m_runtime.files.tag_values import number_of, values_of
from zsn2m_runtime.files.tiff_directories import BrokenTiffError, Tag, TagBudget, numbers, read_tags
from zsn2m_runtime.mosaic_record import MosaicRecord

KIND, DNG_VERSION, ACTIVE_AREA, MASKED_AREAS = 254, 50706, 50829, 50830
MOST = 2.0**16 - 1  # that a sample can be
LINEAR_RAW = 34892  # photometric
MOST_DIRECTORIES = 64  # pictures of a file: a dozen is much
STRIPS = (tiff_tags.STRIP_OFFSETS, tiff_tags.STRIP_BYTES)
TILES = (tiff_tags.TILE_OFFSETS, tiff_tags.TILE_BYTES)
_LINEARISATION = 50712  # LibRaw has applied it
_DIGESTS = {50781, 50972, 50973, 51111}  # of the values as they were, by which Adobe's programs find changes
_ORIGINAL = {50828}  # the camera's whole file, noise and all
_CACHE = {51112, 51114}  # RawToPreviewGain and CacheVersion: of the converter that wrote the file
_INTERLEAVED = {50974, 50975, 52547, 52553, 52554, 52555}  # how samples were stored
_NOISE = 51041  # the profile of a noise that is there no more
# A preview's size, samples, storage, tables of JPEG, colours, and who made it; the rest of the first directory is the
# camera's.
_OF_PREVIEW = {KIND, *range(256, 260), 262, 277, 278, 284, 322, 323, 338, 347, *range(529, 533), *range(50966, 50972)}
_OF_PREVIEW |= {tiff_tags.ICC}
_LOST = tiff_tags.NOT_CARRIED | _DIGESTS | _ORIGINAL | _CACHE | _INTERLEAVED | {_LINEARISATION, _NOISE}
_PREVIEW, _MASK, _DEPTH = 1, 4, 8  # bits of the kind
_FLOATS = 3  # sample format
_OPCODES, _BAD_CONSTANT = 51008, 4


@dataclass(frozen=True)
class Area:
    """The pixels of a sensor that saw light; those around it are masked."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Preview:
    """A small picture in a RAW file, as it is stored.

    Attributes:
        tags: but those on where its segments are
        places: the two tags that say where they are, and how long
    """

    tags: tuple[Tag, ...]
    segments: tuple[bytes, ...]
    places: tuple[int, int] = STRIPS


@dataclass(frozen=True)
class RawFacts:
    """What a RAW file says of its mosaic, and what a result keeps of it.

    Attributes:
        size: rows and columns, masked ones counted
        tags: of a result, those of its size and of its samples left out
        bad: value of pixels that are known to be defective, which converters replace; None: there are none
        lost: what a result does not have, in words
    """

    form: TiffFormat
    size: tuple[int, int]
    area: Area
    mosaic: MosaicRecord
    tags: tuple[Tag, ...]
    previews: tuple[Preview, ...] = ()
    bad: int | None = None
    lost: tuple[str, ...] = ()


def is_dng(tiff: TiffFile) -> bool:
    """Whether a TIFF file says that it is a DNG."""
    return DNG_VERSION in tiff.pages.first.tags


def read_dng(tiff: TiffFile, name: str, white: float) -> RawFacts:
    """The mosaic of a DNG file and its tags.

    Args:
        white: the white level where the file does not state it
    Raises:
        InputError: a DNG without a Bayer mosaic of whole numbers.
        BrokenTiffError, TooManyTagsError, ValueError, struct.error: if it is damaged.
    """
    form, directories = tiff.tiff, list(_directories(tiff))
    first = directories[0]
    mosaics = [
        tags for tags in directories if number_of(tags, KIND, form) == 0 and _photometric(tags, form) == PHOTOMETRIC.CFA
    ]
    if not mosaics:
        linear = any(_photometric(tags, form) == LINEAR_RAW for tags in directories)
        raise InputError(
            f"{name}: expected a DNG with a sensor's mosaic, but got {'a linear one' if linear else 'none'}, whose "
            f"pixels are mixed already; {in_colours(name)}"
        )
    raw = max(mosaics, key=lambda tags: math.prod(_size(tags, form)))
    if number_of(raw, tiff_tags.SAMPLE_FORMAT, form, 1) == _FLOATS:
        raise InputError(
            f"{name}: expected a mosaic of whole numbers, but got floats (merged exposures); {in_colours(name)}"
        )
    size = _size(raw, form)
    area = _area(raw, form, size)
    mosaic = filters_of(raw, form, name)
    if mosaic is None:
        raise BrokenTiffError("it does not say its filters")
    white = min(white if mosaic.white is None else mosaic.white, MOST)
    mosaic = MosaicRecord(pattern=mosaic.pattern, black=mosaic.black or (0.0,) * 4, white=white)
    of_camera = {code: tag for code, tag in first.items() if code not in _OF_PREVIEW}
    kept = [tag for code, tag in {**of_camera, **raw}.items() if code not in _LOST]
    previews = tuple(_preview(tiff, tags) for tags in directories if tags is not raw and _is_preview(tags, form))
    lost = ("the camera's own file in it",) if _ORIGINAL & first.keys() else ()
    return RawFacts(form, size, area, mosaic, tuple(kept), previews, _bad_value(raw), lost)


def _directories(tiff: TiffFile) -> Iterator[dict[int, Tag]]:
    """The first directory, and those right below it."""
    budget = TagBudget(tiff.filehandle.size)
    first = {tag.code: tag for tag in read_tags(tiff, tiff.pages.first.offset, budget)}
    yield first
    if tiff_tags.SUB_IMAGES not in first:
        return
    places = values_of(first[tiff_tags.SUB_IMAGES], tiff.tiff)
    if len(places) > MOST_DIRECTORIES:
        raise BrokenTiffError(f"it has more than {MOST_DIRECTORIES} pictures")
    for place in places:
        yield {tag.code: tag for tag in read_tags(tiff, int(place), budget)}


def _is_preview(tags: Mapping[int, Tag], form: TiffFormat) -> bool:
    kind = number_of(tags, KIND, form)
    return bool(kind & _PREVIEW) and not kind & (_MASK | _DEPTH)


def _preview(tiff: TiffFile, tags: Mapping[int, Tag]) -> Preview:
    where, sizes = STRIPS if STRIPS[0] in tags else TILES
    segments, budget = [], TagBudget(tiff.filehandle.size)
    budget.begin_page(tiff.filehandle.size)
    for place, size in zip(values_of(tags[where], tiff.tiff), values_of(tags[sizes], tiff.tiff), strict=True):
        budget.take(int(size))
        tiff.filehandle.seek(int(place))
        segments.append(tiff.filehandle.read(int(size)))
    return Preview(tuple(tag for code, tag in tags.items() if code in _OF_PREVIEW), tuple(segments), (where, sizes))


def _bad_value(tags: Mapping[int, Tag]) -> int | None:
    """What the opcode FixBadPixelsConstant names; the list of opcodes is big-endian in every file."""
    data = tags[_OPCODES].data if _OPCODES in tags else bytes(4)
    (count,), place = struct.unpack_from(">I", data), 4
    for _ in range(count):
        code, _, _, size = struct.unpack_from(">4I", data, place)
        if code == _BAD_CONSTANT:
            return int(struct.unpack_from(">I", data, place + 16)[0])
        place += 16 + size
    return None


def _size(tags: Mapping[int, Tag], form: TiffFormat) -> tuple[int, int]:
    """Rows and columns."""
    return number_of(tags, tiff_tags.HEIGHT, form), number_of(tags, tiff_tags.WIDTH, form)


def _photometric(tags: Mapping[int, Tag], form: TiffFormat) -> int:
    return number_of(tags, tiff_tags.PHOTOMETRIC_TAG, form, -1)


def _area(tags: Mapping[int, Tag], form: TiffFormat, size: tuple[int, int]) -> Area:
    if ACTIVE_AREA not in tags:
        return Area(0, 0, *size)
    area = Area(*(int(value) for value in values_of(tags[ACTIVE_AREA], form)))
    if not (0 <= area.top < area.bottom <= size[0] and 0 <= area.left < area.right <= size[1]):
        raise BrokenTiffError("its active area lies outside of it")
    return area


def tags_of_result(facts: RawFacts, whole: bool) -> tuple[Tag, ...]:
    """All tags of a result but those on where its samples are stored.

    Args:
        whole: with the masked pixels; else of the active area alone
    """
    form, area = facts.form, facts.area
    height, width = facts.size if whole else (area.bottom - area.top, area.right - area.left)
    own = (
        numbers(KIND, [0], form, DATATYPE.LONG),
        numbers(tiff_tags.WIDTH, [width], form, DATATYPE.LONG),
        numbers(tiff_tags.HEIGHT, [height], form, DATATYPE.LONG),
        numbers(tiff_tags.BITS, [16], form),
        numbers(tiff_tags.PHOTOMETRIC_TAG, [PHOTOMETRIC.CFA], form),
        numbers(tiff_tags.SAMPLES, [1], form),
        numbers(tiff_tags.SAMPLE_FORMAT, [1], form),
        numbers(WHITE, [round(facts.mosaic.white or 0)], form, DATATYPE.LONG),
    )
    others = {tag.code for tag in own} | (set() if whole else {ACTIVE_AREA, MASKED_AREAS})
    return (*(tag for tag in facts.tags if tag.code not in others), *own)
