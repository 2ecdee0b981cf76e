"""Impulse noise, salt and pepper: single samples at the frames' lowest and highest value, far from their neighbours.

They tell nothing of the picture, and no network was taught them. A sample counts as one if it is at an end, at least
half of its neighbours are not, and their mean is far from it. Frames count as having them if both ends do, and if they
are as independent of each other as chance makes them: lines and texts in black and white are not.

How many are found, and what replacing them is worth: docs/decisions/impulses.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from zsn2m_deploy.noise.pixel_correction import PixelCorrection, bordered, rising
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Mask, Pixels

BEYOND = 4.0  # deviations of the noise from the mean of the neighbours that are not at an end
FEWEST_INSIDE = 4  # of the eight neighbours
LEAST = 1e-3  # share of the samples at each end; fewer are as rare as defective pixels
ALIKE = 2.0, 0.5  # neighbours at the same end: at most so many times what chance makes, and so many more
ROUNDS = 5  # of estimating the noise without those found
NEAR = 1e-4  # of the span between the ends: as good as at an end
TINY = 1e-12  # variance


class ImpulseCorrection(PixelCorrection):
    """Replaces impulses by the mean of those neighbours that are not at an end.

    Shape:
        forward: (n, c, h, w) in the noise model's units -> the same; others stay as they are
    Args:
        noise: without the impulses; None: to be loaded
        ends: lowest and highest value of the frames
    """

    def __init__(self, channels: int, noise: NoiseModel | None = None, ends: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__()
        line = np.zeros((3, channels)) if noise is None else rising(noise)
        slope, floor, least = torch.from_numpy(line).float().view(3, channels, 1, 1)
        self.slope, self.floor, self.least = nn.Buffer(slope), nn.Buffer(floor), nn.Buffer(least.clamp_min(TINY))
        low, high = ends
        margin = NEAR * (high - low)  # the graph's normalisation rounds
        self.low, self.high = nn.Buffer(torch.tensor(low + margin)), nn.Buffer(torch.tensor(high - margin))
        self.beyond, self.fewest_inside = BEYOND, float(FEWEST_INSIDE)

    def found(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """The mean of each pixel's neighbours that are not at an end, and whether it is an impulse; both as noisy."""
        inside = ((noisy > self.low) & (noisy < self.high)).to(noisy.dtype)
        count = _neighbours(inside)
        level = _neighbours(inside * noisy) / count.clamp_min(1.0)
        sigma = (self.slope * level + self.floor).maximum(self.least).sqrt()
        alone = (inside < 0.5) & (count >= self.fewest_inside) & ((noisy - level).abs() > self.beyond * sigma)
        return level, alone

    def rescaled(self, offset: float, scale: float) -> ImpulseCorrection:
        """The same for frames that are (x - offset) / scale."""
        made = ImpulseCorrection(len(self.slope))
        made.slope.copy_(self.slope / scale)
        made.floor.copy_((self.floor + self.slope * offset) / scale**2)
        made.least.copy_(self.least / scale**2)
        made.low.copy_((self.low - offset) / scale)
        made.high.copy_((self.high - offset) / scale)
        return made


@dataclass(frozen=True)
class Impulses:
    """What was found in frames: the share of the samples, the frames without them, and what replaces them."""

    share: float
    frames: list[Pixels]
    correction: ImpulseCorrection


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
    channels = 1 if frames[0].ndim == 2 else frames[0].shape[2]
    made = list(frames)
    for _ in range(ROUNDS):
        correction = ImpulseCorrection(channels, estimate_noise(made, blanks), ends)
        made = [correction.corrected(frame)[0] for frame in frames]
    for end in ends:
        found = [(frame == end) & (frame != fixed) for frame, fixed in zip(frames, made, strict=True)]
        count = sum(int(one.sum()) for one in found)
        if count < LEAST * size or _alike(frames, found, end) > ALIKE[0] * 8 * count / size + ALIKE[1]:
            return None
    share = sum(int((frame != fixed).sum()) for frame, fixed in zip(frames, made, strict=True)) / size
    return Impulses(share, made, correction)


def _alike(frames: Sequence[Pixels], found: Sequence[np.ndarray], end: float) -> float:
    """Of the samples found at an end, how many neighbours are at the same end, on average."""
    total = 0.0
    for frame, chosen in zip(frames, found, strict=True):
        planes = torch.from_numpy(np.atleast_3d(frame == end)).movedim(2, 0)[None].float()
        total += float(_neighbours(planes)[0].movedim(0, 2)[torch.from_numpy(np.atleast_3d(chosen))].sum())
    return total / sum(int(chosen.sum()) for chosen in found)


def _neighbours(planes: Tensor) -> Tensor:
    """The sum of each pixel's eight neighbours. Shape: (n, c, h, w) -> the same."""
    rows = bordered(planes)
    rows = rows[:, :, :, :-2] + rows[:, :, :, 1:-1] + rows[:, :, :, 2:]
    return rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] - planes
