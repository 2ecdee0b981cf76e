"""Where samples are clipped at the ends of a sensor's range, and what clipping adds to the mean of frames.

The network takes clipped noise of one frame for what it is (docs/limits.md); in a mean of frames it is not seen.
"""

from __future__ import annotations

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
STEPS = 121  # of the table, from 0 to FARTHEST

_LIGHT = np.linspace(0, FARTHEST, STEPS)
_DENSITY = [math.exp(-light * light / 2) / math.sqrt(2 * math.pi) for light in _LIGHT]
_MEAN = [light * (1 + math.erf(light / math.sqrt(2))) / 2 + d for light, d in zip(_LIGHT, _DENSITY, strict=True)]


def clipping_ends(noise: NoiseRecord, sensor: Sensor) -> Ends:
    """The ends of a sensor's range at which its noise is clipped; None: it is not.

    Floats may go beyond their range. Photons are not clipped at black: none is a count.
    """
    if not is_whole(sensor.dtype):
        return None, None
    low, high = sensor.range
    of_photons = float(np.mean(noise.skew)) > PHOTONS and not noise.correlated
    return None if of_photons else low, high


def added_by_clipping(mean: Floats, deviation: Floats, ends: Ends) -> Floats:
    """By how much clipping raised the mean of many samples, where their noise is normal; below 0 at the high end.

    With x, the light over the end, in deviations, the mean is x F(x) + f(x), f and F the density and distribution of
    normal noise; light is not taken to be beyond the end.

    Shape:
        mean, deviation: (h, w), of clipped samples, and of the noise before clipping -> (h, w)
    """
    added = np.zeros_like(mean)
    for end, sign in zip(ends, (np.float32(1), np.float32(-1)), strict=True):
        if end is None:
            continue
        above = sign * (mean - np.float32(end)) / deviation
        near = above < FARTHEST
        if near.any():
            light = np.interp(above[near], _MEAN, _LIGHT).astype(np.float32)
            added[near] += sign * (above[near] - light) * deviation[near]
    return added
