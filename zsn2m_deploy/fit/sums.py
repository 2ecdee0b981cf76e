"""What a network removes of frames, and of fresh noise on its results: powers, and how they go from place to place.

Source: docs/decisions/networks-are-weakened.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from zsn2m_deploy.noise.blocks import (
    BLOCK,
    as_planes,
    free_blocks,
    free_channels,
    means_of_blocks,
    on_planes,
    times_neighbours,
)
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Mask

FRAMES, SIDE = 4, 256  # that are looked at, and pixels of their centres
FAINT = 0.1  # of the noise: docs/decisions/noise-at-each-brightness.md
FLAT = 0.3  # of the blocks, those with the least slopes
LEAST_VARIANCE = 0.05  # of the mean: a line that runs into zero where it is dark says little of the noise there
SKEWED = 0.6  # by photons: where they are fewer independent noise is neither normal nor as even as what is drawn
WIDE = 4  # places, the side of a wide block
FREE = 0.5  # of a block's places have no clipped samples
FEW = 128  # places: with fewer their evenness is chance
TINY = 1e-12


@dataclass(frozen=True)
class Sums:
    """What is found of one frame.

    variance, removed: of the noise; power removed
    passed: covariance of the noise with the result; measured when it is asked for, which takes a third of the time
    flat, fresh_flat: power removed in flat places, from the frame and from fresh noise on its result
    places: (n, 3), of each place that counts its brightness and the same two powers, over the noise expected there.
        Places without clipped samples count; where these are few, those that have a channel without, by such channels
    wide: (n, 2), the mean of these powers in each wide block half of which counts
    signs: (n, 3), of the same places as `places` power of the result's slopes, and what neighbours share of what is
        removed, from the frame and from fresh noise; found when it is asked for
    """

    variance: float
    passed: Callable[[], float]
    removed: float
    flat: float
    fresh_flat: float
    places: Doubles
    wide: Doubles
    signs: Callable[[], Doubles]


def sums_of(network: Callable[[Tensor], Tensor], frames: Sequence[Tensor], noise: NoiseModel, seed: int) -> list[Sums]:
    """What is found of the middles of the first frames.

    Shape:
        frames: each (c, h, w), normalised as the noise is, at least 16 x 16
    """
    rng = np.random.default_rng(seed)
    return [look(network, centre_of(frame), noise, rng) for frame in frames[:FRAMES]]


def look(network: Callable[[Tensor], Tensor], frame: Tensor, noise: NoiseModel, rng: np.random.Generator) -> Sums:
    """What is found of one frame. Shape: (c, h, w), whole blocks."""
    apply, noisy = on_planes(network, frame.device), as_planes(frame[None])
    clean = apply(noisy)
    drawn = draw_noise(noise, clean.astype(np.float32), rng).astype(np.float64)
    if noise.tails:
        drawn *= np.where(rng.random(drawn.shape) < noise.tails.share, noise.tails.factor, 1.0)
    noise = noise.normal

    def passed() -> float:
        return float((drawn * (apply(noisy + FAINT * drawn) - clean)).mean()) / FAINT

    fresh = np.clip(clean + drawn, *noise.ends)
    variance = noise.variance(clean)
    removed = [noisy - clean, fresh - apply(fresh)]
    powers = [np.square(planes) for planes in removed]
    squares = sum(np.square(slope) for slope in np.gradient(clean, axis=(0, 1)))
    busy = means_of_blocks(squares / np.maximum(variance, TINY))
    flat = busy <= np.quantile(busy, FLAT)
    expected = np.maximum(variance, np.maximum(LEAST_VARIANCE * variance.mean(axis=(0, 1)), TINY))
    free = free_blocks(noisy, noise.ends)
    counted = np.ones((*free.shape, noise.channels), bool)
    if free.sum() < FEW:  # saturated colours are clipped in one channel everywhere
        counted = free_channels(noisy, noise.ends)
        free = np.asarray(counted.any(axis=2))
    if not noise.correlated:
        free &= _of_channels(noise.photon_gain / np.sqrt(expected), counted) <= SKEWED
    removed_flat, fresh_flat = (float(means_of_blocks(power)[flat].mean()) for power in powers)
    level, relative = means_of_blocks(clean), [_of_channels(power / expected, counted) for power in powers]
    places = np.stack([part[free] for part in (level, *relative)], axis=1)
    wide = _wide(np.stack(relative, axis=2), free)

    def signs() -> Doubles:
        found = (squares, *map(times_neighbours, removed))
        return np.stack([_of_channels(part / expected, counted)[free] for part in found], axis=1)

    return Sums(float(variance.mean()), passed, float(powers[0].mean()), removed_flat, fresh_flat, places, wide, signs)


def _of_channels(planes: Doubles, counted: Mask) -> Doubles:
    """Means over blocks, and over those of their channels that count. Shape: (h, w, c), (rows, columns, c)."""
    return np.asarray((block_means(planes, BLOCK) * counted).sum(axis=2) / np.maximum(counted.sum(axis=2), 1))


def _wide(powers: Doubles, free: Mask) -> Doubles:
    """Means over the free places of wide blocks, half of which are. Shape: (rows, columns, 2) -> (n, 2)."""
    if min(free.shape) < WIDE:
        return np.empty((0, 2))
    there = free[..., None].astype(np.float64)
    share, total = block_means(there, WIDE), block_means(powers * there, WIDE)
    return np.asarray((total / np.maximum(share, TINY))[share[..., 0] >= FREE])


def centre_of(frame: Tensor) -> Tensor:
    """The middle of a frame, whose sides are multiples of a block, and so of the network's stride."""
    height, width = (min(SIDE, side) // BLOCK * BLOCK for side in frame.shape[1:])
    top, left = (frame.shape[1] - height) // 2, (frame.shape[2] - width) // 2
    return frame[:, top : top + height, left : left + width]
