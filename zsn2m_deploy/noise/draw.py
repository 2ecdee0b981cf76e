"""Synthetic noise: drawn from a noise model, and random models for pretraining."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from zsn2m_deploy.pretrain.scenes import Floats
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel

WHITE = 0.55  # share of random models without correlation
SLOPED = 0.5  # share whose variance depends on brightness
COLOURED = 0.5  # share of the correlated ones whose channels share noise
MOST_SKEW = 2.0  # of photons, however few
PHOTONS = 0.1  # skewness above which noise that grows with the light is that of photons
TONE_CURVE = -0.1  # skewness below which a tone curve is behind it; measured
KERNEL_SIDE = 5  # pixels of a random blur
LOWEST, HIGHEST = 0.012, 0.3  # standard deviation at mid-range of random models, of a range of 1


def draw_noise(model: NoiseModel, clean: Floats, generator: np.random.Generator) -> Floats:
    """Noise for a clean scene; it wraps around at the borders.

    Shape:
        clean: (h, w, c), both sides larger than 9
        returns: (h, w, c)
    """
    height, width = clean.shape[:2]
    return np.asarray(unit_noise(model, (height, width), generator) * np.sqrt(model.variance(clean)), np.float32)


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


def photon_gain(model: NoiseModel) -> Doubles:
    """Units per photon, (c,), where white noise grows with the light and is skewed as that of photons is; else 0."""
    return np.where(counts_photons(model), model.slope.clip(0), 0.0)


def counts_photons(model: NoiseModel) -> npt.NDArray[np.bool_]:
    """Whether white noise is skewed as that of photons is, (c,)."""
    return np.broadcast_to((model.skew > PHOTONS) & (not model.correlated), model.channels)


def curve_skewness(model: NoiseModel) -> Doubles:
    """Skewness that a tone curve left, (c,), below zero, where it did; else 0."""
    skews = np.broadcast_to(model.skew, model.channels)
    return np.where(skews < TONE_CURVE, skews, 0.0)


class RandomSensor(NamedTuple):
    """Noise of some sensor whose frames are in 0 to 1: white noise, filtered, times its deviation at a brightness.

    Shape:
        slope, floor: (c,), of the variance
        filters: (c, c, 5, 5), from channel j of the white noise to channel i; the filtered noise has a variance of 1
    """

    slope: Doubles
    floor: Doubles
    filters: Doubles
    white: bool


def random_sensor(generator: np.random.Generator, channels: int) -> RandomSensor:
    """Some sensor to pretrain on."""
    level = np.exp(generator.uniform(np.log(LOWEST), np.log(HIGHEST)))
    variance = np.full(channels, level**2)
    share = generator.random() if generator.random() < SLOPED else 0.0  # of the variance at mid-range that light brings
    white = bool(generator.random() < WHITE)
    filters = _no_filters(channels) if white else _random_filters(generator, channels)
    return RandomSensor(2 * share * variance, (1 - share) * variance, filters, white)


def _is_white(model: NoiseModel) -> bool:
    return bool(np.abs(model.correlation - NoiseModel.white(model.slope, model.floor).correlation).max() < 1e-3)


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


def _no_filters(channels: int) -> Doubles:
    filters = np.zeros((channels, channels, KERNEL_SIDE, KERNEL_SIDE))
    filters[:, :, KERNEL_SIDE // 2, KERNEL_SIDE // 2] = np.eye(channels)
    return filters


def _random_filters(generator: np.random.Generator, channels: int) -> Doubles:
    """A random blur, another for each channel or the same, and a mix of channels."""
    alike = generator.random() < 0.5
    kernels = np.stack([_random_kernel(generator) for _ in range(1 if alike else channels)])
    mix = np.eye(channels)
    if channels > 1 and generator.random() < COLOURED:
        mix = mix + generator.uniform(0, 1) * generator.random((channels, channels))
    filters = mix[:, :, None, None] * kernels
    return np.asarray(filters / np.sqrt(np.square(filters).sum(axis=(1, 2, 3), keepdims=True)))


def _random_kernel(generator: np.random.Generator) -> Doubles:
    """A blur of at most 5 x 5, turned any way, sometimes with a sharpening rim."""
    rows, columns = np.mgrid[-2:3, -2:3].astype(np.float64)
    angle = generator.uniform(0, np.pi)
    along, across = (
        columns * np.cos(angle) + rows * np.sin(angle),
        rows * np.cos(angle) - columns * np.sin(angle),
    )
    widths = np.exp(generator.uniform(np.log(0.3), np.log(1.6), 2))
    kernel = np.exp(-0.5 * ((along / widths[0]) ** 2 + (across / widths[1]) ** 2))
    kernel /= kernel.sum()
    if generator.random() < 0.3:
        kernel[2, 2] += generator.uniform(0.2, 1.0)
    return np.asarray(kernel)
