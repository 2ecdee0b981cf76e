"""Drawn pictures, and what a Bayer sensor gives of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_runtime.patterns import find_patterns, patterns_in_words

Array = np.ndarray[Any, Any]


SIGMA = 12.0


BAYER = {"RGGB": (0, 1, 1, 2), "BGGR": (2, 1, 1, 0), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1)}


@lru_cache(64)
def scene(seed: int, side: int = 160) -> Array:
    """A drawn colour picture from 40 to 210, (h, w, 3)."""
    generator = np.random.default_rng(seed)
    return np.asarray(40 + 170 * np.clip(dead_leaves(generator, side, random_palette(generator)), 0, 1))


def noise(seed: int, shape: tuple[int, ...], sigma: float = SIGMA) -> Array:
    """White Gaussian noise."""
    return np.random.default_rng(seed + 10**6).normal(0, sigma, shape)


def whole(frame: Array) -> Array:
    """As an 8-bit sensor gives it."""
    return np.rint(frame).clip(0, 255).astype(np.uint8)


def bayer(picture: Array, layout: str) -> Array:
    """What a sensor with such filters sees of it."""
    mosaic = np.empty(picture.shape[:2])
    for phase, channel in enumerate(BAYER[layout]):
        y, x = divmod(phase, 2)
        mosaic[y::2, x::2] = picture[y::2, x::2, channel]
    return mosaic


def kinds(frame: Array) -> tuple[str, ...]:
    """The patterns that are found, in words."""
    return tuple(patterns_in_words(find_patterns(frame)))
