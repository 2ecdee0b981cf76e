"""Noise mostly in colour differences, of a known correlation of channels."""

from __future__ import annotations

import cv2
import numpy as np

from zsn2m_runtime.noise.model import Doubles

SIGMA = 12.0


def colour_noise(shape: tuple[int, int], width: float = 0.0, seed: int = 0, sigma: float = SIGMA) -> Doubles:
    """Independent in Cb and Cr, blurred by so many pixels there, and a third as strong in Y. Shape: (h, w, 3)."""
    luma, blue, red = np.random.default_rng(seed).standard_normal((3, *shape))
    if width:
        blue, red = (cv2.GaussianBlur(part, (0, 0), width / 2.355) for part in (blue, red))
        blue, red = blue / blue.std(), red / red.std()
    noise = np.stack([luma / 3 + 1.402 * red, luma / 3 - 0.344 * blue - 0.714 * red, luma / 3 + 1.772 * blue], axis=2)
    return np.asarray(sigma * noise / noise.std())


def pairs(correlation: Doubles) -> Doubles:
    """Of red and green, red and blue, green and blue. Shape: (3, 3) -> (3,)."""
    return np.asarray(correlation[[0, 0, 1], [1, 2, 2]])


def true_pairs(noise: Doubles) -> Doubles:
    """The same of drawn noise. Shape: (h, w, 3) -> (3,)."""
    return pairs(np.corrcoef(noise.reshape(-1, 3).T))
