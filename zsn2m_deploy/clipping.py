"""Samples that end at a sensor's black or white: what that does to the mean of the noise, and where it leaves none."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from zsn2m_deploy.prior.noise import photon_gain, with_skewness
from zsn2m_deploy.variance import VarianceLine
from zsn2m_runtime.noise_model import NoiseModel

NODES = 32  # equally likely samples of the noise; within 1 % of its deviation
WINDOW = 5  # pixels; all of them at an end: a border, or light far beyond the end


def added_by_clipping(model: NoiseModel, clean: Tensor) -> Tensor:
    """By how much the mean of a pixel's noise rises where samples are clipped at the model's ends.

    Shape:
        clean: (b, c, h, w), in the model's units
        returns: the same
    """
    if not any(map(math.isfinite, model.ends)):
        return torch.zeros_like(clean)
    inside = clean.clamp(*model.ends)
    deviation = VarianceLine(model, clean.device)(inside).sqrt()
    skew = torch.from_numpy(photon_gain(model)).to(clean).view(-1, 1, 1) / deviation
    rise = torch.zeros_like(clean)
    for node in torch.special.ndtri((torch.arange(NODES) + 0.5) / NODES).to(clean):
        sample = inside + deviation * with_skewness(node, skew)
        rise += sample.clamp(*model.ends) - sample
    return rise / NODES


def has_noise(noisy: Tensor, ends: tuple[float, float]) -> Tensor:
    """Whether some sample around a pixel is between the ends, 1 or 0: where none is, there is no noise.

    Shape:
        noisy: (b, c, h, w)
        returns: the same
    """
    if not any(map(math.isfinite, ends)):
        return torch.ones_like(noisy)
    between = ((noisy > ends[0]) & (noisy < ends[1])).to(noisy)
    return max_pool2d(between, WINDOW, stride=1, padding=WINDOW // 2)
