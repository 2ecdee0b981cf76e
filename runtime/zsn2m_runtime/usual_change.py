"""What of the change from a mean of frames to the next one is noise: the rest is wrong motion, or another thing.

Constants are measured: docs/decisions/fusion.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.cells import CELL
from zsn2m_runtime.light import PART
from zsn2m_runtime.noise.clipping import Ends
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.rising_line import RisingLine
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Mask

Floats = npt.NDArray[np.float32]

SIDES = (1, 3)  # cells, sides of the squares whose mean difference is judged
ENERGY_SIDE = 5  # cells, of those whose mean square is judged, which shows what is thin
SPREAD = 1.5  # standard deviations above the mean that noise alone may give
LEAST_NOISE = 1e-24  # variance, squares of sensor units: keeps divisions finite
CLIPPED = 1.5  # deviations of the noise from an end of the range: nearer, and clipping takes a tenth of its power away


class UsualChange(NamedTuple):
    """What noise makes of the change from a mean of frames to the next one.

    Args:
        lines: variance of a frame's noise, of each channel
        limits: what of the powers of a change in units of it is noise's: of the mean square, and of means over SIDES
        left_of_part: variance of the mean over a square of PART cells, of that of a pixel
        ends: at which samples are clipped; None: they are not
    """

    lines: tuple[RisingLine, ...]
    limits: tuple[np.float32, ...]
    left_of_part: float
    ends: Ends

    @classmethod
    def of(cls, noise: NoiseRecord, ends: Ends) -> UsualChange:
        """Of frames with such noise."""
        power = noise.tails.power if noise.tails else 1.0
        slope, floor, least = NoiseModel.line_of(noise).rising * power
        lines = np.stack([slope, floor, np.maximum(least, LEAST_NOISE)], axis=1).astype(np.float32)
        limits, left_of_part = _limits(noise.neighbours, len(lines)), _left(PART * CELL, *noise.neighbours)
        return cls(tuple(RisingLine(*line) for line in lines), limits, left_of_part, ends)

    @property
    def is_clipped(self) -> bool:
        """Whether samples are, at any end."""
        return self.ends != (None, None)

    def are_clipped(self, levels: Floats, deviations: Floats) -> Mask:
        """Of which cells clipping changes the noise. Shape: (c, h, w) -> (c, h, w)."""
        reach, clipped = np.float32(CLIPPED) * deviations, np.zeros(levels.shape, bool)
        for end in self.ends:
            if end is not None:
                clipped |= np.abs(levels - np.float32(end)) < reach
        return clipped

    def error(self, energy: Floats, changes: Floats, both: Floats, inner: slice) -> Floats:
        """What the powers of the change are above those of noise.

        Args:
            both: variance of the noise of the two, of a frame's
            inner: the rows of changes that are asked for
        """
        error = np.maximum(energy - self.limits[0] * both, 0)
        for side, limit in zip(SIDES, self.limits[1:], strict=True):
            power = np.zeros_like(both)
            for cells in changes:
                power += np.square(blurred(cells, side)[inner])
            power /= np.float32(len(changes))
            power -= limit * both
            np.maximum(error, power, out=error)
        return error


def blurred(cells: Floats, side: int) -> Floats:
    """Mean of a square about each cell."""
    return cells if side == 1 else np.asarray(cv2.blur(cells, (side, side)), np.float32)


def _limits(neighbours: tuple[float, float], channels: int) -> tuple[np.float32, ...]:
    """What of the powers is noise's, of a change whose variance is 1: its mean and SPREAD standard deviations more."""
    samples = _left(ENERGY_SIDE * CELL, *(shared**2 for shared in neighbours)) / channels
    of_means = [_left(side * CELL, *neighbours) * (1 + SPREAD * math.sqrt(2 / channels)) for side in SIDES]
    return tuple(np.float32(limit) for limit in (1 + SPREAD * math.sqrt(2 * samples), *of_means))


def _left(side: int, beside: float, below: float) -> float:
    """Variance of the mean of noise over a square, of that of a pixel, where correlation falls by powers."""
    places = np.arange(side)
    apart = np.abs(places[:, None] - places)
    return float((beside**apart).mean() * (below**apart).mean())
