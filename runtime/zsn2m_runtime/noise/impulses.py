"""Impulse noise, salt and pepper: single samples at the frames' lowest and highest value, far from their neighbours.

They tell nothing of the picture, and no network was taught them. A sample counts as one if it is at an end, at least
half of its neighbours are not, their mean is far from it, and no more of the samples around are at the same end than
chance makes: thin lines and letters in black and white stay. In frames that have some, neighbours at the other end
count where too few others are there: ground that is black or white. Frames count as having them if both ends do, and
if half of what looks so has no neighbour at the same end, where chance would leave them alone: detail comes in groups.

The exported graph does the same (zsn2m_deploy.noise.impulses). How many are found, and what replacing them is worth:
docs/decisions/impulses.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Mask, Pixels, is_whole

Floats = npt.NDArray[np.float32]
Real = TypeVar("Real", np.float32, np.float64)
Marks = npt.NDArray[np.bool_]

# Measured, docs/decisions/impulses.md
BEYOND = 4.0  # deviations of the noise from the mean of the neighbours that are not at an end
FEWEST_INSIDE = 4  # of the eight neighbours
REACH = 2  # pixels; as far samples at the same end are counted
AROUND = (2 * REACH + 1) ** 2 - 1  # samples
FEWEST_ALIKE = 2  # around; stars of 2 x 2 pixels have three, lines four
KEPT = 3e-4  # share of the samples that are impulses and have, by chance, so many around them that they stay
LEAST = 1e-3  # share of the samples at each end; fewer are as rare as defective pixels
ALONE = 0.5  # without a neighbour at the same end, of what chance leaves alone, mean of both ends; pictures: up to 0.43
ROUNDS = 5  # of estimating the noise without those found
NEAR = 1e-4  # of the span between the ends: as good as at an end
TINY = 1e-12  # variance
BAND = 256  # rows that are looked at at a time


@dataclass(frozen=True)
class ImpulseRule:
    """What tells impulses.

    noise: without them; None: what the neighbours differ by
    ends: lowest and highest value of the frames
    most_alike: of the samples around, how many may be at the same end
    """

    noise: NoiseModel | None
    ends: tuple[float, float]
    most_alike: float = AROUND

    @property
    def between(self) -> tuple[float, float]:
        """Between these a sample is not at an end."""
        low, high = self.ends
        margin = NEAR * (high - low)  # the graph's normalisation rounds
        return low + margin, high - margin

    def corrected(self, frame: Pixels) -> tuple[Pixels, Marks]:
        """A frame whose impulses are the mean of those neighbours that are not at an end, and where they were.

        Shape:
            frame: (h, w) or (h, w, c), sensor units -> the same shape and dtype
        """
        return with_levels(frame, self._found)

    def _found(self, planes: Floats) -> tuple[Floats, Marks]:
        """The mean of each sample's neighbours that are not at an end, and whether it is an impulse."""
        low, high = self.between
        ends = planes <= low, planes >= high
        inside = (~(ends[0] | ends[1])).astype(np.float32)
        count = sum_around(inside, 1, "reflect")
        total = sum_around(inside * planes, 1, "reflect")
        if self.most_alike < AROUND:  # frames have some: ground at the other end counts where hardly any other is
            around = [sum_around(end.astype(np.float32), 1, "reflect") for end in ends]
            across = np.where(ends[1], around[0], around[1]) * (count < FEWEST_INSIDE)
            total, count = total + across * np.where(ends[1], low, high).astype(np.float32), count + across
        level = total / np.maximum(count, 1)
        if self.noise:
            slope, floor, least = self.noise.rising.astype(np.float32)
            variance = np.maximum(slope * level + floor, np.maximum(least, TINY))
        else:
            middle = np.float32(sum(self.ends) / 2)  # of the squares' rounding
            mean = level - middle
            variance = sum_around(inside * np.square(planes - middle), 1, "reflect") / np.maximum(count, 1) - mean**2
        alone = (inside < 0.5) & (count >= FEWEST_INSIDE)
        alone &= np.abs(planes - level) > BEYOND * np.sqrt(np.maximum(variance, TINY))
        if self.most_alike < AROUND:
            for end in ends:
                alone &= ~end | (sum_around(end.astype(np.float32), REACH, "constant") <= self.most_alike)
        return np.asarray(level, np.float32), alone


@dataclass(frozen=True)
class Impulses:
    """What was found in frames: the share of the samples, and what tells them in others.

    frames: without them, and without what looks like them: the noise is estimated and learnt of these
    """

    share: float
    frames: list[Pixels]
    rule: ImpulseRule

    def in_words(self) -> str:
        """How many there are."""
        return f"salt and pepper, {100 * self.share:.2g} % of the samples"


def with_levels(frame: Pixels, found: Callable[[Floats], tuple[Floats, Marks]]) -> tuple[Pixels, Marks]:
    """A frame, some of whose samples are replaced, and which those are; in bands of rows.

    Shape:
        frame: (h, w) or (h, w, c) -> the same shape and dtype
        found: (rows, w, c) float32 -> the levels to replace samples by, and where; it looks REACH rows beyond each
    """
    result, chosen = frame.copy(), np.zeros(frame.shape, bool)
    for first in range(0, len(frame), BAND):
        above = min(first, REACH)
        planes = np.atleast_3d(frame[first - above : first + BAND + REACH]).astype(np.float32)
        level, alone = (
            part[above : above + BAND].reshape(result[first : first + BAND].shape) for part in found(planes)
        )
        chosen[first : first + BAND] = alone
        result[first : first + BAND][alone] = np.rint(level[alone]) if is_whole(frame.dtype) else level[alone]
    return result, chosen


def find_impulses(frames: Sequence[Pixels], blanks: Sequence[Mask | None]) -> Impulses | None:
    """The impulse noise of a sensor's frames; None where there is none.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16, blank areas filled
        blanks: (h, w) of each, or None: where that is
    """
    ends = float(min(frame.min() for frame in frames)), float(max(frame.max() for frame in frames))
    size = sum(frame.size for frame in frames)
    if any(sum(int((frame == end).sum()) for frame in frames) < LEAST * size for end in ends):
        return None
    rule = ImpulseRule(None, ends)
    marks: list[Marks] = []
    for _ in range(ROUNDS + 1):
        found = [rule.corrected(frame) for frame in frames]
        before, marks = marks, [chosen for _, chosen in found]
        if before and all(map(np.array_equal, before, marks)):
            break  # the noise would be the same again
        rule = ImpulseRule(estimate_noise([fixed for fixed, _ in found], blanks), ends)
    shares = [_share(frames, marks, end) for end in ends]
    if min(shares) < LEAST:
        return None
    alone = [_alone(frames, marks, end) / (1 - share) ** 8 for end, share in zip(ends, shares, strict=True)]
    by_chance = [share * min(part, 1.0) for share, part in zip(shares, alone, strict=True)]  # the others are detail
    if sum(alone) < 2 * ALONE or min(by_chance) < LEAST:
        return None
    rule = replace(rule, most_alike=_most_alike(max(by_chance)))
    return Impulses(sum(by_chance), [rule.corrected(fixed)[0] for fixed, _ in found], rule)


def _share(frames: Sequence[Pixels], marks: Sequence[Marks], end: float) -> float:
    """Of all samples, those that are marked and at an end."""
    count = sum(int(((frame == end) & chosen).sum()) for frame, chosen in zip(frames, marks, strict=True))
    return count / sum(frame.size for frame in frames)


def _alone(frames: Sequence[Pixels], marks: Sequence[Marks], end: float) -> float:
    """Of the samples that are marked and at an end, the share without a neighbour at the same end."""
    pairs = [(np.atleast_3d(frame == end), np.atleast_3d(chosen)) for frame, chosen in zip(frames, marks, strict=True)]
    around = [sum_around(at_end.astype(np.float32), 1, "reflect")[at_end & chosen] for at_end, chosen in pairs]
    return float((np.concatenate(around) < 0.5).mean())


def _most_alike(share: float) -> int:
    """How many of the samples around may be at the same end, if a share is there by chance."""
    chances = [math.comb(AROUND, k) * share**k * (1 - share) ** (AROUND - k) for k in range(AROUND + 1)]
    most = FEWEST_ALIKE
    while 2 * share * sum(chances[most + 1 :]) > KEPT:
        most += 1
    return most


def sum_around(planes: npt.NDArray[Real], reach: int, border: str) -> npt.NDArray[Real]:
    """The sum of the samples around each, without its own. Shape: (h, w, c) -> the same."""
    height, width = planes.shape[:2]
    padded = np.pad(planes, ((reach, reach), (reach, reach), (0, 0)), mode=border)  # type: ignore[call-overload]
    rows = sum(padded[:, place : place + width] for place in range(2 * reach + 1))
    return np.asarray(sum(rows[place : place + height] for place in range(2 * reach + 1)) - planes)
