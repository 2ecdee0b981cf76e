"""The variance of a noise model, on tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from zsn2m_runtime.noise.model import Doubles, NoiseModel

WINDOW = 5  # pixels over which flat places vary by less than the noise: docs/decisions/small-print.md, heavy-tails.md


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


def is_flat(clean: Tensor, deviation: Tensor) -> Tensor:
    """Where denoised frames vary by less than the noise's standard deviation. Shape: (b, c, h, w), both -> the same."""
    highest, lowest = (sign * max_pool2d(sign * clean, WINDOW, 1, WINDOW // 2) for sign in (1, -1))
    return highest - lowest < deviation


def shared_by_channels(independent: Tensor, model: NoiseModel) -> Tensor:
    """Independent samples of a variance of 1, mixed as the noise's channels share it. Shape: (b, c, h, w) -> same."""
    values, vectors = np.linalg.eigh(model.between)
    root = torch.from_numpy(vectors * np.sqrt(values.clip(0)) @ vectors.T).to(independent)
    return torch.einsum("ij,bjhw->bihw", root, independent)


def per_channel(values: Doubles, device: torch.device) -> Tensor:
    """One value per channel, to go with frames. Shape: (c,) -> (c, 1, 1) float32."""
    return torch.from_numpy(values).float().view(-1, 1, 1).to(device)
