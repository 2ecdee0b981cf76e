"""JPEG in a frame's pixels: coefficients of 8 x 8 blocks are multiples of the steps of a quality.

A picture that was compressed before shows that, too: on the same grid some multiples of the last steps are never met,
on another one more of the fine coefficients are near zero than elsewhere.

Measured: docs/decisions/jpeg-noise.md, jpegs-of-jpegs.md there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.jpeg_again import first_on_another_grid, first_on_the_grid
from zsn2m_runtime.noise.jpeg_steps import (
    FINE,
    ORDER,
    QUALITIES,
    ROUNDED,
    SIDE,
    STRAY,
    Coefficients,
    Doubles,
    Grid,
    nearest,
    steps_of,
)
from zsn2m_runtime.sample_types import Pixels

MOST_BLOCKS = 400  # looked at, evenly spaced
FLAT = 0.7  # coefficients below are taken for zeros that rounding moved
NOT_ZERO = 1.5  # coefficients above say which steps they are multiples of
FEWEST = 200  # of those
LEAST = 0.25  # mean log-likelihood above that of no steps; found: 0.30 at quality 98, 1 to 2 below 96; without JPEG 0.0
LIKELY = 0.15  # the same where steps that are looked for one by one are those of that quality
# The same of steps that each coefficient has of its own, which are no quality's: with a camera's tables 0.38 and more,
# without JPEG -0.18 at most
LEAST_OWN = 0.1
LARGEST_STEP = 60  # that is tried
COARSE = 5  # of ORDER: up to there steps of a coefficient's own are looked for
FEWEST_OF_ONE = 12  # coefficients that say which step theirs is
BEYOND = 1.5  # steps: those below are of one multiple, as faint noise is, all of which has about one size
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@dataclass(frozen=True)
class Compression:
    """How a picture was compressed, as its pixels show it.

    quality: the last time, on the scale of the Independent JPEG Group; of other tables the nearest
    before: of a coarser JPEG before that; None: none is seen
    own_tables: whether the tables are not those of that group
    """

    quality: int
    before: int | None = None
    own_tables: bool = False

    @property
    def coarsest(self) -> int:
        """The quality that has left most traces: of the coarser JPEG, where there were two."""
        return self.quality if self.before is None else min(self.before, self.quality)

    def in_words(self) -> str:
        """As in `of quality 75`."""
        if self.own_tables:
            return f"with tables of its own, about as of quality {self.quality}"
        text = f"of quality {self.quality}"
        return text if self.before is None else f"{text}, of a picture that was one of about {self.before} before"


def find_jpeg(frame: Pixels) -> Compression | None:
    """How a frame was compressed, of quality 10 to 99; None where no JPEG is found.

    Shape:
        frame: (h, w, 3), RGB of 0 to 255, or (h, w), at least 16 x 16; it may be a piece of the picture
    """
    luma = (frame.astype(np.float64) @ LUMA if frame.ndim == 3 else frame.astype(np.float64)) - 128
    cosines = _cosines()
    grids: dict[Grid, Coefficients] = {
        (row, column): cosines @ _blocks(luma, row, column) @ cosines.T for row in range(SIDE) for column in range(SIDE)
    }
    last = max(grids, key=lambda grid: float((np.abs(grids[grid][:, FINE]) < FLAT).mean()))
    coefficients = grids[last]
    telling = np.abs(coefficients) > NOT_ZERO
    telling[:, 0, 0] = False  # the mean is a multiple in all blocks of one colour
    if telling.sum() < FEWEST:
        return None
    likelihoods = {quality: _likelihood(coefficients, telling, steps_of(quality)) for quality in QUALITIES}
    quality = max(likelihoods, key=lambda quality: likelihoods[quality])
    if likelihoods[quality] <= LEAST:
        own = _own_quality(coefficients)
        if own is None:
            return None
        if own != quality or likelihoods[quality] <= LIKELY:
            return Compression(own, own_tables=True)
    before = first_on_the_grid(coefficients, quality) or first_on_another_grid(grids, last, quality)
    return Compression(quality, before)


def _likelihood(coefficients: Doubles, telling: npt.NDArray[np.bool_], steps: Doubles) -> float:
    """Mean logarithm of how much likelier coefficients are as multiples of the steps than as any numbers."""
    return float(_logarithms(coefficients, steps)[telling].mean())


def _logarithms(coefficients: Doubles, steps: Doubles) -> Doubles:
    error = coefficients - steps * np.rint(coefficients / steps)
    density = np.exp(-0.5 * np.square(error / ROUNDED)) / (ROUNDED * np.sqrt(2 * np.pi))
    return np.asarray(np.log((1 - STRAY) * steps * density + STRAY))


def _own_quality(coefficients: Coefficients) -> int | None:
    """The quality whose steps are nearest to those that each coarse coefficient has; None where they have none."""
    tried = np.arange(1, LARGEST_STEP + 1, dtype=np.float64)
    steps, weights, likelihood = np.ones((SIDE, SIDE)), np.zeros((SIDE, SIDE)), 0.0
    for place in zip(*np.nonzero(ORDER <= COARSE), strict=True):
        values = coefficients[:, place[0], place[1]]
        values = values[np.abs(values) > NOT_ZERO]
        if place == (0, 0) or len(values) < FEWEST_OF_ONE:
            continue
        found = _logarithms(values[:, None], tried).sum(axis=0)
        step = tried[int(found.argmax())]
        values = values[np.abs(values) > BEYOND * step]
        if len(values) < FEWEST_OF_ONE:
            continue
        likelihood += _logarithms(values, step).sum() - np.log(LARGEST_STEP)  # the best of so many
        steps[place], weights[place] = step, len(values)
    if weights.sum() < FEWEST or likelihood <= LEAST_OWN * weights.sum():
        return None
    return nearest(steps, weights)


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
