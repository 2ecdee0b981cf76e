"""The line of the noise's variance over brightness, from what the network removes from bands of it.

Source: docs/decisions/noise-at-each-brightness.md.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.noise.clipping import clipped
from zsn2m_runtime.noise.estimate import NO_NOISE
from zsn2m_runtime.noise.model import Doubles, NoiseModel

BANDS = 12  # of brightness
ROUNDS = 12  # of fitting the line; it settles in about 5
LEAST_KEPT = 0.05  # 1 - d, at least
LEAST_PASSED = 0.02  # d, at least, where it says how far noise spreads brightness
LEAST_EXPECTED = 0.05  # of the largest variance; bands below count as if they had so much
LEAST_ESTIMATE = 0.6  # of the bands' mean variance, that the factor is of
LARGEST_FACTOR = 1.4  # of the estimate's deviation; above it is structure that the network took for noise
LEAST_LEFT = 0.2  # of the noise's power, where samples are clipped
LEAST_SPREAD = 2.0  # variances of the noise left in clean values: bands closer together in brightness give no slope
FEWEST_PHOTONS = 1e-3  # weight of bands of less than one photon, on which the network was not trained
TINY = 1e-12

Line = tuple[float, float]  # slope and floor of the variance


def line_of_bands(pixels: Tensor, model: NoiseModel, channel: int) -> Line:
    """The variance of a channel.

    Shape:
        pixels: (n, 3), clean value, power removed, share passed
    """
    slope, floor = float(model.slope[channel]), float(model.floor[channel])
    bands = [band for band in pixels[pixels[:, 0].argsort()].double().tensor_split(BANDS) if len(band)]
    level, removed, passed = np.array([band.mean(dim=0).tolist() for band in bands]).reshape(-1, 3).T
    estimate = slope * level + floor
    if not bands or estimate.max() <= NO_NOISE:
        return slope, floor
    kept = (1 - passed).clip(LEAST_KEPT)
    power = (removed / kept).clip(TINY)
    least = LEAST_ESTIMATE * power.mean()
    power = np.minimum(power, LARGEST_FACTOR**2 * estimate.clip(least))
    if level.var() <= LEAST_SPREAD * passed.mean().clip(LEAST_PASSED) * power.mean():
        factor = _factor(level, power, estimate.clip(LEAST_EXPECTED * power.mean()), model.ends)
        return slope * factor, floor * factor
    found = _fitted(level, power, kept, (slope, floor), bool(model.counts_photons[channel]), model.ends)
    ends = np.array([float(bands[0][0, 0]), float(bands[-1][-1, 0])])  # a few pixels, far from the bands' means
    return _limited(found, float(level.mean()), ends, LARGEST_FACTOR**2 * (slope * ends + floor).clip(least))


def _factor(level: Doubles, power: Doubles, estimate: Doubles, ends: tuple[float, float]) -> float:
    """What an estimate is to be multiplied by, where bands of one brightness may be clipped. Shape: each (bands,)."""
    factor = plain = float(power.mean() / estimate.mean())
    for _ in range(ROUNDS):
        left = clipped(torch.from_numpy(level), torch.tensor(0.0), torch.from_numpy(factor * estimate), ends).power
        factor = plain / max(float(left.mean()), LEAST_LEFT)
    return factor


def _fitted(
    level: Doubles, power: Doubles, kept: Doubles, first: Line, counted: bool, ends: tuple[float, float]
) -> Line:
    """The line through the power of bands that may be clipped.

    Shape:
        level, power, kept: (bands,)
    Args:
        counted: noise is that of photons
    """
    (slope, floor), variance = first, power
    for _ in range(ROUNDS):
        expected = (slope * level + floor).clip(LEAST_EXPECTED * variance.max())
        gain = max(slope, 0.0) if counted else 0.0
        left = clipped(torch.from_numpy(level), torch.tensor(gain), torch.from_numpy(expected), ends).power
        variance = power / left.numpy().clip(LEAST_LEFT)
        lit = _photons(level, expected, gain, ends[0]).clip(FEWEST_PHOTONS, 1)
        slope, floor = map(float, np.polyfit(level, variance, 1, w=kept / expected * lit**2))
    return slope, floor


def _limited(line: Line, centre: float, ends: Doubles, most: Doubles) -> Line:
    """A line turned around its centre, so that it is no higher than `most` at the ends. Shape: each (2,)."""
    slope, floor = line
    middle = slope * centre + floor
    for end, limit in zip(ends, most, strict=True):
        if slope * end + floor > max(limit, middle):
            slope = float((max(limit, middle) - middle) / (end - centre))
            floor = middle - slope * centre
    return slope, floor


def _photons(level: Doubles, variance: Doubles, gain: float, black: float) -> Doubles:
    """How many photons a level is: its distance from black in gains; where black is not known, by its variance."""
    if gain == 0:
        return np.full_like(level, np.inf)
    return (level - black) / gain if math.isfinite(black) else variance / gain**2
