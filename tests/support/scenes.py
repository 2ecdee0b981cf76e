"""Frames with known noise for the tests of the report."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels

RANGE = (0.0, 255.0)
SIDE = 160


@dataclass(frozen=True)
class Scene:
    """(h, w) or (h, w, 3) float32 from 0 to 255, not clipped."""

    clean: Pixels
    noise: Pixels
    model: NoiseModel

    @property
    def noisy(self) -> Pixels:
        return self.clean + self.noise

    @property
    def good(self) -> Pixels:
        """As a good network leaves it: some of the noise, smoothed, is still there."""
        return self.clean + 0.6 * cv2.GaussianBlur(self.noise, (0, 0), 1.5)

    @property
    def blurred(self) -> Pixels:
        return cv2.blur(self.noisy, (5, 5))


def scene(kind: str = "white", channels: int = 3, seed: int = 0, side: int = SIDE, sigma: float = 12.0) -> Scene:
    """A drawn scene with noise that is white, sloped or correlated."""
    generator = np.random.default_rng(seed)
    clean = 40 + 170 * np.clip(dead_leaves(generator, side, random_palette(generator)), 0, 1)
    clean = np.ascontiguousarray(clean[..., :channels], np.float32)
    slope = np.full(channels, sigma**2 / 128 if kind == "sloped" else 0.0)
    model = NoiseModel.white(slope, np.full(channels, 4.0 if kind == "sloped" else sigma**2))
    if kind == "correlated":
        near = np.arange(-4, 5)
        falling = 0.4 ** (np.abs(near)[:, None] + np.abs(near))
        model = NoiseModel(model.slope, model.floor, np.einsum("ij,yx->ijyx", np.eye(channels), falling))
    noise = draw_noise(model, clean, generator)
    return Scene(clean.squeeze(), noise.squeeze(), model)
