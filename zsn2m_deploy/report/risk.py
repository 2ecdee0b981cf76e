"""The error of a result, with what it is at best and at worst: Stein's unbiased risk estimate (SURE).

Independent noise of a known variance v: E|f(y) - x|^2 = E|y - f(y)|^2 - v + 2 cov(noise, f(y)) (Stein, 1981).

The variance is an estimate, and what the network removes made it. So

- if f removes less from flat places of the frame than from fresh noise, the variance was too high, and is lowered;
- it is lowered by what of it may be texture (texture.py), and at worst by half as much again;
- the error is no smaller than that on f's own result with fresh noise, which has no detail left to lose.

Limits: docs/decisions/texture-in-the-range.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zsn2m_deploy.report.detail import FLAT, activity, blocks
from zsn2m_deploy.report.texture import texture_share
from zsn2m_deploy.report.trials import Trials
from zsn2m_runtime.noise.model import Doubles, NoiseModel

BATCH = 16  # pixels of the blocks that the standard error is taken over
UNSURE = 0.05  # of the variance, which is how well it is known at best; measured, docs/results/noise.md#noise
AT_WORST = 1.5  # times the texture that is found; set on the tuning frames of docs/decisions/texture-in-the-range.md
# of the error under fresh noise, that of the frame may be: its first result holds noise that passes for detail there.
# Set on the tuning half of docs/results/verdicts.md#verdicts, where it is at least 0.75
LEAST_FLOOR = 0.8


@dataclass(frozen=True)
class Risk:
    """Mean squared errors of the result where noise is whole, in squares of the frame's units.

    best, likely, worst: of the result
    noise: variance that is surely the frame's; agrees: power that flat places lost, of that expected; None: no such
    """

    best: float
    likely: float
    worst: float
    noise: float
    agrees: float | None


def risk(noisy: Doubles, denoised: Doubles, trials: Trials, model: NoiseModel, weight: Doubles) -> Risk:
    """The error of a result.

    Shape:
        noisy, denoised: (h, w, c), sensor units; weight: (h, w, c), 1 where a sample counts, else 0
    """
    removed, variance = noisy - denoised, model.variance(denoised)
    agrees = _agreement(removed, denoised, trials, variance, weight)
    share, texture = min(agrees or 1.0, 1.0), texture_share(removed, trials, denoised, model, weight)
    kept = variance - 2 * trials.covariance

    def error(of_noise: float) -> tuple[float, float]:
        return mean_of(np.square(removed) - of_noise * kept, weight)

    power = mean_of(variance, weight)[0]
    (least, spread), (likely, _), (most, _) = (
        error(min(share, 1 - factor * texture)) for factor in (0.0, 1.0, AT_WORST)
    )
    floor = share * mean_of(trials.error, weight)[0]
    best = max(least - math.hypot(2 * spread, UNSURE * power), LEAST_FLOOR * floor)
    worst = max(most + math.hypot(2 * spread, UNSURE * power), floor)
    return Risk(best, min(max(likely, floor), worst), worst, min(share, 1 - texture) * power, agrees)


def mean_of(values: Doubles, weight: Doubles) -> tuple[float, float]:
    """Weighted mean and its standard error, from batches of neighbouring pixels. Shape: both (h, w, c)."""
    weights, sums = blocks(weight, BATCH).sum(axis=2), blocks(values * weight, BATCH).sum(axis=2)
    mean = float(sums.sum() / weights.sum())
    return mean, float(np.sqrt(np.square(sums - mean * weights).sum()) / weights.sum())


def _agreement(removed: Doubles, denoised: Doubles, trials: Trials, variance: Doubles, weight: Doubles) -> float | None:
    """Power removed from flat places, of that removed there from fresh noise; None where there are none."""
    busy = activity(denoised, np.sqrt(variance))
    flat = (busy <= np.quantile(busy, FLAT))[..., None]
    found, expected = (float((blocks(power * weight) * flat).sum()) for power in (np.square(removed), trials.taken))
    return found / expected if expected > 0 else None
