"""How much of what passes for noise may be texture that the network removed.

The level of the noise is what the network removes, so fine texture that goes counts as noise, and Stein's estimate as
no error. Three places have less of it than others; what goes there, of what goes of fresh noise, is the noise:

- the finest frequencies, of which pictures have little: the corner of the spectrum, by second differences both ways;
- the flattest tenth of the frame;
- in colours, what channels do not share: texture is the same in all of them.

Noise that neighbours share a little has less of the finest frequencies, too. In grey frames nothing tells it from
texture; the error is greater than it seems with either.

Source: docs/decisions/texture-in-the-range.md.
"""

from __future__ import annotations

import math

import numpy as np

from zsn2m_deploy.report.detail import WHOLE, activity, blocks
from zsn2m_deploy.report.trials import Trials
from zsn2m_runtime.noise.model import Doubles, NoiseModel

FLATTEST = 0.1  # of the blocks of one brightness
BANDS, FEWEST_OF_BAND = 4, 10  # of brightness, and blocks of each
MOST = 0.5  # more, and the signs are of something else
CHANCE = 2.0  # standard errors of what goes there, which are not counted


def texture_share(removed: Doubles, trials: Trials, denoised: Doubles, model: NoiseModel, weight: Doubles) -> float:
    """Share of the noise's variance that is texture by the clearest of the signs, from 0 to a half.

    Shape:
        removed, denoised: (h, w, c), sensor units; weight: (h, w, c), 1 where a sample counts, else 0
    """
    sigma = np.sqrt(model.variance(denoised))
    independent = denoised.shape[2] > 1 and not model.shared
    found = (
        _less_in_flattest(removed, trials, denoised, sigma, weight),
        _less_of_colours(removed, trials, sigma, weight)
        if independent
        else _less_of_the_finest(removed, trials, weight),
    )
    return float(np.clip(max(found), 0, MOST))


def _less_of_the_finest(removed: Doubles, trials: Trials, weight: Doubles) -> float:
    """How much less than of fresh noise goes of the finest frequencies."""
    height, width = (length - 2 for length in weight.shape[:2])
    places = [(row, column) for row in range(3) for column in range(3)]
    inside = np.min([weight[row : row + height, column : column + width] for row, column in places], axis=0)
    found, *expected = (float((_finest(one) * inside).sum()) for one in (removed, *trials.removed))
    return 1 - found / float(np.mean(expected)) if all(expected) else 0.0


def _less_in_flattest(removed: Doubles, trials: Trials, denoised: Doubles, sigma: Doubles, weight: Doubles) -> float:
    """How much less than of fresh noise goes in the flattest places, which each result has for itself.

    Of each brightness, for the noise of one may be wrong that hardly counts.
    """
    whole = blocks(weight).mean(axis=2) >= WHOLE
    bands = np.array_split(np.argsort(blocks(denoised).mean(axis=2)[whole]), BANDS)
    if min(map(len, bands)) < FEWEST_OF_BAND:
        return 0.0

    def of_flattest(of_removed: Doubles, result: Doubles) -> list[Doubles]:
        """Power of each block of each band, in units of the noise expected there."""
        busy = activity(result, sigma)[whole]
        power = blocks(np.square(of_removed / sigma) * weight)[whole].sum(axis=1) / blocks(weight)[whole].sum(axis=1)
        return [power[band][busy[band] <= np.quantile(busy[band], FLATTEST)] for band in bands]

    found = of_flattest(removed, denoised)
    tried = [of_flattest(*of) for of in zip(trials.removed, trials.results, strict=True)]
    expected = [float(np.mean([draw[place].mean() for draw in tried])) for place in range(BANDS)]
    if not all(expected):
        return 0.0
    taken = blocks(trials.taken * weight).mean(axis=2)[whole]
    weights = np.array([taken[band].sum() for band in bands])
    weights /= weights.sum()
    ratios, errors = np.array(
        [(of.mean() / power, of.std() / math.sqrt(len(of)) / power) for of, power in zip(found, expected, strict=True)]
    ).T
    return float(1 - weights @ ratios - CHANCE * np.sqrt(np.square(weights) @ np.square(errors)))


def _less_of_colours(removed: Doubles, trials: Trials, sigma: Doubles, weight: Doubles) -> float:
    """How much less than of fresh noise goes of what channels do not share."""
    all_there = weight.min(axis=2, keepdims=True)
    found, *expected = (_of_colours(one / sigma, all_there) for one in (removed, *trials.removed))
    return 1 - found / float(np.mean(expected)) if all(expected) else 0.0


def _of_colours(planes: Doubles, weight: Doubles) -> float:
    """Power of differences of the channels. Shape: (h, w, c), (h, w, 1)."""
    return float((np.square(planes - planes.mean(axis=2, keepdims=True)) * weight).sum())


def _finest(planes: Doubles) -> Doubles:
    """Power of the finest frequencies: squares of second differences both ways.

    Shape: (h, w, c) -> (h - 2, w - 2, c)
    """
    down = planes[2:] - 2 * planes[1:-1] + planes[:-2]
    return np.asarray(np.square(down[:, 2:] - 2 * down[:, 1:-1] + down[:, :-2]))
