"""The two downsamplers of the method: diagonal means, and random masks that mix them (paper, Sec. 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor


def diagonal_downsample(frame: Tensor) -> tuple[Tensor, Tensor]:
    """D1 and D2: the means of the two diagonals of every 2 x 2 block.

    Shape:
        frame: (b, c, h, w), h and w even
        returns: two of (b, c, h/2, w/2), same units
    Raises:
        ValueError: if h or w is odd.

    Paper: Sec. 3.1 (the downsampler of ZS-N2N).
    """
    if frame.shape[-2] % 2 or frame.shape[-1] % 2:
        raise ValueError(f"expected even height and width, but got {tuple(frame.shape)}; crop first")
    top_left, top_right = frame[..., 0::2, 0::2], frame[..., 0::2, 1::2]
    bottom_left, bottom_right = frame[..., 1::2, 0::2], frame[..., 1::2, 1::2]
    return (top_right + bottom_left) / 2, (top_left + bottom_right) / 2  # (b, c, h/2, w/2)


def block_mean(frame: Tensor) -> Tensor:
    """(D1 + D2) / 2: the mean of every 2 x 2 block.

    Shape:
        frame: (b, c, h, w), h and w even
        returns: (b, c, h/2, w/2)

    Paper: Eq. 5 and 6.
    """
    half_1, half_2 = diagonal_downsample(frame)
    return (half_1 + half_2) / 2


def random_mask(shape: torch.Size, generator: torch.Generator, device: torch.device, per_pixel: bool = False) -> Tensor:
    """A random binary mask M_n, exactly floor(n / 2) of the n values of each batch element being one.

    Shape:
        shape: (b, c, h, w) of the half-size frame
        returns: bool of that shape; with per_pixel (b, 1, h, w), one draw for all channels

    Paper: Sec. 3.1, "an equal number of 0s and 1s".
    """
    batch, channels, height, width = shape
    channels = 1 if per_pixel else channels
    count = channels * height * width
    ranks = [torch.randperm(count, generator=generator, device=device) for _ in range(batch)]
    return (torch.stack(ranks) < count // 2).view(batch, channels, height, width)


def mix_halves(half_1: Tensor, half_2: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """G_1n and G_2n from D1, D2 and a mask; their mean is that of the halves for every mask.

    Shape:
        half_1, half_2: (b, c, h, w); mask: bool, broadcastable to it
        returns: two of (b, c, h, w)

    Paper: Sec. 3.1, Fig. 3.
    """
    return torch.where(mask, half_1, half_2), torch.where(mask, half_2, half_1)


def random_mask_downsample(frame: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """G_n = (G_1n, G_2n): two half-size frames of one scene with independent noise.

    Shape:
        frame: (b, c, h, w), h and w even; mask: bool (b, c or 1, h/2, w/2)
        returns: two of (b, c, h/2, w/2)

    Paper: Sec. 3.1, Fig. 3.
    """
    return mix_halves(*diagonal_downsample(frame), mask)
