"""PSNR of a result without a clean image: Stein's unbiased risk estimate (SURE), with a range.

Independent noise of a known variance v: E|f(y) - x|^2 = E|y - f(y)|^2 - v + 2 cov(noise, f(y)) (Stein, 1981). The
covariance is measured by fainter noise on top of the frame (Ramani, Blu and Unser, Monte-Carlo SURE, 2008).

Three corrections, as the variance is an estimate:

- if f removes less from flat places of the frame than from fresh noise, the variance was too high, and is lowered;
- the error is no smaller than that on f's own result with fresh noise, which has no detail left to lose;
- clipped places have no such estimate; they are as much worse as they are under fresh noise.

How often the range holds: docs/results/verdicts.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.report.analysis import ROUNDING, usable
from zsn2m_deploy.report.detail import FLAT, activity, blocks
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Mask

DRAWS = 2
FAINT = 0.3  # of the noise's deviation
BATCH = 16  # pixels of the blocks that the standard error is taken over
FEWEST_BATCHES = 9
UNSURE = 0.05  # of the variance, which is how well it is known at best; measured, docs/results/noise.md#noise
AGREES = (0.88, 1.1)  # power that is taken out of flat places, of that of fresh noise
NARROWEST, WIDEST = 1.0, 8.0  # dB
# of the error under fresh noise, that of the frame may be: its first result holds noise that passes for detail there.
# Set on the tuning half of docs/results/verdicts.md#verdicts, where it is at least 0.75
LEAST_FLOOR = 0.8
LITTLE_GAINED = 0.8  # power of the error, of that of the noise: from there on hardly anything was gained; 1 dB
FEWEST = 0.25  # share of the samples that are not clipped
SMALLEST = 1e-9  # of the peak, squared: an error of nothing has no PSNR
REGULAR = "the frame has regular detail, beside which the estimate does not hold"

Denoise = Callable[[Doubles], Doubles]


@dataclass(frozen=True)
class SelfCheck:
    """An estimate of the result's PSNR, or why there is none.

    psnr, low, high: dB, and the range that it is likely in
    noisy_psnr: of the frame as it came, by the same noise estimate and what was replaced
    error: root of the mean squared error, sensor units; noise: standard deviation of the noise that it refers to
    peak: of the PSNRs, sensor units
    left: power of the error, of that of the noise; also where it is too unsure for a PSNR; None where not even that
    contradicted: whether flat places lost another power than the noise has, so that there is no PSNR
    """

    psnr: float | None
    low: float | None
    high: float | None
    noisy_psnr: float | None
    error: float | None
    noise: float
    peak: float
    reason: str | None
    left: float | None = None
    contradicted: bool = False

    @property
    def worse(self) -> bool:
        """Whether the result is hardly nearer to the truth than the frame, or further away."""
        return self.left is not None and self.left > LITTLE_GAINED


@dataclass(frozen=True)
class Context:
    """What else is known of a frame and its result.

    structured: what was removed holds structure of the picture, so that it may be more than the noise
    unmodelled: what of the frame the noise model does not know, so that there is no estimate; None: nothing
    shown: (h, w), what is not blank; None: all
    replaced: mean power of what was replaced in the frame before, as impulses are
    """

    structured: bool = False
    unmodelled: str | None = None
    shown: Mask | None = None
    replaced: float = 0.0


PLAIN = Context()


def self_check(
    noisy: Doubles,
    denoise: Denoise,
    model: NoiseModel,
    value_range: tuple[float, float],
    context: Context = PLAIN,
) -> SelfCheck:
    """Estimate the PSNR of a network's result on a frame from the frame alone.

    Shape:
        noisy: (h, w, c), sensor units, both sides at least 16
        denoise: (h, w, c) -> the same, not rounded
    """
    peak = value_range[1] - value_range[0]
    denoised = denoise(noisy)
    variance = model.variance(denoised)
    noise = math.sqrt(variance.mean())
    weight = usable(noisy, denoised, np.sqrt(variance), value_range)
    ends = value_range if weight.min() < 1 else (-math.inf, math.inf)
    there = np.broadcast_to(1.0 if context.shown is None else context.shown[..., None], noisy.shape)
    weight = weight * there
    if obstacle := context.unmodelled or _obstacle(model, weight, there):
        return _none(obstacle, noise, peak)
    trials = _trials(noisy, denoised, denoise, model, ends)
    agrees = _agreement(noisy, denoised, trials, variance, weight)
    share = min(agrees or 1.0, 1.0)
    known = share * _mean(variance, weight)[0]
    error, margin = _mean(np.square(noisy - denoised) - share * variance + 2 * share * trials.covariance, weight)
    left = error / known if known > 0 else None
    if agrees is None or agrees < AGREES[0] or (agrees > AGREES[1] and not context.structured):
        none = _none(_too_roughly_known(agrees), noise, peak)
        return replace(none, left=left, contradicted=agrees is not None)
    if model.regular:  # of two results it said 1 and 4 dB too little: docs/results/noise.md#regular-detail
        return replace(_none(REGULAR, noise, peak), left=left)
    floor = share * _mean(trials.error, weight)[0]
    margin = math.hypot(2 * margin, UNSURE * known)
    everywhere = float(np.average(trials.error, weights=there)) * share / floor if floor > 0 else 1.0
    rounding = ROUNDING if (noisy == np.rint(noisy)).all() else 0.0  # the result will be whole numbers, too
    best = max(error - margin, LEAST_FLOOR * floor) * min(everywhere, 1.0) + rounding
    likely = max(error, floor) * everywhere + rounding
    worst = max(error + margin, floor) * max(everywhere, 1.0) + rounding
    if best <= SMALLEST * peak**2 or 10 * math.log10(worst / best) > WIDEST:
        return replace(_none("the error is too small beside what is known of the noise", noise, peak), left=left)
    psnr, low, high, noisy_psnr = (
        10 * math.log10(peak**2 / power) for power in (likely, worst, best, known + context.replaced)
    )
    low, high = min(low, psnr - NARROWEST / 2), max(high, psnr + NARROWEST / 2)
    return SelfCheck(psnr, low, high, noisy_psnr, math.sqrt(likely), math.sqrt(known), peak, None, left)


def without_noise(value_range: tuple[float, float]) -> SelfCheck:
    """Of a frame that has none."""
    return _none("the frame has no noise", 0.0, value_range[1] - value_range[0])


def _obstacle(model: NoiseModel, weight: Doubles, there: Doubles) -> str | None:
    """Why there can be no estimate; weights (h, w, c) of the samples that count, and of those that are not blank."""
    if there.mean() < FEWEST:
        return "most of what was looked at is blank"
    if weight.sum() < FEWEST * there.sum():
        return "most of the frame is at black or white, or so near that noise is clipped"
    if (weight.shape[0] // BATCH) * (weight.shape[1] // BATCH) < FEWEST_BATCHES:
        return "the frame is too small"
    if model.correlated:
        return "the noise is correlated, and the estimate holds for independent noise only"
    return None


@dataclass(frozen=True)
class _Trials:
    """Means over the draws, (h, w, c).

    taken, error: power that is removed from the result with fresh noise, and of what then is wrong
    covariance: of the noise and the result for the frame
    """

    taken: Doubles
    error: Doubles
    covariance: Doubles


def _trials(
    noisy: Doubles, denoised: Doubles, denoise: Denoise, model: NoiseModel, ends: tuple[float, float]
) -> _Trials:
    """What fresh noise shows; it is clipped at the ends, as that of the frame is."""
    generator = np.random.default_rng(0)
    taken, error, covariance = (np.zeros_like(noisy) for _ in range(3))
    for _ in range(DRAWS):
        noise = draw_noise(model, np.asarray(denoised, np.float32), generator).astype(np.float64)
        fresh = np.clip(denoised + noise, *ends)
        again = denoise(fresh)
        taken += np.square(fresh - again) / DRAWS
        error += np.square(again - denoised) / DRAWS
        covariance += noise * (denoise(noisy + FAINT * noise) - denoised) / FAINT / DRAWS
    return _Trials(taken, error, covariance)


def _agreement(noisy: Doubles, denoised: Doubles, trials: _Trials, variance: Doubles, weight: Doubles) -> float | None:
    """Power removed from flat places, of that removed there from fresh noise; None where there are none."""
    busy = activity(denoised, np.sqrt(variance))
    flat = (busy <= np.quantile(busy, FLAT))[..., None]
    removed, expected = (
        float((blocks(power * weight) * flat).sum()) for power in (np.square(noisy - denoised), trials.taken)
    )
    return removed / expected if expected > 0 else None


def _too_roughly_known(agrees: float | None) -> str:
    """A noise that is right for denoising may be too wrong for an estimate of what is left."""
    if agrees is None:
        return "the frame has no flat places"
    low, high = (f"{100 * end:.0f}" for end in AGREES)
    return (
        f"the noise is known too roughly for it (flat places lost {100 * agrees:.0f} % of the power expected, {low} to "
        f"{high} % would do)"
    )


def _mean(values: Doubles, weight: Doubles) -> tuple[float, float]:
    """Weighted mean and its standard error, from batches of neighbouring pixels."""
    weights, sums = blocks(weight, BATCH).sum(axis=2), blocks(values * weight, BATCH).sum(axis=2)
    mean = float(sums.sum() / weights.sum())
    return mean, float(np.sqrt(np.square(sums - mean * weights).sum()) / weights.sum())


def _none(reason: str, noise: float, peak: float) -> SelfCheck:
    return SelfCheck(None, None, None, None, None, noise, peak, reason)
