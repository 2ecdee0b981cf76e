"""The noise that is left in a frame that was averaged with those before it, along their motion."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

FUSED = 0.5  # share of crops whose noise is that of averaged frames
LEAST_LEFT = 0.25  # of the noise's deviation; measured on clip_bikes: 0.3 to 0.5
LOUDER, MOST_GAIN = 0.1, 4.0  # share of crops with stronger noise, as of a higher gain, and by how much at most
SHIFTED = 0.7  # share of the averaged ones that were moved by parts of a pixel
CUBIC = -0.75  # the constant of OpenCV's cubic interpolation; Keys, IEEE TASSP 1981


def fused_noise(count: int, generator: torch.Generator) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """How strong the noise of crops is over that of a frame, and what it looks like after interpolation.

    Shape:
        returns: (count,), and a function of noise (count, c, h, w)
    """
    fused, shifted, loud, part = torch.rand(4, count, generator=generator)
    strength = torch.where(fused < FUSED, LEAST_LEFT**part, 1.0)
    strength = torch.where(loud < LOUDER, MOST_GAIN**part, strength)
    moves = (fused < FUSED) & (shifted < SHIFTED) & (loud >= LOUDER)
    offsets = torch.where(moves, torch.rand(2, count, generator=generator), 0.0)

    def shift(noise: Tensor) -> Tensor:
        weights = _cubic(offsets).to(noise)  # (2, count, 4)
        kernels = weights[0][:, :, None] * weights[1][:, None]
        crops, channels, height, width = noise.shape
        around = pad(noise, [1, 2, 1, 2], mode="reflect").reshape(1, -1, height + 3, width + 3)
        kernels = kernels.repeat_interleave(channels, dim=0)[:, None]
        return conv2d(around, kernels, groups=crops * channels).reshape(noise.shape)

    return strength, shift


def _cubic(offset: Tensor) -> Tensor:
    """Weights of the four pixels around a place, (..., 4), that lies so far, 0 to 1, behind the second."""
    near = torch.stack((offset, 1 - offset), dim=-1)
    inner = (CUBIC + 2) * near**3 - (CUBIC + 3) * near**2 + 1
    far = near + 1
    outer = CUBIC * (far**3 - 5 * far**2 + 8 * far - 4)
    return torch.stack((outer[..., 0], inner[..., 0], inner[..., 1], outer[..., 1]), dim=-1)
