"""A drawn mosaic that is rough everywhere, as a rocky coast is, with known noise."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SIDE = 256  # of the mosaic
FALL = 1.0  # of the spectrum's amplitude over frequency
COARSE = 0.05  # cycles a pixel, below which contrast varies
FILTERS = ((0.5, 1.0), (1.0, 0.65))  # of a cell


def rough_mosaic(seed: int, contrast: float = 0.12) -> Array:
    """Texture of a falling spectrum whose contrast changes from place to place: (256, 256), 0 to 1 or a little more."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    texture = _field(rng, 1 / np.maximum(frequency, 0.02) ** FALL)
    strength = np.exp(0.7 * _field(rng, (frequency < COARSE).astype(float)))
    light = 0.4 * (1 + contrast * texture * strength).clip(0.05)
    return np.asarray(light * np.tile(FILTERS, (SIDE // 2, SIDE // 2)))


def _field(rng: np.random.Generator, amplitude: Array) -> Array:
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * amplitude, s=(SIDE, SIDE))
    return np.asarray((field - field.mean()) / field.std())


def noisy_mosaic(clean: Array, gain: float, read: float, seed: int) -> Array:
    """What a sensor gives of it: photons of `gain`, and read noise."""
    rng = np.random.default_rng(seed + 10**6)
    return np.asarray(gain * rng.poisson(clean / gain) + rng.normal(0, read, clean.shape), np.float32)
