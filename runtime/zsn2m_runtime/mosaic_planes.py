"""Mosaics as frames of four planes, and back.

A plane has every second pixel of every second row, all behind one filter. Planes are in the order red, green, green,
blue, or blue, green, green, red: the pixels of a 2 x 2 cell, row by row. Where a pattern begins with green, frames are
mirrored left to right first, which makes GRBG RGGB and GBRG BGGR: so a pixel's neighbours in the other planes are
always in the same directions. A side that is odd is continued by its last row or column but one.
"""

from __future__ import annotations

import numpy as np

from zsn2m_runtime.blank.areas import filled
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import CELL, PLANES, BayerPattern, is_turned
from zsn2m_runtime.sample_types import Mask, Pixels

UPRIGHT: BayerPattern = "RGGB"  # one of the patterns that are not mirrored


def planes_of(mosaic: Frame, pattern: BayerPattern) -> Frame:
    """The planes of a mosaic; alpha is 0 where it is 0 anywhere in a cell.

    Shape:
        mosaic: (h, w)
        returns: (h / 2, w / 2, 4), halves rounded up
    """
    cells = _cells(mosaic.pixels, pattern)
    return Frame(cells, None if mosaic.alpha is None else _cells(mosaic.alpha, pattern).min(axis=2))


def _cells(plane: Pixels, pattern: BayerPattern) -> Pixels:
    odd = [(0, length % CELL) for length in plane.shape]
    even = np.pad(plane, odd, mode="reflect") if any(more for _, more in odd) else plane
    turned = even[:, ::-1] if is_turned(pattern) else even
    return np.stack([turned[row::CELL, column::CELL] for row in range(CELL) for column in range(CELL)], axis=-1)


def mosaic_of(planes: Pixels, pattern: BayerPattern, size: tuple[int, int]) -> Pixels:
    """The mosaic of planes, which is the inverse of `planes_of`.

    Shape:
        planes: (h / 2, w / 2, 4)
        size: h and w
    """
    height, width, _ = planes.shape
    mosaic = np.empty((CELL * height, CELL * width), planes.dtype)
    for place in range(PLANES):
        row, column = divmod(place, CELL)
        mosaic[row::CELL, column::CELL] = planes[:, :, place]
    turned = mosaic[:, ::-1] if is_turned(pattern) else mosaic
    return np.ascontiguousarray(turned[: size[0], : size[1]])


def without_blank(mosaic: Frame) -> tuple[Pixels, Mask | None]:
    """A mosaic whose blank cells are filled, each plane by itself; and where they are, None where nothing is blank."""
    cells, size = planes_of(mosaic, UPRIGHT), (mosaic.pixels.shape[0], mosaic.pixels.shape[1])
    blank = cells.blank
    if blank is None:
        return mosaic.pixels, None
    everywhere = np.repeat(blank[:, :, None], PLANES, axis=2)
    return mosaic_of(filled(cells.pixels, blank), UPRIGHT, size), mosaic_of(everywhere, UPRIGHT, size)


def picture_of(planes: Pixels) -> Pixels:
    """A colour picture of planes, to look at: both greens as one, (h, w, 4) -> (h, w, 3) float32."""
    first, second, third, last = (planes[:, :, place].astype(np.float32) for place in range(PLANES))
    return np.stack((first, (second + third) / 2, last), axis=-1)
