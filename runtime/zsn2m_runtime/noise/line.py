"""The variance of noise over brightness, a line of each channel, from the patches with the least detail."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.noise.patches import CELLS, SIDE, TINY, Patches

BANDS = 12  # of brightness
QUIET = 0.1  # of the patches of a band have less detail than this: noise alone, if any have
QUIET_SHARE = 0.83  # of the noise's variance is in them: least of 64 coefficients each; measured
ROUNDS = 12  # of fitting the line; it settles in about 5
LEAST_EXPECTED = 0.05  # of the largest variance: bands below count as if they had so much
LOWEST = 0.5  # of the smallest variance, at the darkest band, where a line would fall below zero
LEAST_VARIANCE = 0.02  # of the median over the patches
APART = 3.0  # deviations of the noise of a patch's mean: levels closer together give no slope


class Line(NamedTuple):
    """The variance of each channel is `slope * x + floor` at brightness x. Shape: (c,) both."""

    slope: Doubles
    floor: Doubles

    def variance(self, level: Doubles) -> Doubles:
        """At some levels; never far below that of the others. Shape: (n, c) -> the same."""
        found = self.slope * level + self.floor
        return np.asarray(np.maximum(found, LEAST_VARIANCE * np.median(found, axis=0).clip(0)) + TINY)

    def units(self, patches: Patches) -> Doubles:
        """Patches over the deviation of the line, of each channel its own. Shape: (n, side, side, c)."""
        return np.asarray(patches.flat / np.sqrt(self.variance(patches.level))[:, None, None])

    def one_unit(self, patches: Patches) -> Doubles:
        """Patches over the deviation of the line, of the mean of the channels. Shape: (n, side, side, c)."""
        return np.asarray(patches.flat / np.sqrt(self.variance(patches.level).mean(axis=1))[:, None, None, None])


def line_of(patches: Patches) -> Line:
    """The line below detail: from the patches with the least of it at each brightness."""
    order = np.argsort(patches.level.mean(axis=1))
    groups = [group for group in np.array_split(order, BANDS) if len(group)]
    level = np.array([patches.level[group].mean(axis=0) for group in groups])
    detail = np.array([np.quantile(patches.detail[group], QUIET, axis=0) for group in groups]) / QUIET_SHARE
    coarse = np.array([np.quantile(patches.coarse[group], QUIET, axis=0) for group in groups])
    lines = [_of_channel(*bands) for bands in zip(level.T, detail.T, coarse.T, strict=True)]
    slopes, floors = np.array(lines).T
    return Line(slopes, floors)


def _of_channel(x: Doubles, y: Doubles, cells: Doubles) -> tuple[float, float]:
    """Slope and floor of a channel, from the brightness, the variance and the power of cells of bands. Shape: (n,)."""
    if x.var() < APART**2 * cells.mean() / (SIDE // CELLS) ** 2:  # the levels differ by noise alone
        return 0.0, float(np.median(y))
    slope = floor = 0.0
    weight = np.ones(len(x))
    for _ in range(ROUNDS):
        slope, floor = _weighted(x, y, weight)
        expected = np.maximum(slope * x + floor, LEAST_EXPECTED * y.max())
        weight = np.square(np.minimum(expected / y, 1) / expected)  # what lies above is structure
    if slope * x.min() + floor <= 0:  # noise that grows faster than brightness: a line that stays above zero
        rise, start = x - x.min(), LOWEST * y.min()
        slope = float((weight * rise * (y - start)).sum() / (weight * rise**2).sum())
        floor = float(start - slope * x.min())
    return slope, floor


def _weighted(x: Doubles, y: Doubles, weight: Doubles) -> tuple[float, float]:
    """Slope and height at zero of the line through (x, y), by weighted least squares."""
    centre, mean = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = np.average(np.square(x - centre), weights=weight) + TINY
    slope = float(np.average((x - centre) * (y - mean), weights=weight) / spread)
    return slope, float(mean - slope * centre)
