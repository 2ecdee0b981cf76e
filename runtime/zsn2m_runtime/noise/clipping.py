"""Where samples are clipped at the ends of a sensor's range, and what clipping adds to the mean of frames.

The network takes clipped noise of one frame for what it is (docs/limits.md); in a mean of frames it is not seen.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.noise.model import PHOTONS
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import is_whole

Floats = npt.NDArray[np.float32]
Ends = tuple[float | None, float | None]

FARTHEST = 3.0  # deviations from an end: what clipping adds there is below 0.0004 of one
STEPS = 1024  # of the table, from the mean where there is no light to FARTHEST: within 1e-5 of a deviation
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
