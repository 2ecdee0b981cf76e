"""Pages of a TIFF that tifffile alone cannot decode, by OpenCV."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.tiff_pages import PageFacts
from zsn2m_runtime.files.tiff_tags import DEFLATE, MIN_IS_BLACK, OLD_DEFLATE, RGB, YCBCR
from zsn2m_runtime.image import Pixels

OPENCV_COMPRESSIONS = {5, 7, DEFLATE, OLD_DEFLATE}  # LZW, JPEG; deflate with the float predictor


def decode_with_opencv(path: Path, page: int, facts: PageFacts) -> Pixels:
    """Decode a page compressed in a way that tifffile alone does not know, such as LZW or JPEG."""
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
        done, pages = cv2.imreadmulti(str(path), page, 1, flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(failed) from error
    if not done or len(pages) != 1:
        raise InputError(failed)
    return pages[0] if pages[0].ndim == 2 else cv2.cvtColor(pages[0], cv2.COLOR_BGR2RGB)
