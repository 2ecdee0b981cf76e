"""Synthetic noise, drawn from a noise model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel

WHITE = 1e-3  # largest correlation of noise that is drawn as white
MOST_SKEW = 2.0  # of photons, however few: docs/decisions/photon-skewness.md

Floats = npt.NDArray[np.float32]


def draw_noise(model: NoiseModel, clean: Floats, generator: np.random.Generator) -> Floats:
    """Noise for a clean scene; it wraps around at the borders.

    Shape:
        clean: (h, w, c), both sides larger than 9
        returns: (h, w, c)
    """
    height, width = clean.shape[:2]
    return np.asarray(unit_noise(model, (height, width), generator) * np.sqrt(model.variance(clean)), np.float32)


def with_fresh_noise(model: NoiseModel, clean: Tensor, generator: np.random.Generator) -> Tensor:
    """Clean frames with noise drawn anew, clipped at the model's ends. Shape: (b, c, h, w) -> the same."""
    drawn = [draw_noise(model, scene, generator) for scene in clean.movedim(1, 3).cpu().numpy()]
    return (clean + torch.from_numpy(np.stack(drawn)).movedim(3, 1).to(clean)).clamp(*model.ends)


def unit_noise(model: NoiseModel, size: tuple[int, int], generator: np.random.Generator) -> Floats:
    """Noise with the correlation of a model and a variance of 1; it wraps around at the borders.

    Shape:
        size: (h, w), both larger than 9
        returns: (h, w, c)
    """
    unit = generator.standard_normal((*size, model.channels))
    return (unit if _is_white(model) else _correlated(model.correlation, unit)).astype(np.float32)


def with_skewness(normal: Tensor, skew: Tensor) -> Tensor:
    """Normal samples bent to a skewness, to third order of small ones; their mean and variance stay 0 and 1.

    Photons of gain g have a third moment of g^2 x at a clean x, so their skewness is g over the noise's deviation; at
    most 2 is drawn.
    """
    skew = skew.clamp_max(MOST_SKEW)
    return (normal + skew / 6 * (normal.square() - 1)) / (1 + skew.square() / 18).sqrt()


def _is_white(model: NoiseModel) -> bool:
    return bool(np.abs(model.correlation - NoiseModel.white(model.slope, model.floor).correlation).max() < WHITE)


def _correlated(correlation: Doubles, white: Doubles) -> Doubles:
    """White noise filtered so that it has the correlation; where no noise can have it, the nearest."""
    height, width, channels = white.shape
    around = np.zeros((height, width, channels, channels))
    window = correlation.transpose(2, 3, 0, 1)
    around[: 2 * REACH + 1, : 2 * REACH + 1] = window
    around = np.roll(around, (-REACH, -REACH), (0, 1))
    density = np.fft.rfft2(around, axes=(0, 1))  # (h, w / 2 + 1, c, c): how channels share each frequency
    values, vectors = np.linalg.eigh((density + density.conj().swapaxes(-1, -2)) / 2)
    factor = vectors * np.sqrt(values.clip(0))[..., None, :]
    spectrum = np.fft.rfft2(white, axes=(0, 1))
    mixed = np.einsum("yxij,yxj->yxi", factor @ vectors.conj().swapaxes(-1, -2), spectrum)
    noise = np.fft.irfft2(mixed, s=(height, width), axes=(0, 1))
    return np.asarray(noise)
