"""The variance of a noise model, on tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from zsn2m_runtime.noise.model import Doubles, NoiseModel


class VarianceLine:
    """Variance at clean values, as `NoiseModel.variance`; its constants stay on the device.

    Shape:
        call: (b, c, h, w), in the model's units -> the same, squared
    """

    def __init__(self, model: NoiseModel, device: torch.device, factor: float = 1.0) -> None:
        parts = (factor * model.slope, factor * model.floor, factor * model.least)
        self._slope, self._floor, self._least = (per_channel(part, device) for part in parts)
        self._span = model.span

    def __call__(self, clean: Tensor) -> Tensor:
        """The variance at clean values."""
        level = torch.where(self._slope < 0, clean.clamp(*self._span), clean)
        return torch.maximum(self._slope * level + self._floor, self._least)


def per_channel(values: Doubles, device: torch.device) -> Tensor:
    """One value per channel, to go with frames. Shape: (c,) -> (c, 1, 1) float32."""
    return torch.from_numpy(values).float().view(-1, 1, 1).to(device)
