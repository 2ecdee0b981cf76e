"""Replaces salt and pepper inside the exported graph: `zsn2m_runtime.noise.impulses` in torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from zsn2m_deploy.noise.pixel_correction import PixelCorrection, bordered
from zsn2m_runtime.noise.impulses import BEYOND, FEWEST_INSIDE, REACH, TINY, ImpulseRule
from zsn2m_runtime.noise_record import ImpulseNoise


class ImpulseCorrection(PixelCorrection):
    """Replaces impulses by the mean of those neighbours that are not at an end.

    Shape:
        forward: (n, c, h, w) in the noise model's units -> the same; others stay as they are
    Args:
        rule: with a noise model; None: to be loaded
    """

    def __init__(self, channels: int, rule: ImpulseRule | None = None) -> None:
        super().__init__()
        line = rule.noise.rising if rule and rule.noise else np.zeros((3, channels))
        slope, floor, least = torch.from_numpy(line).float().view(3, channels, 1, 1)
        self.slope, self.floor, self.least = nn.Buffer(slope), nn.Buffer(floor), nn.Buffer(least.clamp_min(TINY))
        low, high = rule.between if rule else (0.0, 0.0)
        self.low, self.high = nn.Buffer(torch.tensor(low)), nn.Buffer(torch.tensor(high))
        self.most_alike = nn.Buffer(torch.tensor(float(rule.most_alike) if rule else 0.0))
        self.beyond, self.fewest_inside, self.reach = BEYOND, float(FEWEST_INSIDE), REACH

    def found(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """The mean of each pixel's neighbours that are not at an end, and whether it is an impulse; both as noisy."""
        inside = ((noisy > self.low) & (noisy < self.high)).to(noisy.dtype)
        seen, none = inside * noisy, 0 * noisy  # so that a NaN shows as far as samples are counted
        bottom = (noisy <= self.low).to(noisy.dtype) + none
        top = (noisy >= self.high).to(noisy.dtype) + none
        count, total, dark, bright = (_around(bordered(part), 1) - part for part in (inside, seen, bottom, top))
        across = (top * dark + (1 - top) * bright) * (count < self.fewest_inside).to(noisy.dtype)  # as in the rule
        count, total = count + across, total + across * (top * self.low + (1 - top) * self.high)
        level = total / count.clamp_min(1.0)
        sigma = (self.slope * level + self.floor).maximum(self.least).sqrt()
        alike = bottom * self.counted(bottom) + top * self.counted(top)
        alone = (inside < 0.5) & (count >= self.fewest_inside) & ((noisy - level).abs() > self.beyond * sigma)
        return level + 0 * alike, alone & (alike <= self.most_alike)

    def counted(self, marks: Tensor) -> Tensor:
        """How many of the pixels around each are marked. Shape: (n, c, h, w) -> the same."""
        reach = self.reach
        return _around(pad(marks, (reach, reach, reach, reach)), reach) - marks

    def record(self) -> ImpulseNoise:
        """What a manifest keeps of it."""
        slope, floor = (tuple(part.flatten().tolist()) for part in (self.slope, self.floor))
        low, high, most = (float(part) for part in (self.low, self.high, self.most_alike))
        return ImpulseNoise(low=low, high=high, slope=slope, floor=floor, most_alike=most)

    def rescaled(self, offset: float, scale: float) -> ImpulseCorrection:
        """The same for frames that are (x - offset) / scale."""
        made = ImpulseCorrection(len(self.slope))
        made.slope.copy_(self.slope / scale)
        made.floor.copy_((self.floor + self.slope * offset) / scale**2)
        made.least.copy_(self.least / scale**2)
        made.low.copy_((self.low - offset) / scale)
        made.high.copy_((self.high - offset) / scale)
        made.most_alike.copy_(self.most_alike)
        return made


def _around(planes: Tensor, reach: int) -> Tensor:
    """The sum of each window. Shape: (n, c, h + 2 reach, w + 2 reach) -> (n, c, h, w)."""
    height, width = planes.shape[2] - 2 * reach, planes.shape[3] - 2 * reach
    rows = planes[:, :, :, :width]
    for place in range(1, 2 * reach + 1):
        rows = rows + planes[:, :, :, place : place + width]
    total = rows[:, :, :height]
    for place in range(1, 2 * reach + 1):
        total = total + rows[:, :, place : place + height]
    return total
