"""The noise of mosaics: all pixels of a sensor have the same gain and read noise, whatever filter is before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_runtime.noise.model import NoiseModel

TINY = 1e-12


def shared_by_planes(noise: NoiseModel, guesses: Sequence[FirstGuess]) -> NoiseModel:
    """The model with one line of the variance for all planes: their mean, as low as in the lowest of them.

    What an estimate has too much is texture, which planes have more or less of: red and blue less than green, if they
    are darker. Source: docs/decisions/mosaics.md.

    Args:
        noise: of the planes, refined
        guesses: denoised crops of the planes, for their levels
    """
    levels = torch.cat([guess.levels() for guess in guesses]).double().cpu().numpy()  # (n, c)
    slope, floor = (np.full_like(of_planes, of_planes.mean()) for of_planes in (noise.slope, noise.floor))
    shared = replace(noise, slope=slope, floor=floor)
    own, mean = (model.variance(levels).mean(axis=0) for model in (noise, shared))
    factor = float((own / mean.clip(TINY)).min())
    return replace(shared, slope=shared.slope * factor, floor=shared.floor * factor)
