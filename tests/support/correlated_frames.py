"""Noise that neighbouring pixels share, and texture that passes for it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel

SIGMA = 0.05
WIDE = 192


def shared_by_neighbours(channels: int = 3) -> NoiseModel:
    model = NoiseModel.white(np.zeros(channels), np.full(channels, SIGMA**2))
    correlation = model.correlation.copy()
    for channel in range(channels):
        for down in (-1, 0, 1):
            for along in (-1, 0, 1):
                correlation[channel, channel, REACH + down, REACH + along] = 0.5 ** (abs(down) + abs(along))
    return replace(model, correlation=correlation)


def texture_everywhere(model: NoiseModel, power: float, seed: int = 3, like: NoiseModel | None = None) -> Tensor:
    """Grey of 0.5 with noise, and everywhere a texture as correlated as `like` or it, of so many times its power.

    Its deviation changes over some 40 pixels, between a third of its middle and three times it (nine in ten pixels).
    """
    grey, rng = np.full((WIDE, WIDE, model.channels), 0.5, np.float32), np.random.default_rng(seed)
    rough = cv2.GaussianBlur(rng.standard_normal((WIDE, WIDE)), (0, 0), 12)
    rough = np.exp(0.6 * rough / rough.std())
    texture = draw_noise(like or model, grey, rng) * (rough / np.sqrt(np.square(rough).mean()))[..., None]
    noisy = grey + draw_noise(model, grey, rng) + np.sqrt(power) * texture
    return torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1)
