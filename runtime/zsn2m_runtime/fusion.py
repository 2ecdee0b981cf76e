"""The mean of noisy frames along their motion, before the network: what several frames saw has less noise.

At each pixel a Kalman filter of a value that stays what it is: with v, the variance of the mean's noise over that of a
frame's, the frame counts with v / (1 + v). Where frame and mean differ by more than the noise of both, motion was
wrong or something else is seen there; the square of what is too much is added to v first, so that the frame counts for
more, up to all. That is judged in cells of 2 x 2 pixels.

Source: Kalman, A new approach to linear filtering and prediction problems, 1960, scalar case. Constants are measured:
docs/decisions/fusion.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.clipping import Ends, added_by_clipping
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Mask, Nchw

Floats = npt.NDArray[np.float32]

CELL = 2  # pixels, side of a cell: 4 does as well on average, but lets shadows of small things through
DRIFT = 0.02  # of a frame's variance that every frame adds, for motion is never exact
SIDES = (1, 3)  # cells, sides of the squares whose mean difference is judged
ENERGY_SIDE = 5  # cells, of those whose mean square is judged, which shows what is thin
SPREAD = 1.5  # standard deviations above the mean that noise alone may give
EXCESS = 6.0  # times the square of an error that is found: part of it hides in the noise
REPEATED = 0.6  # of the change that independent noise makes: less, and the frames share noise
FARTHEST = 1e3  # deviations of the noise: what differs by more is another thing, and its square may overflow
WHOLE = 4.0  # times what is gone of the variance is the share of clipping's addition that is taken away, up to all
LEAST_NOISE = 1e-24  # variance, squares of sensor units: keeps divisions finite
EVERY = 8  # cells between those that are looked at for that


class Mean(NamedTuple):
    """The mean of frames where their content is in the latest.

    Shape:
        planes: (1, c, h, w) float32, sensor units
        variance: (h / 2, w / 2), halves rounded up: of its noise over that of a frame
    """

    planes: Nchw
    variance: Floats

    @classmethod
    def of_one(cls, planes: Nchw) -> Mean:
        """Of a frame with nothing before."""
        height, width = planes.shape[2:]
        return cls(planes, np.ones((-(-height // CELL), -(-width // CELL)), np.float32))

    def strength(self) -> Floats:
        """Standard deviation of its noise over that of a frame's, (h, w)."""
        return _of_pixels(np.sqrt(self.variance), self.planes.shape)


class Fusion:
    """Takes frames into a mean.

    Args:
        noise: of a frame
        ends: at which its samples are clipped; None: they are not
    """

    def __init__(self, noise: NoiseRecord, ends: Ends = (None, None)) -> None:
        self._ends = ends
        power = noise.tails.power if noise.tails else 1.0
        slope, floor, least = NoiseModel.line_of(noise).rising * power
        self._line = np.stack([slope, floor, np.maximum(least, LEAST_NOISE)], axis=1).astype(np.float32)
        self._limits = _limits(noise.neighbours, len(self._line))

    def __call__(self, before: Mean, noisy: Nchw, strength: float = 1.0, new: Mask | None = None) -> Mean:
        """The mean with one more frame.

        Args:
            before: where its content is in the frame
            strength: standard deviation of the frame's noise over that of the record
            new: where nothing was before
        Shape:
            noisy: (1, c, h, w) float32, sensor units; new: (h, w)
        """
        variance = np.minimum(before.variance + np.float32(DRIFT), np.float32(1))
        changes = list(noisy[0] - before.planes[0])
        energy, *means = self._powers(before.planes[0], changes, strength)
        error = np.maximum(energy - self._limits[0] * (1 + variance), 0)
        for power, limit in zip(means, self._limits[1:], strict=True):
            error = np.maximum(error, power - limit * (1 + variance))
        prior = variance + np.float32(EXCESS) * error
        weight = 1 - 1 / (1 + prior)
        weight[error >= FARTHEST] = 1
        after = weight + 2 * weight * (1 - weight) * _shared(energy, variance)
        whole = _of_pixels(weight, noisy.shape)
        far = whole == 1 if error.max() >= FARTHEST else None
        if new is not None:
            whole[new] = 1
            after[_cells(new.astype(np.float32)) > 0] = 1
        planes = np.empty_like(noisy)
        for mean, change, plane in zip(before.planes[0], changes, planes[0], strict=True):
            cv2.multiply(change, whole, plane)
            cv2.add(plane, mean, plane)
        if far is not None:  # what is added to a value that is far away is lost in rounding
            np.copyto(planes, noisy, where=far)
        return Mean(planes, np.minimum(after, 1))

    def in_light(self, mean: Mean, strength: float = 1.0) -> Nchw:
        """The planes of a mean of frames without what clipping added; of one frame as they are.

        A network knows clipping by samples at the ends, of which a mean has none: without this shadows become brighter
        as frames are added.

        Args:
            strength: as of the latest frame
        """
        if self._ends == (None, None):
            return mean.planes
        share = np.minimum(np.float32(WHOLE) * (1 - mean.variance), 1)
        planes = mean.planes
        for channel, line in enumerate(self._line):
            level = _cells(mean.planes[0, channel])
            deviation = np.sqrt(_variance(line, level)) * np.float32(strength)
            added = added_by_clipping(level, deviation, self._ends) * share
            if added.any():
                planes = planes.copy() if planes is mean.planes else planes
                plane = planes[0, channel]
                np.clip(plane - _of_pixels(added, planes.shape), *self._ends, out=plane)
        return planes

    def _powers(self, means: npt.NDArray[np.float32], changes: list[Floats], strength: float) -> list[Floats]:
        """Mean square of the change in squares of pixels, then that of its mean over squares; mean of the channels.

        In units of the noise of a frame.

        Shape:
            means: (c, h, w); changes: each (h, w)
            returns: each a value a cell
        """
        found: list[list[Floats]] = []
        for mean, change, line in zip(means, changes, self._line, strict=True):
            noise = _variance(line, _cells(mean)) * np.float32(strength**2)
            with np.errstate(over="ignore"):
                cells = np.clip(_cells(change) / np.sqrt(noise), -FARTHEST, FARTHEST)
                energy = np.minimum(_cells(change * change) / noise, FARTHEST**2)
            found.append([_blurred(energy, ENERGY_SIDE), *(_blurred(cells, side) ** 2 for side in SIDES)])
        return [np.asarray(np.mean(powers, axis=0), np.float32) for powers in zip(*found, strict=True)]


def _variance(line: Floats, level: Floats) -> Floats:
    """Of a channel's noise at a brightness; line: slope, floor and least variance."""
    slope, floor, least = line
    return np.asarray(np.maximum(slope * level + floor, least))


def _limits(neighbours: tuple[float, float], channels: int) -> list[np.float32]:
    """What of the powers is noise's, of a change whose variance is 1: its mean and SPREAD standard deviations more."""
    samples = _left(ENERGY_SIDE * CELL, *(shared**2 for shared in neighbours)) / channels
    of_means = [_left(side * CELL, *neighbours) * (1 + SPREAD * math.sqrt(2 / channels)) for side in SIDES]
    return [np.float32(limit) for limit in (1 + SPREAD * math.sqrt(2 * samples), *of_means)]


def _left(side: int, beside: float, below: float) -> float:
    """Variance of the mean of noise over a square, of that of a pixel, where correlation falls by powers."""
    places = np.arange(side)
    apart = np.abs(places[:, None] - places)
    return float((beside**apart).mean() * (below**apart).mean())


def _shared(energy: Floats, variance: Floats) -> float:
    """Covariance of the frame's noise with that of the mean, in units of a frame's variance.

    It is 0 but for frames that are shown twice, and for noise that stays where it is: those change by too little.
    """
    change = energy[::EVERY, ::EVERY] / (1 + variance[::EVERY, ::EVERY])
    share = float(np.quantile(change, 0.25))
    return 0.0 if share > REPEATED else (1 - share) * (1 + float(variance.mean())) / 2


def _blurred(cells: Floats, side: int) -> Floats:
    return cells if side == 1 else np.asarray(cv2.blur(cells, (side, side)), np.float32)


def _of_pixels(cells: Floats, shape: tuple[int, ...]) -> Floats:
    """Values of cells at each pixel of planes of a shape (1, c, h, w)."""
    rows, columns = cells.shape
    whole = cv2.resize(cells, (CELL * columns, CELL * rows), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(whole[: shape[2], : shape[3]], np.float32)


def _cells(plane: Floats) -> Floats:
    """Mean of each cell; an odd side is continued."""
    height, width = plane.shape
    if height % CELL or width % CELL:
        plane = np.pad(plane, ((0, height % CELL), (0, width % CELL)), mode="edge")
    size = (-(-width // CELL), -(-height // CELL))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
