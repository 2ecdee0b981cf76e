"""The pixels of a TIFF page, by tifffile, or by OpenCV where tifffile alone lacks the compression."""

from __future__ import annotations

import io

import cv2
import numpy as np
from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.tiff_directories import BrokenTiffError, TiffStream, offsets, read_tags
from zsn2m_runtime.files.tiff_pages import PageForm
from zsn2m_runtime.files.tiff_tags import COLOURS, DESCRIPTION, STRIP_OFFSETS, SUB_IMAGES, TILE_OFFSETS
from zsn2m_runtime.sample_types import Pixels

LEFT_OUT = frozenset((DESCRIPTION, SUB_IMAGES))  # of no use to a decoder
# Deflate is here for the float predictor.
OPENCV_COMPRESSIONS = (COMPRESSION.LZW, COMPRESSION.JPEG, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)


def page_alone(page: TiffPage) -> bytes:
    """A page as a TIFF file of its own, in memory: libtiff maps files, and one that is shortened would end the process.

    Raises:
        BrokenTiffError: if the file ends before its segments do.
    """
    source = page.parent
    alone = io.BytesIO()
    stream = TiffStream(alone, source.tiff)
    places = []
    for begin, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        source.filehandle.seek(begin)
        segment = source.filehandle.read(length)
        if len(segment) < length:
            raise BrokenTiffError("it was shortened")
        places.append(stream.append(segment))
    where = TILE_OFFSETS if page.is_tiled else STRIP_OFFSETS
    tags = [tag for tag in read_tags(source, page.offset) if tag.code not in LEFT_OUT | {where} and not tag.directory]
    stream.append_page([*tags, offsets(where, places, source.tiff)])
    return alone.getvalue()


def decode_page(page: TiffPage, form: PageForm, name: str) -> Pixels:
    """The pixels of a page.

    Args:
        name: of the page, for messages
    Shape:
        returns: (h, w) or (h, w, c), c samples with alpha last
    Raises:
        InputError: if its compression can be read by neither library.
        ValueError: and errors of other kinds, if it is damaged.
    """
    try:
        array = np.asarray(page.asarray())
    except (ValueError, ImportError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        return _by_opencv(page, form, name)
    return np.moveaxis(array, 0, 2) if form.planar else array


def _by_opencv(page: TiffPage, form: PageForm, name: str) -> Pixels:
    advice = "save it uncompressed or with deflate, or pip install imagecodecs"
    if form.compression not in OPENCV_COMPRESSIONS or form.layout.dtype == np.float16:
        raise InputError(
            f"{name}: expected an uncompressed or deflate TIFF, but got compression {form.compression} of "
            f"{form.layout.dtype.name}; {advice}"
        )
    # Tried: OpenCV multiplies colours by alpha, mixes up separate planes, and inverts where 0 is white.
    if form.layout.has_alpha or form.planar or form.photometric not in (PHOTOMETRIC.MINISBLACK, *COLOURS):
        raise InputError(
            f"{name}: expected plain grey or RGB under compression {form.compression}, but got alpha, "
            f"separate planes or inverted grey; {advice}"
        )
    if form.orientation != 1:  # OpenCV would turn the pixels, and the tag that is carried would turn them again
        raise InputError(
            f"{name}: expected an upright picture under compression {form.compression}, but got orientation "
            f"{form.orientation}; {advice}"
        )
    failed = f"{name}: expected a readable TIFF, but OpenCV cannot decode it; {advice}"
    try:
        pixels = cv2.imdecode(np.frombuffer(page_alone(page), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(failed) from error
    if pixels is None:
        raise InputError(failed)
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
