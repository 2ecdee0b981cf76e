"""The bias of a denoiser's mean: noise has none, but for what clipping and tone curves make of it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from zsn2m_deploy.noise.clipping import added_by_clipping, has_noise
from zsn2m_deploy.noise.variance import VarianceLine
from zsn2m_runtime.noise.model import NoiseModel

FAR = 4.0  # standard deviations of the core, beyond which noise belongs to the tails
TINY = 1e-12


def mean_bias(pairs: Iterable[tuple[Tensor, Tensor]], noise: NoiseModel | None = None) -> Tensor:
    """By how much denoised crops are brighter than noisy ones, less what clipping adds.

    After a tone curve the median says it. Of noise with heavy tails the core does: what is far off, as impulses are,
    moves the mean of a frame, and a network removes it.

    Shape:
        pairs: noisy and denoised, each (b, c, h, w), in the units of the noise
        returns: (c,)
    Source: docs/decisions/tone-curve-median.md, docs/decisions/heavy-tails.md.
    """
    all_added, rises, all_cores = [], [], []
    for noisy, clean in pairs:
        all_added.append(samples(clean - noisy))
        if noise is not None:
            rises.append(samples(added_by_clipping(noise, clean) * has_noise(noisy, noise.ends)))
            all_cores.append(samples(_is_core(noisy, clean, noise)))
    added = torch.cat(all_added)
    if noise is None:
        return added.mean(dim=0)
    curved = torch.from_numpy(noise.curve_skewness < 0).to(added.device)
    core = torch.cat(all_cores)
    means = ((added + torch.cat(rises)) * core).mean(dim=0) / core.mean(dim=0).clamp_min(TINY)
    return torch.where(curved, added.median(dim=0).values, means)


def _is_core(noisy: Tensor, clean: Tensor, noise: NoiseModel) -> Tensor:
    """1 where noise is no part of heavy tails, 0 where it is. Shape: as the crops."""
    if noise.tails is None:
        return torch.ones_like(noisy)
    return ((noisy - clean).abs() < FAR * VarianceLine(noise, clean.device)(clean).sqrt()).to(noisy)


def samples(frames: Tensor) -> Tensor:
    """The pixels of frames: (b, c, h, w) -> (n, c)."""
    return frames.movedim(1, -1).flatten(0, -2)
