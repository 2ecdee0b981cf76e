"""Clipping at a sensor's black and white: mean and variance of the noise that is left, and where none is.

White clips all of the noise. Black clips read noise only: photons take no sample below black.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_runtime.noise.model import NoiseModel

TINY = 1e-12  # smallest variance that is divided by
WINDOW = 5  # pixels of a square; where all of it is at an end there is no noise


class Clipped(NamedTuple):
    """Noise after clipping, in units of the deviation, or of the variance, before it.

    Shape:
        mean, power: as the clean values; the power is about the clean value, not about the mean
    """

    mean: Tensor
    power: Tensor

    @property
    def variance(self) -> Tensor:
        """About the mean."""
        return (self.power - self.mean.square()).clamp_min(0)


def clipped(clean: Tensor, gain: Tensor, variance: Tensor, ends: tuple[float, float]) -> Clipped:
    """What is left of normal noise at clean values.

    Shape:
        clean, variance: (..., h, w), in the units of the ends
        gain: units per photon, 0 where noise is not that of photons; any shape that fits
    """
    low, high = ends
    mean, power = torch.zeros_like(clean), torch.ones_like(clean)
    if math.isfinite(high):
        moved, lost = _beyond((high - clean) / variance.sqrt())
        mean, power = mean - moved, power - lost
    if math.isfinite(low):
        unlit = (variance - gain * (clean - low)).clamp_min(TINY).minimum(variance)
        moved, lost = _beyond((clean - low) / unlit.sqrt())
        mean, power = mean + (unlit / variance).sqrt() * moved, power - unlit / variance * lost
    return Clipped(mean, power)


def _beyond(distance: Tensor) -> tuple[Tensor, Tensor]:
    """By how much the mean of normal noise moves, and the power that it loses, at an end so many deviations away.

    Moments of a censored normal distribution, with its density and distribution function at the end.
    """
    share = torch.special.ndtr(-distance)
    density = (-distance.square() / 2).exp() / math.sqrt(2 * math.pi)
    return density - distance * share, (1 - distance.square()) * share + distance * density


def added_by_clipping(model: NoiseModel, clean: Tensor) -> Tensor:
    """By how much the mean of a pixel's noise rises where samples are clipped at the model's ends.

    Shape:
        clean: (b, c, h, w), in the model's units
        returns: the same
    """
    inside = clean.clamp(*model.ends)
    variance = VarianceLine(model, clean.device)(inside)
    gain = per_channel(model.photon_gain, clean.device)
    return clipped(inside, gain, variance, model.ends).mean * variance.sqrt()


def has_noise(noisy: Tensor, ends: tuple[float, float]) -> Tensor:
    """Whether a pixel is outside of areas that are wholly at an end, 1 or 0: inside there is no noise.

    Shape:
        noisy: (b, c, h, w)
        returns: the same
    """
    if not any(map(math.isfinite, ends)):
        return torch.ones_like(noisy)
    between = ((noisy > ends[0]) & (noisy < ends[1])).to(noisy)
    around = max_pool2d(between, WINDOW, stride=1, padding=WINDOW // 2)
    return 1 - max_pool2d(1 - around, WINDOW, stride=1, padding=WINDOW // 2)  # up to the rim of such an area
