"""RGB from and to YUV, by the stream's own matrix and range.

swscale only resamples chroma. Its matrix has an offset: white of 10-bit limited range becomes 1020 of 1023, and every
full-range frame loses half a level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.sample_types import Pixels

# Numbers of ITU-T H.273, which libav uses too; those of the range are libav's own.
UNSPECIFIED = 2
IDENTITY, BT709, BT601 = 0, 1, 6
RANGE_UNSPECIFIED, LIMITED, FULL = 0, 1, 2

# Weights of red and blue in luma: H.273, table 4 (BT.709, FCC, BT.601 twice, SMPTE 240M, BT.2020).
WEIGHTS = {
    BT709: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    BT601: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
ROWS = 32  # converted at a time, so that they stay in the cache: half of the time of a whole 1080p frame (measured)
HIGH_DEFINITION = 720  # rows from which players take an unspecified matrix for BT.709, below it for BT.601

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Colour:
    """The colour tags of a stream, as numbers of H.273."""

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    range: int = RANGE_UNSPECIFIED

    @classmethod
    def of(cls, frame: Any) -> Colour:
        """The tags of a decoded frame; formats named yuvj have full range, whatever the tag says."""
        value_range = FULL if frame.format.name.startswith("yuvj") else int(frame.color_range)
        return cls(int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), value_range)

    def tag(self, target: Any) -> None:
        """Write the tags to a frame or to a stream's encoder."""
        target.colorspace, target.color_primaries = self.matrix, self.primaries
        target.color_trc, target.color_range = self.transfer, self.range

    def with_defaults(self, height: int) -> Colour:
        """The same, with what players assume in the place of an unspecified matrix or range.

        The matrix is BT.709 from 720 rows on and BT.601 below; the range is limited.
        """
        guess = BT709 if height >= HIGH_DEFINITION else BT601
        matrix = guess if self.matrix == UNSPECIFIED else self.matrix
        return replace(self, matrix=matrix, range=FULL if self.range == FULL else LIMITED)

    def as_rgb(self) -> Colour:
        """The tags of the same colours stored as RGB."""
        return replace(self, matrix=IDENTITY, range=FULL)


class YuvConverter:
    """Between RGB and YUV of one depth, both without subsampling.

    Args:
        colour: tags, none of them unspecified
        bits: of every sample, 8 to 16
        name: how messages call the stream
    Raises:
        InputError: for a matrix that is not a plain weighted sum of RGB.
    """

    def __init__(self, colour: Colour, bits: int, name: str) -> None:
        if colour.matrix not in WEIGHTS:
            raise InputError(
                f"{name}: expected a colour matrix of BT.601, BT.709, BT.2020, FCC or SMPTE 240M, but got number "
                f"{colour.matrix} of H.273; convert it first, for example to BT.709"
            )
        self._bits = bits
        self._to_yuv = _yuv_of_rgb(*WEIGHTS[colour.matrix], bits, colour.range == FULL)
        factors = np.linalg.inv(self._to_yuv[:, :3])
        self._to_rgb = np.column_stack((factors, -factors @ self._to_yuv[:, 3]))

    def to_rgb(self, yuv: Pixels) -> Pixels:
        """Rounded, and clamped to the range of RGB.

        Shape:
            yuv: (h, w, 3), uint8 or uint16
            returns: (h, w, 3), uint8 for 8 bits and uint16 for more, 0 to 2 ** bits - 1
        """
        return self._apply(self._to_rgb, yuv)

    def to_yuv(self, rgb: Pixels) -> Pixels:
        """Rounded; the shapes of `to_rgb`."""
        return self._apply(self._to_yuv, rgb)

    def _apply(self, matrix: Matrix, samples: Pixels) -> Pixels:
        found = np.empty(samples.shape, np.uint8 if self._bits == 8 else np.uint16)
        for start in range(0, len(samples), ROWS):
            rows = slice(start, start + ROWS)
            # cv2.transform computes uint8 in fixed point: slower and less exact than uint16 in floating point.
            wide = cv2.transform(samples[rows].astype(np.uint16, copy=False), matrix)
            if self._bits == 8:
                cv2.convertScaleAbs(wide, found[rows])
            else:
                np.minimum(wide, 2**self._bits - 1, out=found[rows])
        return found


def _yuv_of_rgb(red: float, blue: float, bits: int, full: bool) -> Matrix:
    """The 3x4 matrix from (r, g, b, 1) to (y, cb, cr): H.273, equations 20 to 31 and 38 to 43."""
    luma = np.array([red, 1 - red - blue, blue])
    unit = np.stack((luma, ([0, 0, 1] - luma) / (2 * (1 - blue)), ([1, 0, 0] - luma) / (2 * (1 - red))))
    high, step = 2**bits - 1, 2 ** (bits - 8)
    sizes = [high, high, high] if full else [219 * step, 224 * step, 224 * step]
    offsets = [0 if full else 16 * step, 128 * step, 128 * step]
    return np.column_stack((np.diag(sizes) @ unit / high, offsets))
