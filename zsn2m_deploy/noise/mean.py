"""The bias of a denoiser's mean: noise has none, but for what clipping and tone curves make of it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from zsn2m_deploy.noise.clipping import added_by_clipping, has_noise
from zsn2m_runtime.noise.model import NoiseModel


def mean_bias(pairs: Iterable[tuple[Tensor, Tensor]], noise: NoiseModel | None = None) -> Tensor:
    """By how much denoised crops are brighter than noisy ones, less what clipping adds; medians after a tone curve.

    Shape:
        pairs: noisy and denoised, each (b, c, h, w), in the units of the noise
        returns: (c,)
    Source: docs/decisions/tone-curve-median.md.
    """
    all_added, rises = [], []
    for noisy, clean in pairs:
        all_added.append(samples(clean - noisy))
        if noise is not None:
            rises.append(samples(added_by_clipping(noise, clean) * has_noise(noisy, noise.ends)))
    added = torch.cat(all_added)
    if noise is None:
        return added.mean(dim=0)
    curved = torch.from_numpy(noise.curve_skewness < 0).to(added.device)
    return torch.where(curved, added.median(dim=0).values, (added + torch.cat(rises)).mean(dim=0))


def samples(frames: Tensor) -> Tensor:
    """The pixels of frames: (b, c, h, w) -> (n, c)."""
    return frames.movedim(1, -1).flatten(0, -2)
