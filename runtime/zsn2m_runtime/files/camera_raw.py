"""What LibRaw knows of a camera's RAW file, as the tags of a new DNG.

References:
    Adobe, Digital Negative Specification 1.7 (2023), chapters 4 and 6.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from tifffile import COMPRESSION, DATATYPE, PHOTOMETRIC, TIFF, TiffFile, TiffFormat

from zsn2m_runtime.files import tiff_tags
from zsn2m_runtime.files.cfa import bayer, filter_tags
from zsn2m_runtime.files.dng import ACTIVE_AREA, DNG_VERSION, KIND, MOST, Area, Preview, RawFacts
from zsn2m_runtime.files.layout import EXIF_PREFIX, ORIENTATION
from zsn2m_runtime.files.tag_values import ratios, text
from zsn2m_runtime.files.tiff_directories import Tag, numbers, read_tags
from zsn2m_runtime.files.tiff_writer import format_for
from zsn2m_runtime.mosaic_record import MosaicRecord

_MAKE, _MODEL, _DATE, _ARTIST, _COPYRIGHT, _EXIF, _GPS = 271, 272, 306, 315, 33432, 34665, 34853
_COPIED = {tiff_tags.DESCRIPTION, _MAKE, _MODEL, _DATE, _ARTIST, _COPYRIGHT, _EXIF, _GPS, tiff_tags.XMP}
_MAKER_NOTE = 37500  # points to places in the file that it came from
_BACKWARD_VERSION, _CAMERA, _MATRIX, _NEUTRAL, _ILLUMINANT = 50707, 50708, 50721, 50728, 50778
_SCALE, _CROP_ORIGIN, _CROP_SIZE = 50718, 50719, 50720
NO_MATRIX = "the camera's colours, of which LibRaw has no matrix; those of the DNG are sRGB's"
_DAYLIGHT = 21  # D65, which the matrices of LibRaw are for
_SEEN = 8  # pixels of a side: LibRaw has patterns of up to 8 rows
_TURNS = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's `flip` as TIFF's orientation
# Linear sRGB to XYZ with LibRaw's digits: it takes the values of a camera that it has no matrix of for sRGB.
_SRGB_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))


def camera_facts(raw: Any, path: Path) -> RawFacts:
    """The mosaic of a camera's RAW file, and the tags of a new DNG of it.

    Args:
        raw: rawpy's RawPy, unpacked; its samples are one a pixel
    Raises:
        InputError: if the sensor's filters are no Bayer pattern.
    """
    sizes, cells = raw.sizes, raw.raw_pattern
    area = Area(sizes.top_margin, sizes.left_margin, sizes.top_margin + sizes.height, sizes.left_margin + sizes.width)
    if cells.shape == (2, 2):  # seen from the active area; sensors turned by 45 degrees have others further on
        seen = np.array([[raw.raw_color(area.top + y, area.left + x) for x in range(_SEEN)] for y in range(_SEEN)])
        cells = seen[:2, :2] if (seen == np.tile(seen[:2, :2], (_SEEN // 2, _SEEN // 2))).all() else seen
    letters = raw.color_desc.decode("latin-1")
    pattern = bayer(cells.shape, "".join(letters[cell] for cell in cells.flat), str(path))
    first, second, third, fourth = (float(raw.black_level_per_channel[cell]) for cell in cells.flat)
    mosaic = MosaicRecord(
        pattern=pattern, black=(first, second, third, fourth), white=min(float(raw.white_level), MOST)
    )
    form, copied = _copied(raw, path)
    tags = [
        *copied,
        numbers(ORIENTATION, [_TURNS.get(sizes.flip, 1)], form),
        Tag(DNG_VERSION, DATATYPE.BYTE, bytes((1, 4, 0, 0))),
        Tag(_BACKWARD_VERSION, DATATYPE.BYTE, bytes((1, 1, 0, 0))),
        text(_CAMERA, _camera(copied)),
        *filter_tags(mosaic, form),
        *_colours(raw, form),
        *_sizes(sizes, area, form),
    ]
    size, previews = (sizes.raw_height, sizes.raw_width), _previews(raw, form)
    lost = ("the maker's own notes", *(() if raw.rgb_xyz_matrix.any() else (NO_MATRIX,)))
    return RawFacts(form, size, area, mosaic, tuple(tags), previews, lost=lost)


def _thumbnail(raw: Any) -> bytes:
    """The camera's own JPEG; empty where there is none."""
    from rawpy import LibRawError, ThumbFormat

    try:
        found = raw.extract_thumb()
    except LibRawError:
        return b""
    return bytes(found.data) if found.format is ThumbFormat.JPEG else b""


def _previews(raw: Any, form: TiffFormat) -> tuple[Preview, ...]:
    """The camera's own JPEG, by which some converters choose the brightness of theirs."""
    content = _thumbnail(raw)
    try:
        with Image.open(io.BytesIO(content)) as picture:
            (width, height), samples = picture.size, len(picture.getbands())
    except (OSError, Image.DecompressionBombError):
        return ()
    tags = (
        numbers(KIND, [1], form, DATATYPE.LONG),
        numbers(tiff_tags.WIDTH, [width], form, DATATYPE.LONG),
        numbers(tiff_tags.HEIGHT, [height], form, DATATYPE.LONG),
        numbers(tiff_tags.BITS, [8] * samples, form),
        numbers(tiff_tags.COMPRESSION, [COMPRESSION.JPEG], form),
        numbers(tiff_tags.PHOTOMETRIC_TAG, [PHOTOMETRIC.YCBCR if samples == 3 else PHOTOMETRIC.MINISBLACK], form),
        numbers(tiff_tags.SAMPLES, [samples], form),
        numbers(tiff_tags.ROWS_PER_STRIP, [height], form, DATATYPE.LONG),
    )
    return (Preview(tags, (content,)),)


def _copied(raw: Any, path: Path) -> tuple[TiffFormat, list[Tag]]:
    """Tags on picture and camera, and their byte order: of the file, else those that LibRaw puts in a preview."""
    for source in _tiffs(raw, path):
        try:
            with _quiet_tifffile(), TiffFile(source, is_lsm=False) as tiff:
                form = format_for(tiff.byteorder, big=False)
                tags = [tag for tag in read_tags(tiff, tiff.pages.first.offset) if tag.code in _COPIED]
        except Exception:  # no TIFF, or a kind of its own
            continue
        if tags:
            return form, [_without_maker_note(tag) for tag in tags if tag.directory or tag.data.strip(b"\0 ")]
    return TIFF.CLASSIC_LE, []


@contextmanager
def _quiet_tifffile() -> Iterator[None]:
    """Keep back that a directory has no pixels: EXIF blocks have none."""
    logger = logging.getLogger("tifffile")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _tiffs(raw: Any, path: Path) -> Iterator[Path | BinaryIO]:
    yield path
    try:
        with Image.open(io.BytesIO(_thumbnail(raw))) as preview:
            exif = preview.info.get("exif", b"")
    except (OSError, Image.DecompressionBombError):
        return
    yield io.BytesIO(exif.removeprefix(EXIF_PREFIX))


def _without_maker_note(tag: Tag) -> Tag:
    return Tag(tag.code, tag.kind, tag.data, tuple(part for part in tag.directory if part.code != _MAKER_NOTE))


def _camera(tags: Sequence[Tag]) -> str:
    """Maker and model, such as `Canon EOS 6D`."""
    words = {tag.code: tag.data.split(b"\0")[0].decode("latin-1").strip() for tag in tags}
    maker, model = words.get(_MAKE, ""), words.get(_MODEL, "")
    is_named = not maker or model.upper().startswith(maker.split()[0].upper())
    return (model if is_named else f"{maker} {model}").strip() or "unknown camera"


def _colours(raw: Any, form: TiffFormat) -> list[Tag]:
    """From XYZ to the camera's colours, and what of these is white."""
    matrix: npt.NDArray[np.floating[Any]] = np.asarray(raw.rgb_xyz_matrix)[:3]
    if not matrix.any():
        matrix = np.linalg.inv(_SRGB_TO_XYZ)
    tags = [
        ratios(_MATRIX, matrix.ravel().tolist(), form, signed=True),
        numbers(_ILLUMINANT, [_DAYLIGHT], form),
    ]
    gains = raw.camera_whitebalance[:3]
    if min(gains) > 0:
        tags.append(ratios(_NEUTRAL, [gains[1] / gain for gain in gains], form))
    return tags


def _sizes(sizes: Any, area: Area, form: TiffFormat) -> list[Tag]:
    tags = [numbers(ACTIVE_AREA, [area.top, area.left, area.bottom, area.right], form, DATATYPE.LONG)]
    if sizes.pixel_aspect != 1:
        tags.append(ratios(_SCALE, [sizes.pixel_aspect, 1], form))
    top, left = sizes.crop_top_margin - area.top, sizes.crop_left_margin - area.left
    if sizes.crop_width and sizes.crop_height and min(top, left) >= 0:
        tags.append(numbers(_CROP_ORIGIN, [left, top], form, DATATYPE.LONG))
        tags.append(numbers(_CROP_SIZE, [sizes.crop_width, sizes.crop_height], form, DATATYPE.LONG))
    return tags
