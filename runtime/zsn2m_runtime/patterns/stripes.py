"""Noise that whole rows (or columns) share, as of a sensor's readout: how much there is beside the pixels' own.

The rows are cut into groups of columns. What the rows' steps have in common in groups far from each other is the
rows' noise, whatever the pixels' noise is. Real offsets are new in each row; pictures change more slowly, and not
alike all over the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.image import Pixels
from zsn2m_runtime.patterns.lattice import TINY, Doubles, Flags

# What counts; measured, benchmarks/RESULTS.md, "Patterns".
WORTH = 0.1  # deviation of the rows' noise, of that of the pixels: above, it is seen in the result
EVENLY = 0.4  # of that variance is in nearly all parts of the frame
COMMON = 0.5  # of it the halves of the frame have in common
FRESH = 0.05  # of the covariance of steps is opposite in the next row; pictures have none
SURE = 6.0  # deviations of the covariance where rows share nothing

GROUPS = 16  # of columns
APART = 2  # groups that are compared are so many from each other
BANDS = 8  # of rows
MOST_ROWS, MOST_COLUMNS = 256, 16  # of a frame, and of a group, that are looked at; 3 ms for each plane and axis
ROUNDS = 2  # of leaving edges out
SAMPLED = 3  # every third step says how large they are
TO_DEVIATION = 1.4826  # of a normal distribution, from its median absolute deviation
WIDE = 2.0  # deviations: steps beyond are edges, of the pixels
FAR = 3.0  # and of the rows
FEW_BANDS, FEW_GROUPS = 0.25, 0.1  # quantiles: nearly all parts of the frame

Axis = Literal["rows", "columns"]
Place = Literal["", "left", "right", "upper", "lower", "each"]


@dataclass(frozen=True)
class Stripes:
    """Noise that each row, or each column, has as a whole.

    sigma: its standard deviation; pixel_sigma: that of the noise of single pixels; sensor units
    channel: the one that has most, from 0; None in a grey frame
    half: the half of the frame that has it; each: both have, but not the same; empty: all of the frame
    """

    axis: Axis
    sigma: float
    pixel_sigma: float
    channel: int | None = None
    half: Place = ""

    @property
    def ratio(self) -> float:
        """Of the deviations."""
        return self.sigma / max(self.pixel_sigma, TINY)


@dataclass(frozen=True)
class _Steps:
    """Steps from row to row.

    Shape:
        mean: (rows, groups), without edges and without what repeats
        valid: (rows, groups), false where an area is constant
    """

    mean: Doubles
    valid: Flags
    sigma: float  # of one pixel's noise

    def of(self, groups: slice) -> _Steps:
        """Of some of the groups."""
        return _Steps(self.mean[:, groups], self.valid[:, groups], self.sigma)


def find_stripes(plane: Pixels, axis: Axis, least: float, period: int = 2) -> Stripes | None:
    """The noise that whole rows or columns share, over all of the plane or in a half of it; None if too little.

    Shape:
        plane: (h, w), both sides at least 16
    Args:
        least: deviation of noise that counts as none, sensor units
        period: what repeats every so many rows is no noise
    """
    steps = _steps(plane if axis == "rows" else plane.T, least, period)
    half = GROUPS // 2
    sides: tuple[Place, Place] = ("left", "right") if axis == "rows" else ("upper", "lower")
    if sigma := _shared(steps, least):
        return Stripes(axis, sigma, steps.sigma)
    found = [_shared(steps.of(groups), least) for groups in (slice(half), slice(half, None))]
    places = [(sigma, side) for sigma, side in zip(found, sides, strict=True) if sigma]
    if not places:
        return None
    sigma, side = max(places)
    return Stripes(axis, sigma, steps.sigma, half="each" if len(places) > 1 else side)


def _steps(plane: Pixels, least: float, period: int) -> _Steps:
    chosen = _rows(len(plane))
    width = plane.shape[1] // GROUPS
    used = min(width, MOST_COLUMNS)
    first = np.arange(GROUPS) * width + (width - used) // 2
    columns = (first[:, None] + np.arange(used)).ravel()
    upper, lower = (
        plane[np.ix_(rows, columns)].astype(np.float32).reshape(len(rows), GROUPS, used)
        for rows in (chosen, chosen + 1)
    )
    steps = lower - upper
    valid = np.asarray(steps.any(axis=2) & (steps.min(axis=2) < steps.max(axis=2) if used > 1 else True))
    centre = np.zeros((*valid.shape, 1), np.float32)
    deviation = least
    for _ in range(ROUNDS):  # the first holds the rows' steps too
        apart = steps - centre
        looked = np.abs(apart[valid].ravel()[::SAMPLED])
        deviation = TO_DEVIATION * float(np.median(looked)) if looked.size else 0.0
        reach = WIDE * max(deviation, least)
        centre = centre + np.clip(apart, -reach, reach).mean(axis=2, keepdims=True)
    kept, used_groups = valid.any(axis=1), valid.any(axis=0)
    mean = np.where(valid, centre[..., 0], np.nan)[kept][:, used_groups].astype(np.float64)
    valid, phases = valid[kept][:, used_groups], chosen[kept] % period
    for phase in np.unique(phases):
        mean[phases == phase] -= np.nanmedian(mean[phases == phase])
    far = FAR * TO_DEVIATION * np.nanmedian(np.abs(mean)) + TINY if valid.any() else TINY
    mean = np.where(valid, np.clip(mean, -far, far), 0.0)
    own = float(np.sqrt(used / (2 * max(used - 1, 1))))  # a step has two pixels' noise, of which its mean took a part
    return _Steps(mean, valid, deviation * own)


def _rows(height: int) -> npt.NDArray[np.int64]:
    """The upper ones of the pairs of rows that are looked at: all, or stretches of a high frame."""
    if height - 1 <= MOST_ROWS:
        return np.arange(height - 1)
    length = MOST_ROWS // BANDS
    starts = np.linspace(0, height - 1 - length, BANDS).astype(np.int64)
    return (starts[:, None] + np.arange(length)).ravel()


def _shared(steps: _Steps, least: float) -> float | None:
    """Deviation of what the groups share, where it is worth a word."""
    one, other = np.triu_indices(steps.mean.shape[1], APART)
    mean, valid = steps.mean, steps.valid
    both = valid[:, one] & valid[:, other]
    if not both.size or both.mean() < FEW_BANDS:
        return None
    product = np.where(both, mean[:, one] * mean[:, other], 0.0) / 2
    follow = -(mean[1:, one] * mean[:-1, other] + mean[:-1, one] * mean[1:, other]) / 2
    covariance = float(product.sum() / both.sum())
    bands = [
        float(part.sum() / count.sum())
        for part, count in zip(np.array_split(product, BANDS), np.array_split(both, BANDS), strict=True)
        if count.any()
    ]
    with_others = (np.arange(steps.mean.shape[1])[:, None] == one) | (np.arange(steps.mean.shape[1])[:, None] == other)
    groups = with_others @ product.sum(axis=0) / np.maximum(with_others @ both.sum(axis=0), 1)
    chance = float(np.square(mean[valid]).mean()) / 2 / float(np.sqrt(both.sum()))
    variance = max(steps.sigma, least) ** 2
    worth = max(WORTH**2 * variance, least**2)
    everywhere = min(float(np.quantile(bands, FEW_BANDS)), float(np.quantile(groups, FEW_GROUPS)))
    middle = steps.mean.shape[1] // 2
    across = (one < middle) & (other >= middle)
    halves = float(product[:, across].sum() / max(both[:, across].sum(), 1))
    fresh = float(follow[both[1:] & both[:-1]].mean()) if (both[1:] & both[:-1]).any() else 0.0
    if covariance < max(worth, SURE * chance) or everywhere < EVENLY * worth:
        return None
    if halves < COMMON * covariance or fresh < FRESH * covariance:
        return None
    return float(np.sqrt(covariance))
