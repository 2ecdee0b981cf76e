"""Blocks of a frame in which what a network removes is compared with what it removes of fresh noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Mask

BLOCK = 8  # pixels; a multiple of the network's stride
CLIPPED = 0.02  # of a block's samples: more, and it says nothing
NEAR = 1e-5  # of an end, normalised


def as_planes(frames: Tensor) -> Doubles:
    """The only frame of a batch. Shape: (1, c, h, w) -> (h, w, c)."""
    return np.asarray(frames[0].permute(1, 2, 0).cpu().numpy(), np.float64)


def on_planes(network: Callable[[Tensor], Tensor], device: torch.device) -> Callable[[Doubles], Doubles]:
    """A network that takes and gives planes. Shape: (h, w, c) -> (h, w, c)."""

    def apply(planes: Doubles) -> Doubles:
        noisy = torch.from_numpy(planes.transpose(2, 0, 1).astype(np.float32)).to(device)
        return as_planes(network(noisy[None]))

    return apply


def means_of_blocks(planes: Doubles) -> Doubles:
    """Means over whole blocks, and over channels. Shape: (h, w, c) -> (rows, columns)."""
    return np.asarray(block_means(planes, BLOCK).mean(axis=2))


def free_channels(noisy: Doubles, ends: tuple[float, float]) -> Mask:
    """The channels of blocks of whose samples hardly any is clipped. Shape: (h, w, c) -> (rows, columns, c)."""
    return np.asarray(_clipped_share(noisy, ends) <= CLIPPED)


def free_blocks(noisy: Doubles, ends: tuple[float, float]) -> Mask:
    """Those of whose samples, of all channels, hardly any is clipped. Shape: (h, w, c) -> (rows, columns)."""
    return np.asarray(_clipped_share(noisy, ends).mean(axis=2) <= CLIPPED)


def _clipped_share(noisy: Doubles, ends: tuple[float, float]) -> Doubles:
    clipped = (noisy <= ends[0] + NEAR) | (noisy >= ends[1] - NEAR)
    return np.asarray(block_means(clipped.astype(np.float64), BLOCK))


def times_neighbours(planes: Doubles) -> Doubles:
    """Each value times the mean of those beside and below; none at the last of each line. Shape: (h, w, c)."""
    found = np.zeros_like(planes)
    found[:, :-1] += planes[:, :-1] * planes[:, 1:] / 2
    found[:-1] += planes[:-1] * planes[1:] / 2
    return found
