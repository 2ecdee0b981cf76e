"""Follows the gain of a camera: how strong the noise of a stream's frames is beside that of the training frames.

Measured on the change of a frame from the result before it, moved: what is left of that in small diagonal detail, in
the calmer tiles, is noise alone. Texture that both have cancels, as do the offsets of rows and columns.

Source of the constants: measured, docs/decisions/gain.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.motion import Flow
from zsn2m_runtime.noise.clipping import Ends
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.tiles import TILE, are_whole, tiles

QUARTILE = -0.6745  # of a normal distribution: the tiles with less change than three quarters of them have noise alone
LIKE_TRAINING = (0.85, 1.18)  # strengths that count as 1: within the errors of the estimate
SUDDEN = 1.2  # times the strength so far: taken over at once, other changes
SLOW = 0.2  # by so much a frame
MOST = 16.0  # times stronger or weaker that a frame counts as; VideoNet has seen 4 in training
SHARED = 0.2  # difference of the correlation of neighbours, as of groups of training frames
FEWEST = 0.1  # share of tiles that must be left, or what all say is the least
LEAST_SHARED = 0.05  # of the noise's variance that is in diagonal detail: less is left of strongly correlated noise


@dataclass(frozen=True)
class Kind:
    """One of the noises that a bundle was trained on, as diagonal detail has it."""

    line: NoiseModel
    share: float

    @classmethod
    def of(cls, noise: NoiseRecord) -> Kind:
        """Of a manifest's noise."""
        beside, below = noise.neighbours
        power = noise.tails.power if noise.tails else 1.0
        share = max((1 - beside) * (1 - below), LEAST_SHARED) * max(power, 1.0)
        return cls(NoiseModel.line_of(noise), share)

    def power(self, level: Doubles) -> Doubles:
        """Of the noise's diagonal detail. Shape: (n, c) -> (n, c)."""
        return np.asarray(self.line.variance(level) * self.share)


class Gain:
    """The strength of the noise, frame by frame.

    Args:
        noises: that the bundle was trained on
        ends: at which samples are clipped; None: they are not
    Attributes:
        strength: standard deviation of the noise over that of the first of them, for the next frame
    """

    def __init__(self, noises: Several[NoiseRecord], ends: Ends = (None, None)) -> None:
        self._ends = ends
        self._kinds = [Kind.of(noise) for noise in noises]
        self._found = self.strength = 1.0

    def start(self, noisy: Nchw) -> None:
        """Take the noise that was trained on and is nearest to a frame's, of which nothing is before, or after a cut.

        Of one noise it is that of the frames before, as far as the frame's own detail allows, and at least 1.

        What of the frame's own detail is in its calmer tiles counts as noise.

        Shape:
            noisy: (1, c, h, w), sensor units
        """
        if min(noisy.shape[2:]) < TILE:
            return
        own = tiles(noisy)
        level, power = _level_and_power(own, own)
        measured = self._measured(level, power)
        if len(self._kinds) > 1:
            self._found = _nearest(self._strengths(level), measured)
        else:  # no stronger than the frame can have it, and no weaker than trained on
            self._found = max(min(self._found, measured), 1.0)
        self.strength = self._found

    def update(self, before: Nchw, noisy: Nchw, flow: Flow) -> None:
        """Take in one more frame.

        Args:
            flow: where the content of the frame was in the result before
        Shape:
            before, noisy: (1, c, h, w), sensor units: the result before, and the frame
        """
        if min(noisy.shape[2:]) < TILE:
            return
        own, moved = tiles(noisy), tiles(before, flow)
        level, power = _level_and_power(moved, own - moved)
        sound = are_whole(own, self._ends)
        if sound.mean() >= FEWEST:
            measured = self._measured(level[sound], power[sound])
        else:  # clipping takes noise away
            measured = max(self._found, self._measured(level, power))
        change = measured / self._found
        sudden = not 1 / SUDDEN < change < SUDDEN
        self._found = measured if sudden else self._found * change**SLOW
        low, high = LIKE_TRAINING
        alike = [one for one in self._strengths(level) if low < self._found / one < high]
        self.strength = _nearest(alike, self._found) if alike else self._found

    def _measured(self, level: Doubles, power: Doubles) -> float:
        found = math.sqrt(_quartile(power / self._kinds[0].power(level), level.shape[1]))
        return min(max(found, 1 / MOST), MOST)

    def _strengths(self, level: Doubles) -> list[float]:
        """Of each noise that was trained on; of the first 1."""
        first = self._kinds[0].line.variance(level).mean()
        return [1.0, *(float(np.sqrt(kind.line.variance(level).mean() / first)) for kind in self._kinds[1:])]


def _nearest(strengths: Several[float], found: float) -> float:
    """That whose ratio to a strength is nearest to 1."""
    return min(strengths, key=lambda one: abs(math.log(one / found)))


def differ_in_strength(noises: Several[NoiseRecord]) -> bool:
    """Whether noises are one but for their strength, within what counts as the same strength."""
    first, (low, high) = noises[0], LIKE_TRAINING
    return all(
        _unevenness(noise, first) < high / low
        and np.abs(np.subtract(noise.neighbours, first.neighbours)).max() < SHARED
        and (noise.jpeg is None, noise.tails is None) == (first.jpeg is None, first.tails is None)
        for noise in noises[1:]
    )


def _unevenness(noise: NoiseRecord, first: NoiseRecord) -> float:
    """How much the ratio of two deviations differs between the ends of the brightness that one was measured at."""
    if noise.span is None:
        return 1.0
    levels = np.repeat(np.reshape(noise.span, (2, 1)), len(noise.slope), axis=1)
    ratios = [NoiseModel.line_of(one).variance(levels).mean(axis=1) for one in (noise, first)]
    of_ends = ratios[0] / ratios[1]
    return float(np.sqrt(of_ends.max() / of_ends.min()))


def _level_and_power(own: Nchw, rest: Nchw) -> tuple[Doubles, Doubles]:
    """Level of tiles, and power of the diagonal detail of what is left of them, each (n, c)."""
    detail = (rest[..., ::2, ::2] - rest[..., 1::2, ::2] - rest[..., ::2, 1::2] + rest[..., 1::2, 1::2]) / 2
    return own.mean(axis=(2, 3), dtype=np.float64), np.square(detail, dtype=np.float64).mean(axis=(2, 3))


def _quartile(ratios: Doubles, channels: int) -> float:
    """Mean of the channels' ratios in tiles of noise alone, by the lower quartile of all tiles.

    Source of what the quartile of noise alone is: Wilson and Hilferty, PNAS 1931, for chi squared.
    """
    freedom = channels * TILE**2 / 4
    spread = 2 / (9 * freedom)
    return float(np.quantile(ratios.mean(axis=1), 0.25)) / (1 - spread + QUARTILE * math.sqrt(spread)) ** 3
