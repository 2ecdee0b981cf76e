"""Pages of a TIFF that tifffile alone cannot decode, by OpenCV."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.tiff_pages import PageFacts
from zsn2m_runtime.files.tiff_structure import BrokenTiffError, Dialect, Tag, TiffStream, numbers
from zsn2m_runtime.files.tiff_tags import (
    DEFLATE,
    DESCRIPTION,
    MIN_IS_BLACK,
    OLD_DEFLATE,
    RGB,
    STRIP_BYTES,
    STRIP_OFFSETS,
    SUB_IMAGES,
    TILE_BYTES,
    TILE_OFFSETS,
    YCBCR,
    values_of,
)
from zsn2m_runtime.sample_types import Pixels

_LEFT_OUT = frozenset((DESCRIPTION, SUB_IMAGES))  # of no use to a decoder
OPENCV_COMPRESSIONS = {5, 7, DEFLATE, OLD_DEFLATE}  # LZW, JPEG; deflate with the float predictor


def page_alone(stream: BinaryIO, dialect: Dialect, tags: Mapping[int, Tag]) -> bytes:
    """A page as a TIFF file of its own, in memory: libtiff maps files, and one that is shortened would end the process.

    Raises:
        BrokenTiffError: if the file ends before its segments do.
    """
    alone = io.BytesIO()
    tiff = TiffStream(alone, dialect)
    kept = {code: tag for code, tag in tags.items() if code not in _LEFT_OUT and not tag.directory}
    for where, size in ((STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTES)):
        places = []
        for begin, length in zip(values_of(tags, where, dialect), values_of(tags, size, dialect), strict=False):
            stream.seek(begin)
            segment = stream.read(length)
            if len(segment) < length:
                raise BrokenTiffError("it was shortened")
            places.append(tiff.append(segment))
        if where in kept:
            kept[where] = numbers(where, places, dialect, dialect.offset_kind)
    tiff.append_page(list(kept.values()))
    return alone.getvalue()


def decode_with_opencv(path: Path, page: int, facts: PageFacts, read_alone: Callable[[], bytes]) -> Pixels:
    """Decode a page compressed in a way that tifffile alone does not know, such as LZW or JPEG.

    Args:
        read_alone: gives the page as a TIFF file of its own
    """
    advice = "save it uncompressed or with deflate, or pip install imagecodecs"
    if facts.compression not in OPENCV_COMPRESSIONS or facts.layout.dtype == np.float16:
        raise InputError(
            f"{path}: expected an uncompressed or deflate TIFF, but got compression {facts.compression} of "
            f"{facts.layout.dtype.name}; {advice}"
        )
    # Tried: OpenCV multiplies colours by alpha, mixes up separate planes, and inverts where 0 is white.
    if facts.layout.has_alpha or facts.planar or facts.photometric not in (MIN_IS_BLACK, RGB, YCBCR):
        raise InputError(
            f"{path}: expected plain grey or RGB under compression {facts.compression}, but got alpha, "
            f"separate planes or inverted grey; {advice}"
        )
    if facts.orientation != 1:  # OpenCV would turn the pixels, and the tag that is carried would turn them again
        raise InputError(
            f"{path}: expected an upright picture under compression {facts.compression}, but got orientation "
            f"{facts.orientation}; {advice}"
        )
    failed = f"{path}: expected a readable TIFF, but OpenCV cannot decode page {page + 1}; {advice}"
    try:
        pixels = cv2.imdecode(np.frombuffer(read_alone(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(failed) from error
    if pixels is None:
        raise InputError(failed)
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
