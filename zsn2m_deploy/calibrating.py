"""How strong the noise is, and whether pixels share it, as a denoiser sees it.

For the best denoiser f of white noise of variance v, E|y - f(y)|^2 = v (1 - d), where d = E[df/dy] is how much of the
noise it lets through (Stein, 1981): so a network that was trained on every level tells the level of a frame, textures
included, which patches of a textured frame cannot. d is measured with one more look at the frame with a small
perturbation (Ramani, Blu and Unser, 2008).

What it removes is noise without the picture, so whether neighbours share noise is seen there, where textures of the
frame would pass for it.

Measured, every other crop of Kodak24 with Gaussian noise of 10, 25 and 50: within 12, 2 and 2 %, where quiet patches
were up to 50 % off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.clipping import has_noise
from zsn2m_deploy.judging import samples
from zsn2m_deploy.variance import VarianceLine
from zsn2m_runtime.noise_model import Doubles, NoiseModel

LEAST_KEPT = 0.05  # share of the noise that a network removes at least
PERTURBATION = 0.1  # of the noise's deviation
LEAST_VARIANCE = 0.15  # of the mean: pixels with less noise would outweigh all others
LARGEST_FACTOR = 1.1  # of the deviation; above it is structure that the denoiser took for noise
SMALLEST_FACTOR = 0.5
# correlation of neighbours in what is removed: below 0 for white noise, 0.07 to 0.22 for one of 0.2; measured
ALIKE = 0.03
BANDS = 12  # of brightness
LEAST_SHARE = 0.3  # of the power that a band should lose; 0.24 at most where noise is not there, else 0.38; measured
CHANNELS_ALIKE = 0.4  # and of channels


class Look(NamedTuple):
    """Crops of frames, and what a network makes of them.

    Shape:
        noisy, clean: (b, c, h, w), normalised as the noise models here are
    """

    noisy: Tensor
    clean: Tensor


@torch.no_grad()
def look_at(crops: Sequence[Tensor], network: Callable[[Tensor], Tensor]) -> list[Look]:
    """A network's looks at crops."""
    return [Look(noisy, network(noisy)) for noisy in crops]


def confirmed(model: NoiseModel, looks: Sequence[Look]) -> NoiseModel:
    """A model without the correlation that textures left in it, where what a network removes has none."""
    removed = [look.noisy - look.clean for look in looks]
    removed = [noise - noise.mean(dim=(2, 3), keepdim=True) for noise in removed]
    power = sum(float(noise.square().mean()) for noise in removed)
    if power <= 0:
        return model
    beside = sum(float((noise[..., 1:] * noise[..., :-1]).mean()) for noise in removed) / power
    below = sum(float((noise[..., 1:, :] * noise[..., :-1, :]).mean()) for noise in removed) / power
    shared = (
        sum(float(noise.mean(dim=1).square().mean()) for noise in removed) / power
    )  # 1 / c for independent channels
    pairs = model.channels - 1
    between = (shared * model.channels - 1) / pairs if pairs else 0.0
    if model.correlated and max(beside, below) > ALIKE:
        return model
    return model.without_correlation(of_channels=between <= CHANNELS_ALIKE)


@torch.no_grad()
def calibrated(model: NoiseModel, network: Callable[[Tensor], Tensor], looks: Sequence[Look], seed: int) -> NoiseModel:
    """A model of white noise, made stronger or weaker to agree with what the network of the looks does."""
    generator = torch.Generator().manual_seed(seed)
    sums = torch.zeros(3)
    for look in looks:
        variance = _weighable(VarianceLine(model, look.noisy.device)(look.clean))
        removed = (look.noisy - look.clean).square() / variance
        passed = _passed(model, network, look, variance, generator)
        present = has_noise(look.noisy, model.ends)
        sums += torch.stack([(removed * present).sum(), (passed * present).sum(), present.sum()]).cpu()
    removed, passed = sums[:2] / sums[2].clamp_min(1)
    factor = float((removed / (1 - passed).clamp_min(LEAST_KEPT)).sqrt().clamp(SMALLEST_FACTOR, LARGEST_FACTOR))
    return replace(model, slope=model.slope * factor**2, floor=model.floor * factor**2)


def _weighable(variance: Tensor) -> Tensor:
    """Variance to divide by: not so small anywhere that a few pixels outweigh all others."""
    return variance.clamp_min(LEAST_VARIANCE * float(variance.mean()))


def _passed(
    model: NoiseModel, network: Callable[[Tensor], Tensor], look: Look, variance: Tensor, generator: torch.Generator
) -> Tensor:
    """The share of the noise that goes through at each pixel; a mean of many says something."""
    signs = torch.randint(0, 2, look.noisy.shape, generator=generator).to(look.noisy) * 2 - 1
    shared = torch.from_numpy(_root(model.between)).to(look.noisy)
    step = PERTURBATION * torch.einsum("ij,bjhw->bihw", shared, signs) * variance.sqrt()
    return (network(look.noisy + step) - look.clean) * step / (PERTURBATION**2 * variance)


def _root(shared: Doubles) -> Doubles:
    """Mixes independent channels so that their correlation is `shared`. Shape: (c, c) -> (c, c)."""
    values, vectors = np.linalg.eigh(shared)
    return np.asarray(vectors * np.sqrt(values.clip(0)) @ vectors.T)


@torch.no_grad()
def overestimated(model: NoiseModel, network: Callable[[Tensor], Tensor], looks: Sequence[Look], seed: int) -> bool:
    """Whether the network of the looks finds, at some brightness, far less noise than the model says.

    Measured: Poisson noise of Set14's zebra and man, whose dark places have 0.02 and 0.08 of the noise that the line
    says: recorrupted pairs, which add that noise, cost 0.8 dB there.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []  # of each look: clean, power removed, power that would be if the model were right, whether there is any
    for look in looks:
        variance = VarianceLine(model, look.noisy.device)(look.clean)
        expected = variance * (1 - _passed(model, network, look, _weighable(variance), generator))
        found = (look.clean, (look.noisy - look.clean).square(), expected, has_noise(look.noisy, model.ends))
        parts.append([samples(part) for part in found])
    clean, removed, expected, present = (torch.cat(part) for part in zip(*parts, strict=True))  # each (n, c)
    for channel in range(model.channels):
        order = clean[:, channel].argsort()
        for band in order[present[order, channel] > 0].chunk(BANDS):
            if removed[band, channel].sum() < LEAST_SHARE * expected[band, channel].sum():
                return True
    return False
