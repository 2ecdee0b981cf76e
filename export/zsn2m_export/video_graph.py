"""What is exported for videos: a network that is told the noise's deviation, in the sensor's own values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsn2m_export.graph import SensorGraph, mirrored
from zsn2m_runtime.manifest import Normalisation, Sensor


class VideoGraph(SensorGraph):
    """As SensorGraph, with the strength of the noise as a second input.

    Shape:
        forward: noisy (n, c, h, w) float32 in sensor units, h and w from 1 up; strength (1, 1, 1, 1) or
            (1, 1, h, w) float32, the standard deviation of the noise, at each pixel, over that of the training frames,
            1 where it is not given -> (n, c, h, w) in sensor units

    The network gets values that are not divided by the scale: each pass over the frame costs 1 % of its time.

    Args:
        network: (noisy, deviation), h and w multiples of the stride -> denoised; so many times as large where both are
        line: (3,), slope, floor and least of the noise's variance over brightness, normalised, means of the channels
    """

    def __init__(
        self,
        network: nn.Module,
        stride: int,
        sensor: Sensor,
        normalisation: Normalisation,
        line: Tensor,
        before_padding: nn.Module | None = None,
    ) -> None:
        super().__init__(network, stride, sensor, normalisation, before_padding)
        self.corrects = before_padding is not None
        slope, floor, least = line.detach().cpu().clone().view(3, 1)
        self.slope, self.floor, self.least = nn.Buffer(slope / self.scale), nn.Buffer(floor), nn.Buffer(least)

    def forward(self, noisy: Tensor, strength: Tensor | None = None) -> Tensor:
        """Denoise frames in sensor units."""
        height, width = noisy.shape[2], noisy.shape[3]
        if strength is None:
            strength = torch.ones(1, 1, 1, 1, dtype=noisy.dtype, device=noisy.device)
        x: Tensor = noisy
        if self.offset != 0:
            x = x - self.offset
        if self.corrects:
            x = self.before_padding(x * self.inverse_scale) * self.scale
        variance = self.slope * x.mean(dim=1, keepdim=True) + self.floor  # normalised
        deviation = strength * self.scale * torch.maximum(variance, self.least).sqrt()
        if self.stride > 1:
            x, deviation = mirrored(x, self.stride), mirrored(deviation, self.stride)
        x = self.network(x, deviation)
        x = x[:, :, :height, :width]
        if self.offset != 0:
            x = x + self.offset
        if self.clamped:
            x = x.clamp(self.low, self.high)
        return x
