"""Sizes and sample kinds of an image file, and the metadata that all formats share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord

EXIF_PREFIX = b"Exif\x00\x00"  # what JPEG puts in front of an EXIF block
ORIENTATION = 274  # EXIF and TIFF tag


@dataclass(frozen=True)
class Layout:
    """Sizes and kinds of the frames of a file; height and width are those of the first page."""

    dtype: np.dtype[Any]
    channels: int
    has_alpha: bool
    height: int
    width: int
    page_count: int = 1

    @classmethod
    def of(cls, frame: Frame) -> Layout:
        """The layout of a file that holds this one frame."""
        height, width = frame.pixels.shape[:2]
        return cls(frame.pixels.dtype, frame.channels, frame.alpha is not None, height, width)

    @property
    def stated(self) -> Stated:
        """The size of a frame, for the limits on it."""
        return Stated(self.width, self.height, self.samples * self.dtype.itemsize)

    @property
    def samples(self) -> int:
        """Samples per pixel, alpha included: 1, 2, 3 or 4."""
        return self.channels + self.has_alpha


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its pixels, as far as some other format can say it too.

    Attributes:
        exif: a bare EXIF block (it begins with a TIFF header)
        resolution: (x, y) in dots per inch
        mosaic: the colour filter array, which TIFF alone can state
        texts: whether there are texts or comments, which no other format gets
        value_range: lowest and highest value that the file states; None: those of the type
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float] | None = None
    mosaic: MosaicRecord | None = None
    texts: bool = False
    value_range: tuple[float, float] | None = None

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 (upright) if there is none."""
        if self.exif is None:
            return 1
        exif = Image.Exif()
        try:
            exif.load(EXIF_PREFIX + self.exif)
            value = exif.get(ORIENTATION, 1)
        except (SyntaxError, OSError, ValueError, KeyError):  # a broken block is copied as it is
            return 1
        return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_of_orientation(orientation: int) -> bytes | None:
    """An EXIF block that says only how the picture is turned; None for an upright one."""
    if orientation == 1:
        return None
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif.tobytes().removeprefix(EXIF_PREFIX)
