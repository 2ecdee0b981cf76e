"""Heavy tails of noise: more samples far off, on both sides, than a normal distribution has.

Measured against the denoised frame where that is flat, in units of the noise's standard deviation. A median takes out
isolated pixels that the network kept. Points of light, which optics spread over several pixels, are not flat.

Measured on known noise: docs/decisions/heavy-tails.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad, unfold

from zsn2m_deploy.noise.clipping import has_noise
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.noise.mean import FAR
from zsn2m_deploy.noise.variance import VarianceLine, is_flat
from zsn2m_runtime.noise.level import MAD_OF_NORMAL
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import HeavyTails

# From the decision above: normal and photon noise has at most 1e-5 on its rarer side, Student's t of 5 has 1e-3.
FARTHER = 5.0  # standard deviations of the core
LEAST = 8e-5  # share of the samples beyond FARTHER on the rarer side from which on tails are heavy
FARTHEST = 0.1  # share of the samples beyond FAR, whose distance says how far tails reach
FEWEST = 4000  # flat samples; fewer have too few that are far off
FEWEST_FAR = 5  # different samples beyond FARTHER on the rarer side: fewer may be defective pixels
FACTORS = np.geomspace(1.5, 40, 200)  # that are tried; far beyond any range in use at the end
MOST = 0.25  # share: where there seem to be more, the line of the variance is wrong, and not the tails
ALIKE = 0.1  # correlation of neighbours: more is texture, noise has up to 0.061: docs/decisions/heavy-tails.md
ROUNDS = 6  # of telling the core from the tails, which widen the median; it settles in about 4


def with_heavy_tails(model: NoiseModel, guesses: Sequence[FirstGuess], pixels: int) -> NoiseModel:
    """The model with its tails, its variance that of the core; the same where tails are not heavy.

    Not looked for where noise is correlated, of which the network leaves a part. What is alike from pixel to pixel is
    texture of a frame that has little noise.

    Args:
        model: with its variance refined
        guesses: crops of the frames, denoised by the pretrained network, in the model's units
        pixels: of the frames; crops of small ones show the same pixels again and again
    """
    if model.correlated or model.counted:
        return model
    of_guesses = [_standardised(model, guess) for guess in guesses]
    units = torch.cat([found[flat] for found, flat in of_guesses]).cpu().double().numpy()
    if len(units) < FEWEST or _alike(of_guesses) > ALIKE:
        return model
    units = units - np.median(units)
    size = np.abs(units)
    median = float(np.median(size))
    core = median / MAD_OF_NORMAL
    rarer = min(float((units > FARTHER * core).mean()), float((units < -FARTHER * core).mean()))
    looked_at = sum(guess.clean[:, 0].numel() for guess in guesses)
    different = len(units) * min(1.0, pixels / looked_at)
    if core <= 0 or rarer < LEAST or rarer * different < FEWEST_FAR:
        return model
    share, factor = 0.0, 1.0
    for _ in range(ROUNDS):
        beyond = size[size > FAR * core]
        reach = float(np.quantile(beyond, 1 - FARTHEST)) / core
        ratios = _above(reach / FACTORS) / _above(FAR / FACTORS)  # share of those beyond FAR; rises with the factor
        factor = float(np.interp(FARTHEST, ratios, FACTORS))
        share = len(beyond) / len(size) / float(_above(np.array([FAR / factor]))[0])
        if share > MOST:
            return model
        core = median / _median_of_mixture(share, factor)
    tails = HeavyTails(share=share, factor=factor, power=float(np.mean(np.square(units))) / core**2)
    return replace(model, slope=model.slope * core**2, floor=model.floor * core**2, tails=tails)


def _median_of_mixture(share: float, factor: float) -> float:
    """The median of the size of normal samples of which a share is wider by a factor."""
    distances = MAD_OF_NORMAL * np.geomspace(1, factor, 200)
    inside = 1 - (1 - share) * _above(distances) - share * _above(distances / factor)
    return float(np.interp(0.5, inside, distances))


def _standardised(model: NoiseModel, guess: FirstGuess) -> tuple[Tensor, Tensor]:
    """Noise of crops over its standard deviation, and which samples are flat. Shape: (b, c, h, w), both."""
    clean = _median(guess.clean)
    deviation = VarianceLine(model, clean.device)(clean).sqrt()
    flat = is_flat(clean, deviation) & (has_noise(guess.noisy, model.ends) > 0)
    flat[:, torch.from_numpy(~model.loud).to(flat.device)] = False
    if guess.shown is not None:
        flat = flat & (guess.shown > 0)
    return (guess.noisy - clean) / deviation, flat


def _alike(of_guesses: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Correlation of flat neighbours, beside and below. Shape: each (b, c, h, w), units and which are flat."""
    shared = power = 0.0
    for units, flat in of_guesses:
        for axis in (2, 3):
            length = units.shape[axis] - 1
            first, second = units.narrow(axis, 0, length), units.narrow(axis, 1, length)
            both = flat.narrow(axis, 0, length) & flat.narrow(axis, 1, length)
            shared += float((first * second * both).sum())
            power += float(((first.square() + second.square()) / 2 * both).sum())
    return shared / power if power > 0 else 0.0


def _median(frames: Tensor) -> Tensor:
    """The median of each 3 x 3 pixels. Shape: (b, c, h, w) -> the same."""
    around = pad(frames, [1, 1, 1, 1], mode="replicate").flatten(0, 1)[:, None]
    return unfold(around, 3).median(dim=1).values.view(frames.shape)


def _above(distance: np.ndarray) -> np.ndarray:
    """Share of normal samples that are farther from 0 than so many standard deviations."""
    return np.asarray(2 * torch.special.ndtr(-torch.from_numpy(np.asarray(distance, np.float64))).numpy())
