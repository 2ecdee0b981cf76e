"""Random kinds of noise to pretrain on: white or correlated, with a variance that may rise with brightness.

The distributions are chosen to cover what cameras and microscopes show; docs/model-card.md says what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from zsn2m_deploy.noise.draw import with_skewness
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.model import Doubles

WHITE = 0.55  # share of random models without correlation
SLOPED = 0.5  # share whose variance depends on brightness
COLOURED = 0.5  # share of the correlated ones whose channels share noise
KERNEL_SIDE = 5  # pixels of a random blur
LEAST_VARIANCE = 1e-12  # keeps divisions finite
LOWEST, HIGHEST = 0.012, 0.3  # standard deviation at mid-range of random models, of a range of 1
# Of mosaics, which no processing has changed: nearly always white, and of a low gain very weak.
RAW_WHITE, RAW_SLOPED, RAW_LOWEST = 0.9, 0.7, 0.004


class RandomNoise(NamedTuple):
    """One kind of noise of frames in 0 to 1: white noise, filtered, times its standard deviation at a brightness.

    Shape:
        slope, floor: (c,), of the variance
        filters: (c, c, 5, 5), from channel j of the white noise to channel i; the filtered noise has a variance of 1
    """

    slope: Doubles
    floor: Doubles
    filters: Doubles
    white: bool


class Kinds(NamedTuple):
    """Kinds of noise, to draw on the device.

    Shape:
        slope, floor, gain: (n, c), gain in units per photon
        filters: (n, c, c, 5, 5)
    """

    slope: Tensor
    floor: Tensor
    gain: Tensor
    filters: Tensor

    @classmethod
    def of(cls, kinds: Sequence[RandomNoise]) -> Kinds:
        """Kinds as they were drawn."""
        return cls(
            slope=_stacked([kind.slope for kind in kinds]),
            floor=_stacked([kind.floor for kind in kinds]),
            gain=_stacked([kind.slope * kind.white for kind in kinds]),
            filters=_stacked([kind.filters for kind in kinds]),
        )

    def corrupt(self, clean: Tensor, generator: torch.Generator, strength: Tensor | float = 1.0) -> Tensor:
        """Frames with fresh noise, of each kind for one crop or sequence; not clipped.

        Shape:
            clean: (t, n, c, h, w), 0 to 1; strength: of the noise's deviation, broadcast to it
        """
        length, crops, channels, height, width = clean.shape
        slope, floor, gain = (part[:, :, None, None] for part in self[:3])
        deviation = (slope * clean + floor).clamp_min(LEAST_VARIANCE).sqrt()
        around = height + KERNEL_SIDE - 1, width + KERNEL_SIDE - 1
        white = torch.randn(length, crops * channels, *around, generator=generator, device=clean.device)
        unit = conv2d(white, self.filters.flatten(0, 1), groups=crops).view(clean.shape)
        return clean + strength * deviation * with_skewness(unit, strength * gain / deviation)


def _stacked(values: list[Doubles]) -> Tensor:
    return torch.from_numpy(np.stack(values).astype(np.float32))


def random_noise(generator: np.random.Generator, channels: int) -> RandomNoise:
    """A kind of noise, drawn at random; 4 channels are the planes of a mosaic."""
    raw = channels == PLANES
    lowest, sloped, whites = (RAW_LOWEST, RAW_SLOPED, RAW_WHITE) if raw else (LOWEST, SLOPED, WHITE)
    level = np.exp(generator.uniform(np.log(lowest), np.log(HIGHEST)))
    variance = np.full(channels, level**2)
    share = generator.random() if generator.random() < sloped else 0.0  # of the variance at mid-range that light brings
    white = bool(generator.random() < whites)
    filters = _no_filters(channels) if white else _random_filters(generator, channels)
    return RandomNoise(2 * share * variance, (1 - share) * variance, filters, white)


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
