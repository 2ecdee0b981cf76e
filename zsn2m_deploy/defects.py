"""Defective pixels: hot and dead ones, which stand alone far out of the noise. They are found, and replaced.

A denoiser takes them for stars. A pixel is defective if it is beyond all of its eight neighbours by far more than the
noise and than they differ among themselves, and if the nearest four have no larger share of it than the other four:
light, which optics spread over several pixels, is no such thing. What is found in the training frames says whether a
sensor has any; then its network replaces them in every frame, wherever they are.

How many are found, and how many are not defective: benchmarks/RESULTS.md, "Defective pixels".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad

from zsn2m_runtime.image import Pixels
from zsn2m_runtime.noise_model import NoiseModel

BEYOND = 7.0  # deviations of the noise to the nearest of the neighbours' values
BEYOND_PHOTONS = 4.0  # and so many photons: few of them have more than a normal distribution's extremes
BEYOND_RANGE = 2.0  # times the range of the neighbours' values
SPREAD = 0.1  # of the excess: what the nearest four may have above the other four, or below
SPREAD_NOISE = 1.5  # and so many deviations of the noise
FEWEST = 6  # samples found
FEWEST_SHARE = 2e-5  # and of all samples; textures have less, benchmarks/RESULTS.md
BAND = 256  # rows that are looked at at a time


class DefectCorrection(nn.Module):
    """Replaces defective pixels by the mean of their neighbours, without the brightest and the darkest.

    Shape:
        forward: (n, c, h, w) in the noise model's units, h and w at least 2 -> the same; others stay as they are
    Args:
        noise: None: to be loaded
    """

    def __init__(self, channels: int, noise: NoiseModel | None = None) -> None:
        super().__init__()
        line = np.zeros((3, channels)) if noise is None else _rising(noise)
        slope, floor, least = torch.from_numpy(line).float().view(3, channels, 1, 1)
        self.slope, self.floor, self.least = nn.Buffer(slope), nn.Buffer(floor), nn.Buffer(least)
        self.beyond, self.beyond_photons, self.beyond_range = BEYOND, BEYOND_PHOTONS, BEYOND_RANGE
        self.spread, self.spread_noise = SPREAD, SPREAD_NOISE

    def forward(self, noisy: Tensor) -> Tensor:
        """Correct frames."""
        level, alone = self.found(noisy)
        return noisy + alone.to(noisy.dtype) * (level - noisy)

    def found(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """The level of each pixel's neighbours, and whether it is defective; both (n, c, h, w)."""
        around = pad(noisy, [1, 1, 1, 1], mode="reflect")
        above, below = around[:, :, :-2], around[:, :, 2:]
        left, right = around[:, :, 1:-1, :-2], around[:, :, 1:-1, 2:]
        top = torch.maximum(_row_top(above), _row_top(below)).maximum(left).maximum(right)
        bottom = -torch.maximum(_row_top(-above), _row_top(-below)).maximum(-left).maximum(-right)
        nearest = above[:, :, :, 1:-1] + below[:, :, :, 1:-1] + left + right
        corners = above[:, :, :, :-2] + above[:, :, :, 2:] + below[:, :, :, :-2] + below[:, :, :, 2:]
        level = (nearest + corners - top - bottom) / 6
        sigma = (self.slope * level + self.floor).maximum(self.least).sqrt()
        margin = (self.beyond * sigma).maximum(self.beyond_range * (top - bottom)) + self.beyond_photons * self.slope
        beyond = (noisy - top).maximum(bottom - noisy)
        spread = (nearest - corners).abs() / 4
        narrow = spread <= self.spread * (noisy - level).abs() + self.spread_noise * sigma
        return level, (beyond > margin) & narrow

    @torch.no_grad()
    def corrected(self, frame: Pixels) -> tuple[Pixels, int]:
        """A frame without its defective pixels, and how many samples they were.

        Shape:
            frame: (h, w) or (h, w, c), in the noise model's units -> the same shape and dtype
        """
        whole = np.issubdtype(frame.dtype, np.integer)
        result, count, height = frame.copy(), 0, frame.shape[0]
        for first in range(0, height, BAND):
            rows = slice(max(0, first - 1), min(height, first + BAND + 1))
            planes = torch.from_numpy(np.atleast_3d(frame[rows]).astype(np.float32)).movedim(2, 0)[None]
            level, alone = (part[0].movedim(0, 2).numpy() for part in self.found(planes))
            inner = slice(first - rows.start, first - rows.start + min(BAND, height - first))
            chosen = alone[inner].reshape(result[first : first + BAND].shape)
            value = level[inner].reshape(chosen.shape)[chosen]
            result[first : first + BAND][chosen] = np.rint(value) if whole else value
            count += int(chosen.sum())
        return result, count


@dataclass(frozen=True)
class Corrected:
    """Frames without their defective pixels, what was found in them, and by what."""

    frames: list[Pixels]
    share: float  # of the samples
    correction: DefectCorrection


def correct_defects(frames: Sequence[Pixels], noise: NoiseModel) -> Corrected | None:
    """Frames of a sensor without its defective pixels; None if it has none, or if its noise is correlated.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16
    """
    if noise.correlated:
        return None
    correction = DefectCorrection(noise.channels, noise)
    made, counts = zip(*(correction.corrected(frame) for frame in frames), strict=True)
    share = sum(counts) / sum(frame.size for frame in frames)
    if sum(counts) < FEWEST or share < FEWEST_SHARE:
        return None
    return Corrected(list(made), share, correction)


def _rising(noise: NoiseModel) -> np.ndarray:
    """Slope, floor and least variance, (3, c), of a line that does not fall: one that would stays at its highest."""
    falls = noise.slope < 0
    highest = noise.variance(np.full((1, noise.channels), noise.span[0]))[0] if falls.any() else noise.floor
    return np.stack([np.where(falls, 0, noise.slope), np.where(falls, highest, noise.floor), noise.least])


def _row_top(rows: Tensor) -> Tensor:
    """The highest of each three side by side. Shape: (n, c, h, w + 2) -> (n, c, h, w)."""
    return max_pool2d(rows, (1, 3), stride=1)
