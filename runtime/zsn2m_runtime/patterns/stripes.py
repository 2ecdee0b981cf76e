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

from zsn2m_runtime.noise_record import Axis
from zsn2m_runtime.patterns.lattice import TINY, Doubles, Flags
from zsn2m_runtime.sample_types import Pixels

# What counts; measured, docs/results/frames.md#patterns.
WORTH = 0.1  # deviation of row noise over that of the pixels, above which it is visible in the result
WORTH_IF_SMALL = 0.5  # the same in small frames, where pictures resemble faint stripes
EVENLY = 0.35  # share of the steps' covariance in nearly all parts of the frame, at least
COMMON = 0.5  # share of it that the halves of the frame have in common, at least
FRESH = 0.3  # share of it that turns its sign in the next row, at least: offsets are new in each row
NOTABLE = 0.5  # deviation of row noise over the one that counts as none, at least
CONFIDENCE = 6.0  # standard deviations of the covariance of rows that share nothing

GROUPS = 16  # groups of columns
APART = 2  # distance in groups of those that are compared
MOST_BANDS, BAND = 8, 16  # bands of rows, at most; rows of a band, at least
SMALLEST, SMALL, HALVED = 48, 96, 128  # pixels of a side, from which a frame, without WORTH_IF_SMALL, its halves count
MOST_ROWS, MOST_COLUMNS = 256, 16  # of a frame, and of a group; 3 ms for each plane and axis
ROUNDS = 2  # of clipping edges
SAMPLED = 3  # every third step measures their deviation
TO_DEVIATION = 1.4826  # standard deviation over median absolute deviation of a normal distribution
WIDE = 2.0  # deviations, beyond which a pixel's step is an edge
FAR = 3.0  # the same of a row's step
FEW_BANDS, FEW_GROUPS = 0.25, 0.1  # quantiles that stand for nearly all parts of the frame

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
        plane: (h, w)
    Args:
        least: deviation of noise that counts as none, sensor units
        period: what repeats every so many rows is no noise
    """
    if min(plane.shape) < SMALLEST:
        return None
    steps = _steps(plane if axis == "rows" else plane.T, least, period)
    half = GROUPS // 2
    sides: tuple[Place, Place] = ("left", "right") if axis == "rows" else ("upper", "lower")
    ratio = WORTH if min(plane.shape) >= SMALL else WORTH_IF_SMALL
    if sigma := _shared(steps, least, ratio):
        return Stripes(axis, sigma, steps.sigma)
    if min(plane.shape) < HALVED:
        return None
    found = [_shared(steps.of(groups), least, ratio) for groups in (slice(half), slice(half, None))]
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
    length = MOST_ROWS // MOST_BANDS
    starts = np.linspace(0, height - 1 - length, MOST_BANDS).astype(np.int64)
    return (starts[:, None] + np.arange(length)).ravel()


def _shared(steps: _Steps, least: float, ratio: float) -> float | None:
    """Deviation of what the groups share, if it is that much of the pixels' noise."""
    groups = steps.mean.shape[1]
    one, other = np.triu_indices(groups, APART)
    both = steps.valid[:, one] & steps.valid[:, other]  # (rows, pairs)
    if not both.any() or both.mean() < FEW_BANDS:
        return None
    product = np.where(both, steps.mean[:, one] * steps.mean[:, other], 0.0) / 2
    covariance = float(product.sum() / both.sum())
    chance = float(np.square(steps.mean[steps.valid]).mean()) / 2 / float(np.sqrt(both.sum()))
    worth = max(ratio * max(steps.sigma, least), NOTABLE * least) ** 2
    if covariance < max(worth, CONFIDENCE * chance):
        return None
    middle = groups // 2
    across = (one < middle) & (other >= middle)
    halves = float(product[:, across].sum() / max(both[:, across].sum(), 1))
    if min(_of_bands(product, both), _of_groups(product, both, groups)) < EVENLY * covariance:
        return None
    if halves < COMMON * covariance or _opposite_next(steps, one, other) < FRESH * covariance:
        return None
    return float(np.sqrt(covariance))


def _of_bands(product: Doubles, both: Flags) -> float:
    """The covariance that nearly all bands of rows have at least."""
    count = min(max(len(product) // BAND, 2), MOST_BANDS)
    parts = zip(np.array_split(product, count), np.array_split(both, count), strict=True)
    found = [part.sum() / number.sum() for part, number in parts if number.any()]
    return float(np.quantile(found, FEW_BANDS, method="lower"))


def _of_groups(product: Doubles, both: Flags, groups: int) -> float:
    """The covariance that nearly all groups have at least with the others."""
    one, other = np.triu_indices(groups, APART)
    place = np.arange(groups)[:, None]
    with_others = (place == one) | (place == other)
    count = with_others @ both.sum(axis=0)
    return float(np.quantile((with_others @ product.sum(axis=0))[count > 0] / count[count > 0], FEW_GROUPS))


def _opposite_next(steps: _Steps, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """The covariance with the step that follows, its sign turned: that of the steps themselves for fresh offsets."""
    mean, valid = steps.mean, steps.valid
    both = valid[1:, one] & valid[:-1, other] & valid[1:, other] & valid[:-1, one]
    if not both.any():
        return 0.0
    return float(-(mean[1:, one] * mean[:-1, other] + mean[:-1, one] * mean[1:, other])[both].mean() / 2)
