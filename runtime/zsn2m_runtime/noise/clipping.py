"""Where samples are clipped at the ends of a sensor's range, and what clipping adds to the mean of frames.

The network takes clipped noise of one frame for what it is (docs/limits.md); in a mean of frames it is not seen.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.noise.model import PHOTONS
from zsn2m_runtime.noise.rising_line import RisingLine
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import is_whole

Floats = npt.NDArray[np.float32]
Ends = tuple[float | None, float | None]

FARTHEST = 3.0  # deviations from an end: what clipping adds there is below 0.0004 of one
STEPS = 1024  # of the table, from the mean where there is no light to FARTHEST: within 1e-5 of a deviation
LEVELS = 4096  # at which the rise near an end is looked up
ROUNDS = 24  # of finding how far clipping reaches: each at least halves what is missing
REFINEMENTS = 6  # of each of its values: more change nothing


def clipping_ends(noise: NoiseRecord, sensor: Sensor) -> Ends:
    """The ends of a sensor's range at which its noise is clipped; None: it is not.

    Floats may go beyond their range. Photons are not clipped at black: none is a count.
    """
    if not is_whole(sensor.dtype):
        return None, None
    low, high = sensor.range
    of_photons = float(np.mean(noise.skew)) > PHOTONS and not noise.correlated
    return None if of_photons else low, high


def rise_of_mean(mean: Floats, deviation: Floats, ends: Ends) -> Floats:
    """By how much clipping raised the mean of many samples, where their noise is normal; below 0 at the high end.

    With x, the light over the end, in deviations, the mean is x F(x) + f(x), f and F the density and distribution of
    normal noise; light is not taken to be beyond the end.

    Shape:
        mean, deviation: (..., h, w), of clipped samples, and of the noise before clipping -> (..., h, w)
    """
    rise = np.zeros_like(mean)
    for end, sign in zip(ends, (np.float32(1), np.float32(-1)), strict=True):
        if end is None:
            continue
        above = sign * (mean - np.float32(end)) / deviation
        near = above < FARTHEST
        if near.any():
            rise[near] += sign * (above[near] - _light(above[near])) * deviation[near]
    return rise


class Rise(NamedTuple):
    """What `rise_of_mean` says near an end of the range, by level alone: noise has a deviation at each.

    Attributes:
        reach: how far from the end clipping adds anything; below 0: the end is the high one
        found: the rise at levels that are evenly apart, from the end to its reach, where it is 0
    """

    end: np.float32
    reach: np.float32
    found: Floats

    def add(self, level: Floats, sum_of: Floats) -> None:
        """Add the rise of means at some levels to a sum."""
        nearest = level.min() if self.reach > 0 else level.max()
        if abs(nearest - self.end) < abs(self.reach) or (nearest < self.end) == (self.reach > 0):
            place = level - self.end
            place *= LEVELS / self.reach
            place += np.float32(0.5)
            np.clip(place, 0, LEVELS, out=place)
            sum_of += self.found.take(place.astype(np.intp))


@functools.lru_cache(16)  # of each channel, while the strength stays what it is
def rises_of_mean(line: RisingLine, strength: float, ends: Ends) -> list[Rise]:
    """At each end of a range that has one; within 0.015 of a deviation, and 0.001 where noise is the same at all light.

    Args:
        strength: standard deviation of the noise over that of the line
    """
    found = []
    for index, end in enumerate(ends):
        if end is None:
            continue
        own, sign = np.full(1, end, np.float32), np.float32(1 - 2 * index)
        reach = np.zeros(1, np.float32)
        for _ in range(ROUNDS):  # deviations grow with the light
            reach = np.maximum(reach, FARTHEST * line.deviation(own + sign * reach, strength))
        level = np.linspace(own, own + sign * reach, LEVELS + 1, dtype=np.float32)[:, 0]
        only = (end, None) if sign > 0 else (None, end)
        rise = rise_of_mean(level, line.deviation(level, strength), only)
        rise[-1] = 0  # rounding may take it for nearer, and it stands for all that is farther
        found.append(Rise(own[0], sign * reach[0], rise))
    return found


@functools.lru_cache(16)
def rises_of_light(line: RisingLine, strength: float, ends: Ends) -> list[Rise]:
    """As `rises_of_mean`, by the light that samples have: by how much clipping will raise their mean."""
    found = []
    for rise in rises_of_mean(line, strength, ends):
        level = np.linspace(0, abs(rise.reach), LEVELS + 1)  # from the end
        light = np.maximum.accumulate(level - np.abs(rise.found))
        first = np.searchsorted(light, level[1] / 2, "right") - 1  # where light begins; rounding has some before
        light[first] = 0
        more = np.interp(level, light[first:], level[first:]) - level
        more[-1] = 0  # as there
        found.append(rise._replace(found=(np.sign(rise.reach) * more).astype(np.float32)))
    return found


class Clipping(NamedTuple):
    """What the ends of a range do to noise that is so many times as strong as lines say, one a channel; none: nothing.

    Shape:
        level, light: (...), of a channel, sensor units
    """

    lines: tuple[RisingLine, ...]
    strength: float
    ends: Ends

    def rise(self, channel: int, level: Floats) -> Floats:
        """By how much clipping raised the mean of samples, by that mean."""
        return _sum(rises_of_mean(self.lines[channel], self.strength, self.ends), level)

    def rise_at(self, channel: int, light: Floats) -> Floats:
        """The same, by the light that they have."""
        return _sum(rises_of_light(self.lines[channel], self.strength, self.ends), light)


UNCLIPPED = Clipping((), 1.0, (None, None))


def _sum(rises: list[Rise], values: Floats) -> Floats:
    added = np.zeros_like(values)
    for rise in rises:
        rise.add(values, added)
    return added


def _light(above: Floats) -> Floats:
    """Over the end, where the mean is so far above it, in deviations, below FARTHEST."""
    first, step, light, growth = _table()
    place = np.maximum((above - first) / step, np.float32(0))
    index = place.astype(np.int32)
    return np.asarray(light[index] + (place - index) * growth[index], np.float32)


@functools.cache
def _table() -> tuple[np.float32, np.float32, Floats, Floats]:
    """Light at means that are evenly apart: the first mean, the step, each light, and how far it is to the next."""
    first = 1 / math.sqrt(2 * math.pi)
    step, found = (FARTHEST - first) / STEPS, [0.0]
    for index in range(1, STEPS + 1):
        found.append(_light_of(first + index * step, found[-1]))
    light = np.array(found, np.float32)
    return np.float32(first), np.float32(step), light, np.append(np.diff(light), np.float32(0))


def _light_of(mean: float, light: float) -> float:
    """By Newton's method, from a light below it."""
    for _ in range(REFINEMENTS):
        share = (1 + math.erf(light / math.sqrt(2))) / 2
        density = math.exp(-light * light / 2) / math.sqrt(2 * math.pi)
        light += (mean - light * share - density) / share
    return light
