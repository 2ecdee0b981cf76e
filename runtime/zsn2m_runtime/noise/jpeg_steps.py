"""Steps of a JPEG's coefficients, by quality, on the scale of the Independent JPEG Group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Coefficients = Doubles  # (n, 8, 8), of n blocks
Grid = tuple[int, int]  # the first row and the first column of its blocks

SIDE = 8  # pixels of a block
ROUNDED = 0.35  # deviation of a coefficient by rounding to whole values; 0.2, and more where samples are clipped
STRAY = 0.1  # share of the coefficients that are no multiples: clipped blocks
QUALITIES = range(10, 100)
ORDER = np.add.outer(np.arange(SIDE), np.arange(SIDE))  # of a coefficient: its frequencies, both together
FINE = ORDER >= 3  # of pictures these are near zero
# ITU-T T.81, Annex K, table K.1: steps of luma at quality 50
STEPS = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip


def steps_of(quality: int) -> Doubles:
    """Steps of luma. Shape: returns (8, 8)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((STEPS * scale + 50) // 100, 1, 255), np.float64)


def nearest(steps: Doubles, weights: Doubles) -> int:
    """The quality whose steps differ least, in logarithms. Shape: (8, 8) twice; weights of 0 do not count."""
    return min(QUALITIES, key=lambda quality: float((weights * np.square(np.log(steps / steps_of(quality)))).sum()))
