"""What is exported for videos: a network that sees the previous result, wrapped for the sensor's own values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsn2m_export.graph import SensorGraph, frozen, leave_out, mirrored
from zsn2m_runtime.manifest import Normalisation, Sensor


class VideoGraph(SensorGraph):
    """As SensorGraph, with the previous result as a second input and the strength of the noise as a third.

    Shape:
        forward: noisy, previous (n, c, h, w) float32 in sensor units, h and w from 1 up; strength (1,) float32, the
            standard deviation of the noise over that of the training frames -> (n, c, h, w) in sensor units

    `previous` defaults to the frame itself, `strength` to 1. The corrections of `before_padding` are for frames: a
    result has nothing to correct. Where `previous` is bit for bit the frame (at the start, or where motion has nothing
    to show) it is corrected like the frame.

    Args:
        network: (noisy, previous, deviation), normalised, h and w multiples of the stride -> denoised
        deviation: (previous, normalised; strength) -> standard deviation of the noise at each pixel, (n, 1, h, w)
    """

    def __init__(
        self,
        network: nn.Module,
        stride: int,
        sensor: Sensor,
        normalisation: Normalisation,
        deviation: nn.Module,
        before_padding: nn.Module | None = None,
    ) -> None:
        super().__init__(network, stride, sensor, normalisation, before_padding)
        self.corrects = before_padding is not None
        self.deviation = frozen(deviation)
        leave_out(self.network, network, deviation)

    def forward(self, noisy: Tensor, previous: Tensor | None = None, strength: Tensor | None = None) -> Tensor:
        """Denoise frames in sensor units."""
        height, width = noisy.shape[2], noisy.shape[3]
        if previous is None:
            previous = noisy
        if strength is None:
            strength = torch.ones(1, device=noisy.device)
        x: Tensor = (noisy - self.offset) * self.inverse_scale
        state = (previous - self.offset) * self.inverse_scale
        if self.corrects:
            x = self.before_padding(x)
            state = torch.where(previous == noisy, x, state)
        if self.stride > 1:
            x, state = mirrored(x, self.stride), mirrored(state, self.stride)
        return self.in_sensor_units(self.network(x, state, self.deviation(state, strength))[:, :, :height, :width])


class Reach(nn.Module):
    """A network of videos and its corrections as a network of one frame, which is its own previous result.

    For `receptive_radius`.
    """

    def __init__(self, network: nn.Module, deviation: nn.Module, before_padding: nn.Module | None) -> None:
        super().__init__()
        self.network, self.deviation = network, deviation
        self.before_padding = before_padding or nn.Identity()

    def forward(self, frame: Tensor) -> Tensor:
        """Shape: (n, c, h, w), h and w multiples of the stride -> the same."""
        deviation = self.deviation(frame, torch.ones(1, dtype=frame.dtype))
        denoised: Tensor = self.network(self.before_padding(frame), frame, deviation)
        return denoised
