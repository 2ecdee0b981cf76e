"""Follows the gain of a camera: how strong the noise of a stream's frames is beside that of the training frames.

Measured on the change of a frame from the result before it, moved: what is left of that in small diagonal detail, in
the calmer tiles, is noise alone. Texture that both have cancels, as do the offsets of rows and columns. Places where
the result before shows something else, and motion has put the frame, say nothing.

Source of the constants: measured, docs/decisions/gain.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.sequence import Motion, Recurrent, Sequence

TILE = 16  # pixels
MOST_TILES = 400  # of a frame that are looked at, evenly spaced: 2 ms at any size
QUARTILE = -0.6745  # of a normal distribution: the tiles with less change than three quarters of them have noise alone
LIKE_TRAINING = (0.85, 1.18)  # strengths that count as 1: within the errors of the estimate
SUDDEN = 1.2  # times the strength so far: taken over at once, other changes
SLOW = 0.2  # by so much a frame
MOST = 16.0  # times stronger or weaker that a frame counts as; VideoNet has seen 4 in training
LEAST_SHARED = 0.05  # of the noise's variance that is in diagonal detail: less is left of strongly correlated noise


class Gain:
    """The strength of the noise, frame by frame.

    Args:
        noise: that the bundle was trained on
    Attributes:
        strength: standard deviation of the noise over that of the training frames, for the next frame
    """

    def __init__(self, noise: NoiseRecord) -> None:
        self._line = NoiseModel.line_of(noise)
        beside, below = noise.neighbours
        power = noise.tails.power if noise.tails else 1.0
        self._share = max((1 - beside) * (1 - below), LEAST_SHARED) * max(power, 1.0)
        self._found = self.strength = 1.0

    def following(self, motion: Motion | None) -> Motion:
        """The same motion, which measures the strength of each frame on its way."""

        def follow(previous: Nchw, noisy: Nchw) -> Nchw | None:
            there = motion(previous, noisy) if motion else previous
            if there is not None:
                self.see(there, noisy)
            return there

        return follow

    def see(self, before: Nchw, noisy: Nchw) -> None:
        """Take in one more frame.

        Shape:
            before, noisy: (1, c, h, w), sensor units: the result before, where its content is now, and the frame
        """
        if min(noisy.shape[2:]) < TILE:
            return
        level, power = _tiles(before, noisy)
        if not len(level):
            return
        measured = math.sqrt(_quartile(power / self._expected(level), noisy.shape[1]))
        measured = min(max(measured, 1 / MOST), MOST)
        change = measured / self._found
        sudden = not 1 / SUDDEN < change < SUDDEN
        self._found = measured if sudden else self._found * change**SLOW
        low, high = LIKE_TRAINING
        self.strength = 1.0 if low < self._found < high else self._found

    def _expected(self, level: Doubles) -> Doubles:
        return np.asarray(self._line.variance(level) * self._share)


def in_order(denoiser: Recurrent, motion: Motion) -> Callable[[Frame, str], Frame]:
    """Denoises the frames of one scene in order, each by its name in messages; the strength follows their noise."""
    gain = Gain(denoiser.noise) if denoiser.noise and denoiser.card.strength else None
    sequence = Sequence(denoiser, gain.following(motion) if gain else motion)
    return lambda frame, name: sequence(frame, gain.strength if gain else 1.0, name)


def _tiles(before: Nchw, noisy: Nchw) -> tuple[Doubles, Doubles]:
    """Level, and power of the diagonal detail of the change, of each tile; shape: each (n, c).

    Tiles in which the frame stands for the result before, in some place, are left out.
    """
    channels, height, width = noisy.shape[1:]
    rows, columns = height // TILE, width // TILE
    step = max(1, math.ceil(math.sqrt(rows * columns / MOST_TILES)))

    def chosen(planes: Nchw) -> Nchw:
        inside = planes[0, :, : rows * TILE, : columns * TILE].reshape(channels, rows, TILE, columns, TILE)
        return inside[:, ::step, :, ::step].transpose(1, 3, 0, 2, 4).reshape(-1, channels, TILE, TILE)

    tiles = chosen(before)
    rest = chosen(noisy) - tiles
    whole = np.all(np.any(rest, axis=1), axis=(1, 2))
    tiles, rest = tiles[whole], rest[whole]
    detail = (rest[..., ::2, ::2] - rest[..., 1::2, ::2] - rest[..., ::2, 1::2] + rest[..., 1::2, 1::2]) / 2
    return tiles.mean(axis=(2, 3), dtype=np.float64), np.square(detail).mean(axis=(2, 3), dtype=np.float64)


def _quartile(ratios: Doubles, channels: int) -> float:
    """Mean of the channels' ratios in tiles of noise alone, by the lower quartile of all tiles.

    Source of what the quartile of noise alone is: Wilson and Hilferty, PNAS 1931, for chi squared.
    """
    freedom = channels * TILE**2 / 4
    spread = 2 / (9 * freedom)
    return float(np.quantile(ratios.mean(axis=1), 0.25)) / (1 - spread + QUARTILE * math.sqrt(spread)) ** 3
