"""JPEG in a frame's pixels: coefficients of 8 x 8 blocks are multiples of the steps of a quality.

Measured: docs/decisions/jpeg-noise.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Pixels

Doubles = npt.NDArray[np.float64]

SIDE = 8  # pixels of a block
MOST_BLOCKS = 400  # looked at, evenly spaced
FLAT = 0.7  # coefficients below are taken for zeros that rounding moved
NOT_ZERO = 1.5  # coefficients above say which steps they are multiples of
FEWEST = 200  # of those
ROUNDED = 0.35  # deviation of a coefficient by rounding to whole values; 0.2, and more where samples are clipped
STRAY = 0.1  # share of the coefficients that are no multiples: clipped blocks
QUALITIES = range(10, 100)
LEAST = 0.25  # mean log-likelihood above that of no steps; found: 0.30 at quality 98, 1 to 2 below 96; without JPEG 0.0
# ITU-T T.81, Annex K, table K.1: steps of luma at quality 50 of the Independent JPEG Group's scale
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
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def find_jpeg(frame: Pixels) -> int | None:
    """The quality at which a frame was last compressed, 10 to 99; None where no JPEG is found.

    Tables of a camera's own, which are not those of the Independent JPEG Group, are not found.

    Shape:
        frame: (h, w, 3), RGB of 0 to 255, at least 16 x 16; it may be a piece of the picture
    """
    luma = frame.astype(np.float64) @ LUMA - 128
    cosines = _cosines()
    order = np.arange(SIDE)
    fine = order[:, None] + order >= 3
    grids = {
        (row, column): cosines @ _blocks(luma, row, column) @ cosines.T for row in range(SIDE) for column in range(SIDE)
    }
    coefficients = max(grids.values(), key=lambda found: float((np.abs(found[:, fine]) < FLAT).mean()))
    telling = np.abs(coefficients) > NOT_ZERO
    telling[:, 0, 0] = False  # the mean is a multiple in all blocks of one colour
    if telling.sum() < FEWEST:
        return None
    likelihoods = {quality: _likelihood(coefficients, telling, _steps(quality)) for quality in QUALITIES}
    best = max(likelihoods, key=lambda quality: likelihoods[quality])
    return best if likelihoods[best] > LEAST else None


def _likelihood(coefficients: Doubles, telling: npt.NDArray[np.bool_], steps: Doubles) -> float:
    """Mean logarithm of how much likelier coefficients are as multiples of the steps than as any numbers."""
    error = coefficients - steps * np.rint(coefficients / steps)
    density = np.exp(-0.5 * np.square(error / ROUNDED)) / (ROUNDED * np.sqrt(2 * np.pi))
    return float(np.log((1 - STRAY) * steps * density + STRAY)[telling].mean())


def _steps(quality: int) -> Doubles:
    """Steps of luma on the Independent JPEG Group's scale. Shape: returns (8, 8)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((STEPS * scale + 50) // 100, 1, 255), np.float64)


def _blocks(plane: Doubles, top: int, left: int) -> Doubles:
    """Blocks of the grid that begins at a place, evenly spaced. Shape: (h, w) -> (n, 8, 8)."""
    rows, columns = ((length - start) // SIDE for length, start in zip(plane.shape, (top, left), strict=True))
    chosen = np.arange(0, rows * columns, max(1, -(-rows * columns // MOST_BLOCKS)))
    windows = np.lib.stride_tricks.sliding_window_view(plane, (SIDE, SIDE))
    return np.asarray(windows[top + SIDE * (chosen // columns), left + SIDE * (chosen % columns)])


def _cosines() -> Doubles:
    """The discrete cosine transform of 8 values, orthonormal. Shape: (8, 8)."""
    order = np.arange(SIDE)
    cosines = np.sqrt(2 / SIDE) * np.cos(np.pi * (2 * order + 1) * order[:, None] / (2 * SIDE))
    cosines[0] /= np.sqrt(2)
    return np.asarray(cosines)
