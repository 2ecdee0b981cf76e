"""The variance of a noise model, and what clipping does to its mean, on tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zsn2m_runtime.noise_model import NoiseModel


class VarianceLine:
    """Variance at clean values, as `NoiseModel.variance`; its constants stay on the device.

    Shape:
        call: (b, c, h, w), in the model's units -> the same, squared
    """

    def __init__(self, model: NoiseModel, device: torch.device, factor: float = 1.0) -> None:
        parts = (factor * model.slope, factor * model.floor, factor * model.least)
        self._slope, self._floor, self._least = (
            torch.from_numpy(part).float().view(-1, 1, 1).to(device) for part in parts
        )
        self._span = model.span

    def __call__(self, clean: Tensor) -> Tensor:
        """The variance at clean values."""
        level = torch.where(self._slope < 0, clean.clamp(*self._span), clean)
        return torch.maximum(self._slope * level + self._floor, self._least)


def added_by_clipping(model: NoiseModel, clean: Tensor) -> Tensor:
    """By how much the mean of Gaussian noise rises where samples are clipped at the model's ends.

    Shape:
        clean: (b, c, h, w), in the model's units
        returns: the same
    """
    low, high = model.ends
    deviation = VarianceLine(model, clean.device)(clean).sqrt()
    return deviation * (_excess((low - clean) / deviation) - _excess((clean - high) / deviation))


def _excess(least: Tensor) -> Tensor:
    """The mean of the larger of a standard normal sample and `least`; 0 at minus infinity."""
    least = least.clamp_min(-10)
    below: Tensor = torch.special.ndtr(least)
    return torch.exp(-least.square() / 2) / math.sqrt(2 * math.pi) + least * below
