"""Refine a noise estimate by what the pretrained network removes from the frame.

Variance: the best denoiser f of white noise of variance v has E|y - f(y)|^2 = v (1 - d) with the divergence
d = E[df/dy], the share of the noise that it lets through (Stein, 1981). The network was trained on every level, so it
is near the best one; d is measured by a small perturbation of the frame (Ramani, Blu and Unser, Monte-Carlo SURE,
2008).

Correlation: what the network removes is noise without the picture, so textures do not pass for correlation there.

Sources: docs/decisions/noise-at-each-brightness.md (variance), network-confirms-noise.md (correlation) and
regular-detail.md there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.noise.bands import line_of_bands
from zsn2m_deploy.noise.clipping import has_noise
from zsn2m_deploy.noise.colours import without_grey_texture
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.noise.mean import samples
from zsn2m_deploy.noise.variance import VarianceLine, is_flat, shared_by_channels
from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.texture import excess
from zsn2m_runtime.sample_types import Mask, Pixels

# Variance: docs/decisions/noise-at-each-brightness.md
PERTURBATION = 0.1  # of the noise's deviation
LEAST_VARIANCE = 0.15  # of the mean: pixels with less noise would outweigh all others
# Correlation: docs/decisions/network-confirms-noise.md
ALIKE = 0.03  # of neighbours in what is removed: below 0 for white noise, 0.07 to 0.22 for one of 0.2
CHANNELS_ALIKE = 0.4  # of channels in what is removed, where they are no colours
# Coarse noise of colours, of which it removes hardly any: docs/decisions/noise-of-colours.md
COARSE_COLOURS = 0.6  # correlation of neighbours in colour differences
FAINT = 0.04  # deviation, normalised: below it the colours of pictures count as much
# Regular detail: docs/decisions/regular-detail.md. The network removes 0.05 to 0.28 of it, 0.38 to 0.97 of noise
LEAST_REMOVED = 0.3  # of the estimated deviation: less, and it is regular detail
STRONG = 0.1  # deviation, normalised, from which on that is so
# Flat places of frames with regular detail: docs/decisions/small-print.md
LEAST_FLAT = 0.1  # of the pixels are in such places
CONTRADICTS = 1.3  # times the deviation of flat places, at the darkest or the brightest: that is detail
# Noise beside texture: docs/decisions/noise-beside-texture.md
MANY_FLAT = 0.3  # of the pixels: the network knows the noise there; microscope frames have 0.39 and more
LEAST_BESIDE_TEXTURE = 1 / 400  # of the variance: none at all is found where half of a frame is clean
TEXTURE_CONTRADICTS = 1.2  # times the deviation that is found beside texture: texture passed for noise


def refine_noise(
    model: NoiseModel, network: Callable[[Tensor], Tensor], guesses: Sequence[FirstGuess], seed: int
) -> NoiseModel:
    """An estimate with the correlation and the variance that the network finds; counts of photons need neither.

    Networks take regular detail for noise, too, so there the variance is never raised, and flat places, if any, have
    the last word; where hardly any place is flat, what noise and texture have in different directions of patches has
    it. Of the noise of a JPEG they remove so little that it says nothing.
    """
    if model.jpeg:
        return model
    if model.counted:
        return model
    if model.apart:  # the network takes the texture of weak channels for noise
        return not_above(fit_variance(model, network, guesses, seed), model, guesses)
    found = model if model.regular else confirm_correlation(model, guesses)
    if not model.regular:
        found = without_grey_texture(found, network, guesses, seed)
    if found.correlated:
        return found
    changed = fit_variance(found, network, guesses, seed)
    if not model.regular:
        return not_above_texture(not_above(changed, found, guesses) if found.shared else changed, guesses)
    levels = [guess.levels().cpu().numpy() for guess in guesses]
    lower = min(found, changed, key=lambda noise: noise.sigma(levels))
    return not_above_flat_places(lower, found, network, guesses, seed)


def not_above(noise: NoiseModel, most: NoiseModel, guesses: Sequence[FirstGuess]) -> NoiseModel:
    """A model whose channels are each no stronger than those of another, which texture hardly raised."""
    levels = np.concatenate([guess.levels().cpu().numpy() for guess in guesses])
    ratio = most.variance(levels).mean(axis=0) / noise.variance(levels).mean(axis=0)
    return replace(noise, slope=noise.slope * ratio.clip(None, 1), floor=noise.floor * ratio.clip(None, 1))


def not_above_texture(noise: NoiseModel, guesses: Sequence[FirstGuess]) -> NoiseModel:
    """White noise, as weak as it is beside texture where hardly any place is flat and the network took texture for it.

    Of grey frames alone, for noise that channels share would pass for less noise.
    Source: docs/decisions/noise-beside-texture.md.
    """
    if noise.channels > 1 or flat_share(of_flat_places(noise, guesses)) >= MANY_FLAT:
        return noise
    frames: list[Pixels] = []
    blanks: list[Mask | None] = []
    for guess in guesses:
        for place, planes in enumerate(guess.noisy):
            frames.append(planes.movedim(0, 2).double().cpu().numpy())
            blanks.append(None if guess.shown is None else guess.shown[place, 0].cpu().numpy() == 0)
    power = excess(noise, frames, blanks)
    if power is None or power > 1 / TEXTURE_CONTRADICTS**2:
        return noise
    power = max(power, LEAST_BESIDE_TEXTURE)
    return replace(noise, slope=power * noise.slope, floor=power * noise.floor)


def not_above_flat_places(
    noise: NoiseModel, first: NoiseModel, network: Callable[[Tensor], Tensor], guesses: Sequence[FirstGuess], seed: int
) -> NoiseModel:
    """A model, or that of the flat places, where these contradict it; the first estimate says where it is flat.

    Where the first estimate falls with brightness, that is dark detail: the noise of the flat places counts everywhere.
    """
    levels = np.concatenate([guess.levels().cpu().numpy() for guess in guesses])
    mean = first.variance(levels).mean(axis=0)
    falls = first.slope < 0
    shape = replace(first, slope=np.where(falls, 0.0, first.slope), floor=np.where(falls, mean, first.floor))
    flat = of_flat_places(shape, guesses)
    if flat_share(flat) < LEAST_FLAT:
        return noise
    found = replace(fit_variance(shape, network, flat, seed), span=noise.span)
    ends = np.stack([levels.min(axis=0), levels.max(axis=0)])
    return found if (noise.variance(ends) > CONTRADICTS**2 * found.variance(ends)).any() else noise


def of_flat_places(model: NoiseModel, guesses: Sequence[FirstGuess]) -> list[FirstGuess]:
    """The same crops, where all but their flat places counts as blank.

    Of a page of small print no patch is flat, but the paper between its lines is.
    """
    found = []
    for guess in guesses:
        deviation = VarianceLine(model, guess.clean.device)(guess.clean).sqrt()
        flat = is_flat(guess.clean, deviation).all(dim=1, keepdim=True).to(guess.clean)
        shown = flat if guess.shown is None else flat * guess.shown
        found.append(FirstGuess(guess.noisy, guess.clean, shown))
    return found


def flat_share(flat: Sequence[FirstGuess]) -> float:
    """Of the pixels of crops, what is flat."""
    return float(np.mean([float(guess.shown_share().mean()) for guess in flat]))


def confirm_correlation(model: NoiseModel, guesses: Sequence[FirstGuess]) -> NoiseModel:
    """A model without the correlation that textures or regular detail left in it.

    Textures: what the network removes is not correlated. Regular detail: it removes hardly anything of strong noise.
    """
    removed = [guess.removed() for guess in guesses]
    power = sum(float(noise.square().mean()) for noise in removed)
    if power <= 0:
        return model
    beside = sum(float((noise[..., 1:] * noise[..., :-1]).mean()) for noise in removed) / power
    below = sum(float((noise[..., 1:, :] * noise[..., :-1, :]).mean()) for noise in removed) / power
    # 1 / c for independent channels
    shared = sum(float(noise.mean(dim=1).square().mean()) for noise in removed) / power
    pairs = model.channels - 1
    between = (shared * model.channels - 1) / pairs if pairs else 0.0
    estimate = np.mean([model.variance(samples(guess.clean).cpu().numpy()).mean() for guess in guesses])
    share = float(np.mean([float(guess.shown_share().mean()) for guess in guesses]))
    regular = estimate > STRONG**2 and power / len(guesses) < LEAST_REMOVED**2 * estimate * share
    coarse = model.coarse or (estimate > FAINT**2 and model.neighbours_of_colours > COARSE_COLOURS)
    if model.correlated and (coarse or (max(beside, below) > ALIKE and not regular)):
        return model
    return model.without_correlation(of_channels=model.channels != COLOURS and between <= CHANNELS_ALIKE)


@torch.no_grad()
def fit_variance(
    model: NoiseModel, network: Callable[[Tensor], Tensor], guesses: Sequence[FirstGuess], seed: int
) -> NoiseModel:
    """White noise with the variance |y - f(y)|^2 / (1 - d) of each band of brightness, and a line through them.

    A channel of one brightness keeps the model's line, times a factor.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []  # of each guess: clean, power removed, share passed, whether there is noise
    for guess in guesses:
        variance = VarianceLine(model, guess.noisy.device)(guess.clean)
        variance = variance.clamp_min(LEAST_VARIANCE * float(variance.mean()))
        passed = _divergence(model, network, guess, variance, generator)
        noise_there = has_noise(guess.noisy, model.ends) * (1 if guess.shown is None else guess.shown)
        found = (guess.clean, (guess.noisy - guess.clean).square(), passed, noise_there)
        parts.append([samples(part) for part in found])
    pixels = torch.stack([torch.cat(part) for part in zip(*parts, strict=True)], dim=-1)  # (n, c, 4)
    present = [pixels[pixels[:, channel, 3] > 0, channel, :3] for channel in range(model.channels)]
    lines = [line_of_bands(of_channel, model, channel) for channel, of_channel in enumerate(present)]
    slope, floor = np.array(lines).T
    levels = torch.cat([of_channel[:, 0] for of_channel in present])
    span = (float(levels.min()), float(levels.max())) if len(levels) else model.span
    return replace(model, slope=slope, floor=floor, span=span)


def _divergence(
    model: NoiseModel,
    network: Callable[[Tensor], Tensor],
    guess: FirstGuess,
    variance: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """The share of the noise that goes through at each pixel; a mean of many says something."""
    signs = torch.randint(0, 2, guess.noisy.shape, generator=generator).to(guess.noisy) * 2 - 1
    step = PERTURBATION * shared_by_channels(signs, model) * variance.sqrt()
    return (network(guess.noisy + step) - guess.clean) * step / (PERTURBATION**2 * variance)
