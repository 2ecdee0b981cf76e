"""Defective pixels: hot and dead ones, which stand alone far out of the noise. They are found; replaced, if asked for.

A denoiser takes them for stars. A pixel counts as defective if it is beyond all of its eight neighbours by far more
than the noise and than they differ among themselves, and if the nearest four have no larger share of it than the other
four: light, which optics spread over several pixels, is no such thing. Points of light sharper than the pixels, single
photons above read noise and dotted lines look the same, so nothing is replaced unless the caller says so.

How many are found, and how many are not defective: docs/results/frames.md#defective-pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from zsn2m_deploy.noise.pixel_correction import PixelCorrection, bordered
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Mask, Pixels

BEYOND = 7.0  # deviations of the noise to the nearest of the neighbours' values
BEYOND_PHOTONS = 4.0  # and so many photons: few of them have more than a normal distribution's extremes
BEYOND_RANGE = 2.0  # times the range of the neighbours' values
SPREAD = 0.1  # of the excess: what the nearest four may have above the other four, or below
SPREAD_NOISE = 1.5  # and so many deviations of the noise
FEWEST = 6  # samples found
FEWEST_SHARE = 2e-5  # and of all samples
MANY = 1e-3  # share: cameras have fewer; heavy tails have more, and some of that stays (heavy-tails.md)
MOST_SHARE = 0.05  # so many are texture, or photons one by one
ROUNDS = 4  # of looking again, without those found and with the noise estimated anew
NEGLIGIBLE = 1e-3  # deviation of the values in use; noise counts as at least so much
FLAT = 0.5  # share of neighbours with the same value: more, and samples are events, or clipped, and have no noise
ROUNDING = 1 / 12  # variance that whole numbers add, and so much


class DefectCorrection(PixelCorrection):
    """Replaces defective pixels by the mean of their neighbours, without the brightest and the darkest.

    Shape:
        forward: (n, c, h, w) in the noise model's units -> the same; others stay as they are
    Args:
        noise: None: to be loaded
        least: variance that the noise counts as at least
    """

    def __init__(self, channels: int, noise: NoiseModel | None = None, least: float = 0.0) -> None:
        super().__init__()
        line = np.zeros((3, channels)) if noise is None else noise.rising
        slope, floor, lowest = torch.from_numpy(line).float().view(3, channels, 1, 1)
        self.slope, self.floor, self.least = nn.Buffer(slope), nn.Buffer(floor), nn.Buffer(lowest.clamp_min(least))
        self.beyond, self.beyond_photons, self.beyond_range = BEYOND, BEYOND_PHOTONS, BEYOND_RANGE
        self.spread, self.spread_noise = SPREAD, SPREAD_NOISE

    def found(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """The level of each pixel's neighbours, and whether it is defective; both (n, c, h, w)."""
        around = bordered(noisy)
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

    def rescaled(self, offset: float, scale: float) -> DefectCorrection:
        """The same for frames that are (x - offset) / scale."""
        made = DefectCorrection(len(self.slope))
        made.slope.copy_(self.slope / scale)
        made.floor.copy_((self.floor + self.slope * offset) / scale**2)
        made.least.copy_(self.least / scale**2)
        return made


@dataclass(frozen=True)
class Defects:
    """What was found in frames: the share of the samples, the frames without them, their noise, and what found them."""

    share: float
    frames: list[Pixels]
    noise: NoiseModel
    correction: DefectCorrection


def find_defects(
    frames: Sequence[Pixels], noise: NoiseModel, blanks: Sequence[Mask | None] | None = None
) -> Defects | None:
    """The defective pixels of a sensor's frames; None where there are none, or where they cannot be told from others.

    The latter is so where noise is negligible, or photons come one by one.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16, blank areas filled
        blanks: (h, w) of each, or None: where that is; None: nowhere
    """
    blanks = blanks or [None] * len(frames)
    least = _least_variance(frames)
    flat = np.mean([_flat(frame, blank) for frame, blank in zip(frames, blanks, strict=True)])
    if noise.sigma(frames) ** 2 <= least or flat > FLAT:
        return None
    made, total, correction = list(frames), 0, DefectCorrection(noise.channels, _all_loud(noise), least)
    for _ in range(ROUNDS):
        found = [correction.corrected(frame) for frame in made]
        count = sum(count for _, count in found)
        if not count:
            break
        total += count
        made = [frame for frame, _ in found]
        noise = estimate_noise(made, blanks)
        correction = DefectCorrection(noise.channels, _all_loud(noise), least)
    share = total / sum(frame.size for frame in frames)
    enough = total >= FEWEST and FEWEST_SHARE <= share <= MOST_SHARE
    return Defects(share, made, noise, correction) if enough else None


def find_defects_of_groups(
    frames: Sequence[Pixels],
    groups: Sequence[Sequence[int]],
    noises: Sequence[NoiseModel],
    blanks: Sequence[Mask | None] | None = None,
) -> tuple[Defects | None, list[NoiseModel]]:
    """The defective pixels of frames of different noise, each by its own; and the noise of each group without them.

    They are corrected as in the group with the strongest noise: a network is not told which group a frame is of.

    Args:
        groups: indices of the frames, with the noise of each
        blanks: (h, w) of each frame, or None: where it is filled; None: nowhere
    """
    parts = [([frames[index] for index in group], noise) for group, noise in zip(groups, noises, strict=True)]
    known = blanks or [None] * len(frames)
    hidden = [[known[index] for index in group] for group in groups]
    found = [find_defects(*part, its) for part, its in zip(parts, hidden, strict=True)]
    if not any(found):
        return None, list(noises)
    made, count, corrections, left = list(frames), 0.0, [], []
    for group, (of_group, noise), defects in zip(groups, parts, found, strict=True):
        if defects:
            count += defects.share * sum(frame.size for frame in of_group)
            for index, frame in zip(group, defects.frames, strict=True):
                made[index] = frame
        left.append(defects.noise if defects else noise)
        usual = DefectCorrection(noise.channels, _all_loud(noise), _least_variance(of_group))
        corrections.append(defects.correction if defects else usual)
    share = count / sum(frame.size for frame in frames)
    return Defects(share, made, left[0], _strongest(corrections)), left


def _all_loud(noise: NoiseModel) -> NoiseModel:
    """A model whose quiet channels have the noise of a loud one, for fine detail stands far out of hardly any noise."""
    loudest = int(noise.loud.argmax())
    slope, floor = (np.where(noise.loud, part, part[loudest]) for part in (noise.slope, noise.floor))
    return replace(noise, slope=slope, floor=floor)


def _flat(frame: Pixels, blank: Mask | None) -> float:
    """Share of the samples that are as the one before."""
    same = frame[:, 1:] == frame[:, :-1]
    return float(np.mean(same if blank is None else same[~(blank[:, 1:] | blank[:, :-1])]))


def defects_in_words(found: Defects | None, asked: bool, regular: bool = False) -> list[str]:
    """What to warn of.

    Args:
        asked: whether they are to be replaced
        regular: whether the frames have regular detail, whose dots may stand alone as well
    """
    if asked and not found:
        none = "expected hot or dead pixels to replace, but found none; the bundle replaces none in other frames either"
        return [none]
    if asked and found and found.share >= MANY:
        return [
            f"{100 * found.share:.2g} % of the samples were replaced, which is much for hot and dead pixels; if it is "
            f"noise with heavy tails, some of it stays: compare with a training without --correct-defects, which "
            f"learns it"
        ]
    if asked or regular or not found:
        return []
    return [
        f"{100 * found.share:.2g} % of the samples stand alone far out of the noise, as hot and dead pixels do, and "
        f"are kept; if they are such pixels, train with --correct-defects, which replaces them"
    ]


def _least_variance(frames: Sequence[Pixels]) -> float:
    """What noise counts as at least, sensor units squared: less is rounding, or nothing beside the values in use."""
    low, high = value_span(frames)
    rounding = ROUNDING if np.issubdtype(frames[0].dtype, np.integer) else 0.0
    return max(rounding, (NEGLIGIBLE * (high - low)) ** 2)


def _strongest(corrections: Sequence[DefectCorrection]) -> DefectCorrection:
    """One that replaces no more than any of them."""
    made = DefectCorrection(len(corrections[0].slope))
    for name in ("slope", "floor", "least"):
        getattr(made, name).copy_(torch.stack([getattr(one, name) for one in corrections]).amax(dim=0))
    return made


def _row_top(rows: Tensor) -> Tensor:
    """The highest of each three side by side. Shape: (n, c, h, w + 2) -> (n, c, h, w)."""
    return max_pool2d(rows, (1, 3), stride=1)
