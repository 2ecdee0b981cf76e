"""Is what was removed noise? Its amount, distribution and correlation beside those of the estimated noise.

Structure of the picture among it raises the correlation of neighbours and the power in detailed places; regular detail
makes sharp peaks in the spectrum.
"""

from __future__ import annotations

import math

import numpy as np

from zsn2m_deploy.report.detail import compare_detail
from zsn2m_deploy.report.removed import ALIKE_LIMIT, ALIKE_LIMIT_SHARED, Autocorrelation, Histogram, Peaks, Removed
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel
from zsn2m_runtime.noise.waves import find_waves, power_of
from zsn2m_runtime.sample_types import Mask, Pixels, is_whole

LAGS = REACH  # pixels
BINS = 60  # of the histogram, at most
SHOWN = 4.0  # deviations to each side of the histogram
GROUPS = 32  # of brightness, which the expected histogram is a mixture over
CLEAR = 2.0  # deviations that a value must be away from a range's end at which the frame is clipped
PILED = 1e-3  # share of the samples at an end of the range: from there on it counts as clipped
FEWEST_SAMPLES = 400

LEAST_VARIANCE = 0.05  # of its mean: a line that runs into zero where it is dark says little of the noise there
ROUNDING = 1 / 12  # variance that whole numbers add


def analyse(
    noisy: Pixels,
    denoised: Pixels,
    model: NoiseModel,
    value_range: tuple[float, float],
    shown: Mask | None = None,
    weakened: bool = False,
) -> Removed:
    """Compare what was removed from a frame with the noise of a model.

    Shape:
        noisy, denoised: (h, w) or (h, w, 3), sensor units
        shown: (h, w), what is not blank; None: all
    Args:
        value_range: of the sensor; where a frame is clipped at its ends, values near them are left out
        weakened: whether the network removes less than it was trained to
    """
    weakened = weakened or model.regular or model.channels == PLANES
    before, after = (pixels.reshape(*pixels.shape[:2], -1).astype(np.float64) for pixels in (noisy, denoised))
    whole = is_whole(noisy.dtype)
    sigma = expected_sigma(after, model, whole)
    weight = usable(before, after, sigma, value_range, shown)
    looked_at = weight.size if shown is None else max(int(shown.sum()), 1) * weight.shape[2]
    whole_share = float(weight.sum()) / looked_at
    removed = (before - after) * weight
    if weight.sum() < FEWEST_SAMPLES:
        everywhere = float(np.sqrt(np.square(before - after).mean())), float(np.sqrt(np.square(sigma).mean()))
        return Removed(*everywhere, whole_share, model.correlated, None, None, None, None, weakened)
    samples = weight.sum()
    unit = removed / sigma
    return Removed(
        float(np.sqrt(np.square(removed).sum() / samples)),
        float(np.sqrt((np.square(sigma) * weight).sum() / samples)),
        whole_share,
        model.correlated,
        _histogram(removed[weight > 0], sigma[weight > 0], whole),
        _autocorrelation(unit, weight, model),
        compare_detail(unit, weight, after, sigma),
        _peaks(unit, weight),
        weakened,
    )


def expected_sigma(denoised: Doubles, model: NoiseModel, whole: bool) -> Doubles:
    """The noise expected at each place, a standard deviation; `whole`: of whole numbers. Shape: (h, w, c) -> same."""
    variance = model.variance(denoised)
    least = LEAST_VARIANCE * variance.mean(axis=(0, 1))
    return np.asarray(np.sqrt(np.maximum(variance, np.maximum(least, ROUNDING) if whole else least)))


def usable(
    noisy: Doubles, denoised: Doubles, sigma: Doubles, value_range: tuple[float, float], shown: Mask | None = None
) -> Doubles:
    """1 where noise is whole, 0 where an end of the range cuts it, or where a frame is blank.

    Shape:
        all: (h, w, c), sensor units; shown: (h, w), what is not blank; None: all
    """
    low, high = value_range
    weight = np.ones_like(denoised)
    if shown is not None:
        weight *= shown[..., None]
    if (noisy <= low).mean() >= PILED:
        weight *= denoised - low > CLEAR * sigma
    if (noisy >= high).mean() >= PILED:
        weight *= high - denoised > CLEAR * sigma
    return weight


def _histogram(removed: Doubles, sigma: Doubles, whole: bool) -> Histogram:
    reach = SHOWN * max(float(np.sqrt(np.square(sigma).mean())), float(np.sqrt(np.square(removed).mean())), 1e-12)
    step = max(1, math.ceil(2 * reach / BINS)) if whole else 2 * reach / BINS
    half = math.ceil(reach / step - 0.5)
    edges = (np.arange(-half, half + 2) - 0.5) * step
    counts = np.histogram(removed, edges)[0] / removed.size
    quantiles = np.quantile(sigma, (np.arange(GROUPS) + 0.5) / GROUPS)
    below = np.mean([[_normal(edge / max(q, 1e-12)) for edge in edges] for q in quantiles], axis=0)
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()), tuple(np.diff(below).tolist()))


def _normal(deviations: float) -> float:
    """Share of a normal distribution below."""
    return 0.5 * (1 + math.erf(deviations / math.sqrt(2)))


def _autocorrelation(unit: Doubles, weight: Doubles, model: NoiseModel) -> Autocorrelation | None:
    found = [[_alike(unit, weight, lag, axis) for lag in range(LAGS + 1)] for axis in (1, 0)]
    if any(value is None for values in found for value in values):
        return None
    own = np.einsum("iiyx->yx", model.correlation) / model.channels
    beside, below = (tuple(float(value) for value in values if value is not None) for values in found)
    expected_beside, expected_below = tuple(own[REACH, REACH:].tolist()), tuple(own[REACH:, REACH].tolist())
    limit = ALIKE_LIMIT_SHARED if model.correlated else ALIKE_LIMIT
    return Autocorrelation(beside, below, expected_beside, expected_below, int(weight.sum()), limit)


def _peaks(unit: Doubles, weight: Doubles) -> Peaks:
    waves = find_waves(np.asarray(unit, np.float32))
    if not waves:
        return Peaks(0.0)
    power = float(np.square(unit).sum() / weight.sum())
    return Peaks(min(power_of(waves) / power, 1.0), waves[0].period, waves[0].direction)


def _alike(unit: Doubles, weight: Doubles, lag: int, axis: int) -> float | None:
    """Correlation with the pixel that many further along an axis; None where there is nothing to compare."""
    unit, weight = np.moveaxis(unit, axis, 0), np.moveaxis(weight, axis, 0)
    first, second = unit[: len(unit) - lag], unit[lag:]
    both = weight[: len(unit) - lag] * weight[lag:]
    power = math.sqrt((np.square(first) * both).sum() * (np.square(second) * both).sum())
    return float((first * second * both).sum() / power) if power > 0 else None
