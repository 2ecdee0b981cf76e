"""The mean of noisy frames along their motion, before the network: what several frames saw has less noise.

At each pixel a Kalman filter of a value that stays what it is: with v, the variance of the mean's noise over that of a
frame's, the frame counts with v / (1 + v). Where frame and mean differ by more than the noise of both, motion was
wrong or something else is seen there; the square of what is too much is added to v first, so that the frame counts for
more, up to all. That is judged in cells of 2 x 2 pixels. Light that changes in a part of the frame is followed first.

Source: Kalman, A new approach to linear filtering and prediction problems, 1960, scalar case. Constants are measured:
docs/decisions/fusion.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.cells import CELL, around, in_bands, pixels_of, to_cells, to_pixels
from zsn2m_runtime.light import PART, Light, change_of_parts
from zsn2m_runtime.noise.clipping import Ends, rise_of_mean
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Mask, Nchw

Floats = npt.NDArray[np.float32]

DRIFT = 0.02  # of a frame's variance that every frame adds, for motion is never exact
SIDES = (1, 3)  # cells, sides of the squares whose mean difference is judged
ENERGY_SIDE = 5  # cells, of those whose mean square is judged, which shows what is thin
MARGIN = ENERGY_SIDE // 2  # cells that a band sees of its neighbours
SPREAD = 1.5  # standard deviations above the mean that noise alone may give
EXCESS = 6.0  # times the square of an error that is found: part of it hides in the noise
REPEATED = 0.6  # of the change that independent noise makes: less, and the frames share noise
FARTHEST = 1e3  # deviations of the noise: what differs by more is another thing, and its square may overflow
WHOLE = 4.0  # times what is gone of the variance is the share of clipping's addition that is taken away, up to all
LEAST_NOISE = 1e-24  # variance, squares of sensor units: keeps divisions finite
EVERY = 8  # cells between those that are looked at for that
CLIPPED = 1.5  # deviations of the noise from an end of the range: nearer, and clipping takes a tenth of its power away


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

    def relit(self, light: Light) -> Mean:
        """As it would be in the light of the next frame."""
        return self if light.is_same else Mean(light.of(self.planes), self.variance * np.square(light.factor).mean())

    def strength(self) -> Floats:
        """Standard deviation of its noise over that of a frame's, (h, w)."""
        return to_pixels(np.sqrt(self.variance), self.planes.shape)


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
        self._left_of_part = _left(PART * CELL, *noise.neighbours)

    def __call__(self, before: Mean, noisy: Nchw, strength: float = 1.0, new: Mask | None = None) -> Mean:
        """The mean with one more frame.

        Args:
            before: where its content is in the frame
            strength: standard deviation of the frame's noise over that of the record
            new: where nothing was before
        Shape:
            noisy: (1, c, h, w) float32, sensor units; new: (h, w)
        """
        channels, shape = noisy.shape[1], before.variance.shape
        variance = before.variance + np.float32(DRIFT)
        changes, energy = np.empty((channels, *shape), np.float32), np.empty(shape, np.float32)
        near, weight, error = (np.empty(shape, np.float32) for _ in range(3))
        planes, levels = np.empty_like(noisy), np.empty_like(changes)

        def compare(band: slice) -> None:
            rows = pixels_of(band)
            mean, frame = before.planes[0, :, rows], noisy[0, :, rows]
            levels[:, band] = [to_cells(plane) for plane in mean]
            changes[:, band], energy[band] = _change(mean, frame, self._deviations(levels[:, band], strength))

        def weigh(band: slice) -> None:
            wide, inner = around(band, MARGIN, shape[0])
            near[band] = _blurred(energy[wide], ENERGY_SIDE)[inner]
            error[band] = self._error(near[band], changes[:, wide], variance[band], inner)
            prior = variance[band] + np.float32(EXCESS) * error[band]
            weight[band] = 1 - 1 / (1 + prior)
            weight[band][error[band] >= FARTHEST] = 1

        def add(band: slice) -> None:
            rows = pixels_of(band)
            whole = to_pixels(weight, noisy.shape, band)
            wide = around(band, 1, shape[0])[0]
            far = whole == 1 if error[wide].max() >= FARTHEST else None
            if new is not None:
                whole[new[rows]] = 1
            for channel, (frame, plane) in enumerate(zip(noisy[0, :, rows], planes[0, :, rows], strict=True)):
                mean = before.planes[0, channel, rows]
                if brighter is not None and brighter[channel, wide].any():
                    mean = mean + to_pixels(brighter[channel], noisy.shape, band)
                np.subtract(frame, mean, out=plane)
                cv2.multiply(plane, whole, plane)
                cv2.add(plane, mean, plane)
                if far is not None:  # what is added to a value that is far away is lost in rounding
                    np.copyto(plane, frame, where=far)

        in_bands(shape, compare)
        brighter = change_of_parts(changes, self._left_of_part)
        if brighter is not None:
            energy += (brighter * (brighter - 2 * changes)).mean(axis=0)
            changes -= brighter
            brighter *= self._deviations(levels, strength)
        for step in (weigh, add):
            in_bands(shape, step)
        whole = self._are_whole(levels[:, ::EVERY, ::EVERY], strength)
        after = np.minimum(weight + 2 * weight * (1 - weight) * _shared(near, variance, whole), 1)
        if new is not None:
            after[to_cells(new.astype(np.float32)) > 0] = 1
        return Mean(planes, after)

    def in_light(self, mean: Mean, strength: float = 1.0) -> Nchw:
        """The planes of a mean of frames without what clipping added; of one frame as they are.

        A network knows clipping by samples at the ends, of which a mean has none: without this shadows become brighter
        as frames are added.

        Args:
            strength: as of the latest frame
        """
        if self._ends == (None, None):
            return mean.planes
        channels, shape = mean.planes.shape[1], mean.variance.shape
        added, planes = np.zeros((channels, *shape), np.float32), np.empty_like(mean.planes)

        def find(band: slice) -> None:
            share = np.minimum(np.float32(WHOLE) * (1 - mean.variance[band]), 1)
            levels = np.stack([to_cells(plane) for plane in mean.planes[0, :, pixels_of(band)]])
            added[:, band] = rise_of_mean(levels, self._deviations(levels, strength), self._ends) * share

        def take_away(band: slice) -> None:
            wide, rows = around(band, 1, shape[0])[0], pixels_of(band)
            for plane, less, result in zip(mean.planes[0, :, rows], added, planes[0, :, rows], strict=True):
                if less[wide].any():
                    np.subtract(plane, to_pixels(less, planes.shape, band), out=result)
                    np.clip(result, *self._ends, out=result)
                else:
                    result[:] = plane

        in_bands(shape, find)
        if not added.any():
            return mean.planes
        in_bands(shape, take_away)
        return planes

    def _deviations(self, levels: Floats, strength: float) -> Floats:
        """Of a frame's noise at the light of a mean. Shape: (c, h, w) -> (c, h, w)."""
        slope, floor, least = self._line.T[..., None, None]
        return np.asarray(np.sqrt(np.maximum(slope * levels + floor, least)) * np.float32(strength))

    def _are_whole(self, levels: Floats, strength: float) -> Mask:
        """Of which cells clipping leaves the noise what it is. Shape: (c, h, w) -> (h, w)."""
        reach = np.float32(CLIPPED) * self._deviations(levels, strength)
        whole = [np.abs(levels - np.float32(end)) >= reach for end in self._ends if end is not None]
        return np.all(whole, axis=(0, 1)) if whole else np.ones(levels.shape[1:], bool)

    def _error(self, energy: Floats, changes: Floats, variance: Floats, inner: slice) -> Floats:
        """What the powers of the change are above those of noise.

        Args:
            inner: the rows of changes that are asked for
        """
        error = np.maximum(energy - self._limits[0] * (1 + variance), 0)
        for side, limit in zip(SIDES, self._limits[1:], strict=True):
            power = np.mean([np.square(_blurred(cells, side)[inner]) for cells in changes], axis=0)
            error = np.maximum(error, power - limit * (1 + variance))
        return np.asarray(error, np.float32)


def _change(before: Nchw, noisy: Nchw, deviations: Floats) -> tuple[Floats, Floats]:
    """Mean change of the channels in cells, and its mean square; in units of the noise of a frame.

    Shape:
        before, noisy: (c, h, w), some rows -> (c, h / 2, w / 2), and (h / 2, w / 2)
    """
    changes, energies = [], []
    for mean, frame, deviation in zip(before, noisy, deviations, strict=True):
        change = frame - mean
        with np.errstate(over="ignore"):
            changes.append(np.clip(to_cells(change) / deviation, -FARTHEST, FARTHEST))
            energies.append(np.minimum(to_cells(change * change) / np.square(deviation), FARTHEST**2))
    return np.stack(changes), np.asarray(np.mean(energies, axis=0), np.float32)


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


def _shared(energy: Floats, variance: Floats, whole: Mask) -> float:
    """Covariance of the frame's noise with that of the mean, in units of a frame's variance.

    It is 0 but for frames that are shown twice, and for noise that stays where it is: those change by too little. So do
    clipped samples, which therefore do not count.

    Args:
        whole: which of every so many cells are not clipped
    """
    if not whole.any():
        return 0.0
    change = energy[::EVERY, ::EVERY] / (1 + variance[::EVERY, ::EVERY])
    share = float(np.quantile(change[whole], 0.25))
    return 0.0 if share > REPEATED else (1 - share) * (1 + float(variance.mean())) / 2


def _blurred(cells: Floats, side: int) -> Floats:
    return cells if side == 1 else np.asarray(cv2.blur(cells, (side, side)), np.float32)
