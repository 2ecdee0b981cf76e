"""How much of what a network removes is noise, where neighbouring pixels share that noise.

For noise n of any covariance the mean of n f(y) is that of b (f(y + e b) - f(y)) / e for fresh noise b of the same
covariance and a small e (Eldar, Generalized SURE for exponential families, 2009). So what is removed, y - f(y),
covaries with the noise by its variance less that; divided by the power removed, this is the share that leaves the
smallest error. It is believed where flat places lose hardly more than of fresh noise, for there the level is right.

Source: docs/decisions/networks-are-weakened.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.model import Doubles, NoiseModel

FRAMES, SIDE = 4, 256  # that are looked at, and pixels of their centres
FAINT = 0.1  # of the noise: docs/decisions/noise-at-each-brightness.md
BLOCK = 8  # pixels
FLAT = 0.3  # of the blocks, those with the least slopes
AGREES = 1.25  # times the power of fresh noise, at most; more, and the noise is stronger than its estimate
TINY = 1e-12


@torch.no_grad()
def share_of_noise(
    network: Callable[[Tensor], Tensor], frames: Sequence[Tensor], noise: NoiseModel, seed: int
) -> float | None:
    """The share of what a network removes that leaves the smallest error, at most 1; None where it cannot be told.

    Shape:
        frames: each (c, h, w), normalised as the noise is, at least 16 x 16
    """
    if not noise.correlated or noise.jpeg or noise.tails or noise.regular:
        return None
    rng = np.random.default_rng(seed)
    sums = np.sum([_sums(network, _centre(frame), noise, rng) for frame in frames[:FRAMES]], axis=0)
    cleared, removed, removed_flat, fresh_flat = sums.tolist()
    agrees = removed_flat / max(fresh_flat, TINY)
    if agrees > AGREES or removed <= 0:
        return None
    return float(min(max(cleared, 0.0) * max(agrees, 1.0) / removed, 1.0))


def _sums(
    network: Callable[[Tensor], Tensor], frame: Tensor, noise: NoiseModel, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Covariance with the noise and power of what is removed; in flat places that power, and that of fresh noise."""

    def apply(planes: Doubles) -> Doubles:
        noisy = torch.from_numpy(planes.transpose(2, 0, 1).astype(np.float32)).to(frame.device)
        return np.asarray(network(noisy[None])[0].permute(1, 2, 0).cpu().numpy(), np.float64)

    noisy = frame.permute(1, 2, 0).cpu().numpy().astype(np.float64)
    clean = apply(noisy)
    drawn = draw_noise(noise, clean.astype(np.float32), rng).astype(np.float64)
    passed = float((drawn * (apply(noisy + FAINT * drawn) - clean)).mean()) / FAINT
    fresh = np.clip(clean + drawn, *noise.ends)
    variance = noise.variance(clean)
    slopes = sum(np.square(slope) for slope in np.gradient(clean, axis=(0, 1))) / np.maximum(variance, TINY)
    busy = block_means(slopes, BLOCK).mean(axis=2)
    flat = busy <= np.quantile(busy, FLAT)
    powers = [np.square(noisy - clean), np.square(fresh - apply(fresh))]
    of_flat = [float(block_means(power, BLOCK).mean(axis=2)[flat].mean()) for power in powers]
    return float(variance.mean()) - passed, float(powers[0].mean()), of_flat[0], of_flat[1]


def _centre(frame: Tensor) -> Tensor:
    """Its sides are multiples of a block, and so of the network's stride."""
    height, width = (min(SIDE, side) // BLOCK * BLOCK for side in frame.shape[1:])
    top, left = (frame.shape[1] - height) // 2, (frame.shape[2] - width) // 2
    return frame[:, top : top + height, left : left + width]
