"""By how much a denoiser shifts the mean of noisy crops, which noise alone does not have."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from zsn2m_deploy.noise.clipping import added_by_clipping, has_noise
from zsn2m_deploy.noise.draw import curve_skewness
from zsn2m_runtime.noise.model import NoiseModel


def mean_bias(pairs: Iterable[tuple[Tensor, Tensor]], noise: NoiseModel | None = None) -> Tensor:
    """By how much clean crops are brighter than noisy ones, as for `shift`. Shape: each (b, c, h, w) -> (c,)."""
    all_added, rises = [], []
    for noisy, clean in pairs:
        all_added.append(samples(clean - noisy))
        if noise is not None:
            rises.append(samples(added_by_clipping(noise, clean) * has_noise(noisy, noise.ends)))
    added = torch.cat(all_added)
    if noise is None:
        return added.mean(dim=0)
    curved = torch.from_numpy(curve_skewness(noise) < 0).to(added.device)
    return torch.where(curved, added.median(dim=0).values, (added + torch.cat(rises)).mean(dim=0))


def samples(frames: Tensor) -> Tensor:
    """The pixels of frames: (b, c, h, w) -> (n, c)."""
    return frames.movedim(1, -1).flatten(0, -2)
