"""PSNR of a result without a clean image, with a range.

The error is Stein's estimate (risk.py). Clipped places have none; they are as much worse as they are under fresh noise.
Samples that were replaced in the frame, as impulses are, are no noise: their error is that of known samples that are
replaced in the same way (replaced.py).

How often the range holds: docs/results/verdicts.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from zsn2m_deploy.report.analysis import ROUNDING, usable
from zsn2m_deploy.report.brightness import bands, contradiction
from zsn2m_deploy.report.replaced import error_of_replaced
from zsn2m_deploy.report.risk import BATCH, risk
from zsn2m_deploy.report.trials import Denoise, run_trials
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Mask

FEWEST_BATCHES = 9
NEIGHBOURS = 8  # of which a replaced sample is the mean
AGREES = (0.88, 1.1)  # power that is taken out of flat places, of that of fresh noise
NARROWEST, WIDEST = 1.0, 10.0  # dB
LITTLE_GAINED = 0.8  # power of the error, of that of the noise: from there on hardly anything was gained; 1 dB
FEWEST = 0.25  # share of the samples that are not clipped
SMALLEST = 1e-9  # of the peak, squared: an error of nothing has no PSNR
TOO_WIDE = f"what is known of the noise leaves a range of more than {WIDEST:g} dB"
REGULAR = "the frame has regular detail, beside which the estimate does not hold"


@dataclass(frozen=True)
class SelfCheck:
    """An estimate of the result's PSNR, or why there is none.

    psnr, low, high: dB, and the range that it is likely in
    noisy_psnr: of the frame as it came, by the same noise estimate and what was replaced
    error: root of the mean squared error, sensor units; noise: standard deviation of the noise that it refers to
    peak: of the PSNRs, sensor units
    left: power of the error, of that of the noise; also where it is too unsure for a PSNR; None where not even that
    contradicted: whether flat places, all or of some brightness, lost another power than the noise has, or it cannot be
        told, so that there is no PSNR
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
    replaced: (h, w, c), which samples were replaced in the frame before, as impulses are; None: none
    power_replaced: mean power of what that changed
    """

    structured: bool = False
    unmodelled: str | None = None
    shown: Mask | None = None
    replaced: Mask | None = None
    power_replaced: float = 0.0


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
    there = np.broadcast_to(1.0 if context.shown is None else context.shown[..., None], noisy.shape)
    share = 0.0 if context.replaced is None else float(np.average(context.replaced, weights=there))
    smoother = 1 - share * (1 - 1 / NEIGHBOURS)  # the level was found with the replaced samples in it
    model = replace(model, slope=model.slope / smoother, floor=model.floor / smoother)
    denoised = denoise(noisy)
    variance = model.variance(denoised)
    noise = math.sqrt(variance.mean())
    weight = usable(noisy, denoised, np.sqrt(variance), value_range)
    ends = value_range if weight.min() < 1 else (-math.inf, math.inf)
    weight = weight * there
    known = weight if context.replaced is None else weight * ~context.replaced
    if obstacle := context.unmodelled or _obstacle(model, known, there):
        return _none(obstacle, noise, peak)
    trials = run_trials(noisy, denoised, denoise, model, ends)
    found = risk(noisy, denoised, trials, model, known)
    before = found.noise + context.power_replaced  # power of the error of the frame as it came
    left = found.likely / before if found.noise > 0 else None
    if _contradicts(found.agrees, context.structured):
        none = _none(_too_roughly_known(found.agrees), noise, peak)
        return replace(none, left=left, contradicted=found.agrees is not None)
    if said := contradiction(bands(noisy - denoised, trials, denoised, model, known)):
        return replace(_none(said, noise, peak), left=left, contradicted=True)
    if model.regular:  # of two results it said 1 and 4 dB too little: docs/results/noise.md#regular-detail
        return replace(_none(REGULAR, noise, peak), left=left)
    whole, all_of_it = (float(np.average(trials.error, weights=weights)) for weights in (known, there))
    everywhere = all_of_it / whole if whole > 0 else 1.0
    errors = [found.best * min(everywhere, 1.0), found.likely * everywhere, found.worst * max(everywhere, 1.0)]
    if context.replaced is not None:
        of_replaced = error_of_replaced(noisy, denoise, variance, context.replaced, known)
        errors = _with_replaced(errors, of_replaced, share) if of_replaced else errors
    rounding = ROUNDING if (noisy == np.rint(noisy)).all() else 0.0  # the result will be whole numbers, too
    best, likely, worst = (error + rounding for error in errors)
    if best <= SMALLEST * peak**2 or 10 * math.log10(worst / best) > WIDEST:
        return replace(_none(TOO_WIDE, noise, peak), left=left)
    psnr, low, high, noisy_psnr = (10 * math.log10(peak**2 / power) for power in (likely, worst, best, before))
    low, high = min(low, psnr - NARROWEST / 2), max(high, psnr + NARROWEST / 2)
    return SelfCheck(psnr, low, high, noisy_psnr, math.sqrt(likely), math.sqrt(found.noise), peak, None, left)


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


def _contradicts(agrees: float | None, structured: bool) -> bool:
    """Whether flat places say another noise; where structure of the picture went, they may lose more."""
    return agrees is None or agrees < AGREES[0] or (agrees > AGREES[1] and not structured)


def _with_replaced(errors: list[float], of_replaced: tuple[float, float], share: float) -> list[float]:
    """Errors at best, likely and at worst, with those of the samples that were replaced, a share of all.

    Args:
        of_replaced: their error and its standard error
    """
    error, spread = of_replaced
    others = (max(error - 2 * spread, 0.0), max(error, 0.0), max(error + 2 * spread, 0.0))
    return [(1 - share) * one + share * other for one, other in zip(errors, others, strict=True)]


def _too_roughly_known(agrees: float | None) -> str:
    """A noise that is right for denoising may be too wrong for an estimate of what is left."""
    if agrees is None:
        return "the frame has no flat places"
    low, high = (f"{100 * end:.0f}" for end in AGREES)
    return (
        f"the noise is known too roughly for it (flat places lost {100 * agrees:.0f} % of the power expected, {low} to "
        f"{high} % would do)"
    )


def _none(reason: str, noise: float, peak: float) -> SelfCheck:
    return SelfCheck(None, None, None, None, None, noise, peak, reason)
