"""Removes noise that whole rows, or columns, share, inside the exported graph: `zsn2m_runtime.noise.rows` in torch."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from zsn2m_runtime.noise.rows import BLOCK, FEW, PLAUSIBLE, ROUNDS, TO_END, WIDE, step_scales, step_weights
from zsn2m_runtime.noise_record import RowNoise


class RowCorrection(nn.Module):
    """Takes each row's (or column's) offset away, but not from clipped samples; the mean of the frame stays.

    Shape:
        forward: (n, c, h, w), (x - offset) / scale of the noise's units -> the same
    """

    def __init__(self, noise: RowNoise, offset: float, scale: float) -> None:
        super().__init__()
        low, high = noise.ends or (-math.inf, math.inf)
        self.clips = noise.ends is not None
        self.low, self.high = (low + TO_END - offset) / scale, (high - TO_END - offset) / scale
        wide, narrow = step_scales(np.array(noise.pixel_sigma), noise.sigma)
        self.wide = nn.Buffer(torch.from_numpy(scale * wide).float().view(-1, 1, 1))
        self.narrow = nn.Buffer(torch.from_numpy(scale / WIDE * narrow).float().view(-1, 1, 1))
        weights = step_weights(noise.memory)
        self.weights = nn.Buffer(torch.from_numpy(weights * len(weights)))  # of a mean over the steps
        self.columns = noise.axis == "columns"
        self.block, self.rounds, self.plausible, self.few = BLOCK, ROUNDS, PLAUSIBLE, FEW

    def forward(self, noisy: Tensor) -> Tensor:
        """Correct frames."""
        lines = noisy.transpose(2, 3) if self.columns else noisy
        offsets = self.offsets(lines)
        if self.clips:  # not `where`: what is read must show, to be measured
            offsets = offsets * ((lines > self.low) & (lines < self.high)).to(lines.dtype)
        lines = lines - offsets
        return lines.transpose(2, 3) if self.columns else lines

    def offsets(self, lines: Tensor) -> Tensor:
        """The offset of each row, (n, c, h, 1)."""
        height, taps = lines.shape[2], self.weights.shape[0]
        rows = torch.arange(height, device=lines.device)[:, None]
        around = torch.arange(1 - taps // 2, 1 + taps // 2, device=lines.device)
        length = torch.full((1,), height, dtype=torch.int64, device=lines.device)  # a tensor, for the ONNX exporter
        place = (rows + around).remainder(2 * length)
        # In a mirror at both ends: the steps there have the other sign; the one at an end is 0, as the first row's is.
        sign = torch.where(place < length, 1.0, -1.0)
        inside = (length - (place - length).abs()).remainder(length).flatten()
        steps = self.steps(lines)[..., 0].index_select(2, inside).view(lines.shape[0], lines.shape[1], height, taps)
        return (steps * (sign * self.weights)).mean(dim=3, keepdim=True)

    def steps(self, lines: Tensor) -> Tensor:
        """How much higher each row is than the one above, (n, c, h, 1)."""
        height, width = lines.shape[2], lines.shape[3]
        missing = (self.block - width % self.block) % self.block
        places = torch.arange(width + missing, device=lines.device)
        blocks = lines.index_select(3, places.clamp(0, width - 1))
        blocks = blocks.view(lines.shape[0], lines.shape[1], height, -1, self.block).mean(dim=4)
        above = (torch.arange(height, device=lines.device) - 1).clamp(0, height)
        apart = blocks - blocks.index_select(2, above)
        plausible = (self.plausible + 1 - (apart * self.wide).abs()).clamp(0, 1)
        step = self.nearer(torch.zeros((1, 1, 1, 1), device=lines.device), apart, plausible, self.wide)
        for _ in range(self.rounds):
            step = self.nearer(step, apart, plausible, self.narrow)
        return step

    def nearer(self, step: Tensor, apart: Tensor, plausible: Tensor, scale: Tensor) -> Tensor:
        """One round of the M-estimate."""
        away = apart - step
        near = 1 + (away * scale) * (away * scale)  # products: the exporter makes Pow of squares
        weight = plausible / (near * near)
        return step + (weight * away).mean(dim=3, keepdim=True) / (weight.mean(dim=3, keepdim=True) + self.few)
