"""Random noise models of the kinds that pretraining draws."""

from __future__ import annotations

import numpy as np

from zsn2m_deploy.pretrain.noise import random_noise
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel


def random_noise_model(generator: np.random.Generator, channels: int) -> NoiseModel:
    """Noise of frames in 0 to 1, as a symmetric model."""
    kind = random_noise(generator, channels)
    return NoiseModel(kind.slope, kind.floor, correlation_after(kind.filters))


def correlation_after(filters: Doubles) -> Doubles:
    """Correlation of white noise after filters: (c, c, 2 reach + 1, 2 reach + 1)."""
    side = 4 * REACH + 1
    spectra = np.fft.fft2(filters, s=(side, side))
    density = np.einsum("ijyx,kjyx->ikyx", spectra, spectra.conj())
    found = np.fft.fftshift(np.fft.ifft2(density).real, axes=(2, 3))
    middle = slice(REACH, 3 * REACH + 1)
    return np.asarray(found[:, :, middle, middle])
