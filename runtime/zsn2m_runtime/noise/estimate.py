"""The noise of a sensor from its noisy frames: level, dependence on brightness, correlation; from the flattest patches.

Measured on frames with known noise: docs/results/noise.md#noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zsn2m_runtime.blank.areas import blanks_of, filled, present
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.mosaic_record import COLOURS, PLANES
from zsn2m_runtime.noise.colours import WIDE, covariance_of_colours
from zsn2m_runtime.noise.counts import counted_photons
from zsn2m_runtime.noise.floor import without_regular_detail
from zsn2m_runtime.noise.jpeg import jpeg_quality
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import QUIET as QUIET_CHANNEL
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel
from zsn2m_runtime.noise.patches import CELLS, FEWEST, SIDE, TINY, Floats, Patches, joined, lowest, patches_of
from zsn2m_runtime.noise.spectrum import covariance_of
from zsn2m_runtime.noise.tails import shape_of
from zsn2m_runtime.noise.texture import shared_line
from zsn2m_runtime.noise.unlike_channels import unlike_channels
from zsn2m_runtime.sample_types import Mask, Pixels

MOST_PATCHES = 8000  # looked at, evenly spaced; of many frames at least FEWEST each
MOST_WIDE = 600  # of wide patches, for noise of colours
MOST_VALUES = 1_000_000  # of all frames that are looked at for their ends
ENDS = 0.005  # of all samples at the lowest or the highest value: more, and samples end there
BANDS = 12  # of brightness
QUIET = 0.1  # of the patches of a band have less detail than this: noise alone, if any have
QUIET_SHARE = 0.83  # of the noise's variance is in them: least of 64 coefficients each; measured
DEAD = 0.1  # of the variance expected: patches below it are clipped or filled
ROUNDS = 12  # of fitting the line; it settles in about 5
LEAST_EXPECTED = 0.05  # of the largest variance: bands below count as if they had so much
LOWEST = 0.5  # of the smallest variance, at the darkest band, where a line would fall below zero
LEAST_VARIANCE = 0.02  # of the median over the patches
APART = 3.0  # deviations of the noise of a patch's mean: levels closer together give no slope
FARTHEST = 1e6  # of the values in use: patches with such samples are not of the calm ones that are looked for
NO_NOISE = 1e-11  # variance of a constant channel: rounding, and TINY


def estimate_noise(frames: Sequence[Pixels], blanks: Sequence[Mask | None] | None = None) -> NoiseModel:
    """Level, dependence on brightness, and correlation over pixels and channels.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16
        blanks: (h, w) of each, or None: areas that say nothing of the noise; None: found here
    Raises:
        InputError: frames too small, or blank all over.
    """
    for frame in frames:
        _check_size(frame)
    blanks = blanks_of(frames) if blanks is None else blanks
    seen = [present(frame, blank) for frame, blank in zip(frames, blanks, strict=True)]
    if frames[0].ndim == 3 and all(bool((pixels == pixels[..., :1]).all()) for pixels in seen):  # grey, in colours
        return estimate_noise([frame[..., 0] for frame in frames], blanks).of_each(frames[0].shape[2])
    if counted := counted_photons(frames, blanks):
        return counted
    low, high = value_span(seen)
    scale = high - low or 1.0
    most = max(MOST_PATCHES // len(frames), FEWEST)
    units = [
        _unit(filled(frame, blank).reshape(*frame.shape[:2], -1), low, scale)
        for frame, blank in zip(frames, blanks, strict=True)
    ]
    patches = joined([patches_of(unit, most, blank) for unit, blank in zip(units, blanks, strict=True)])
    if not len(patches.level):
        raise InputError(
            f"expected {SIDE} x {SIDE} pixels of a scene somewhere, but got frames that are blank all over (padding, "
            f"alpha 0 or NaN); their noise cannot be estimated"
        )
    slope, floor = _envelope(patches)
    expected = _variance(slope, floor, patches.level)
    alive = np.asarray((patches.detail >= DEAD * expected).all(axis=1))
    if alive.sum() >= FEWEST:
        patches, expected = patches.chosen(alive), expected[alive]
    smooth = lowest((patches.coarse / expected).mean(axis=1))
    chosen = smooth & lowest((patches.detail / expected).mean(axis=1))
    flat = patches.chosen(chosen if chosen.any() else smooth)
    deviations = flat.flat / np.sqrt(_variance(slope, floor, flat.level))[:, None, None]
    told_by_colours = flat.level.shape[1] == COLOURS and not jpeg_quality(seen)  # JPEG takes colours out of flat areas
    wide = _wide_patches(units, blanks) if told_by_colours else None
    of_flat = _variance(slope, floor, flat.level).mean(axis=0)
    apart = unlike_channels(_in_one_unit(wide, (slope, floor)), of_flat) if wide else None
    if wide and apart is not None:
        slope, floor = _apart((slope, floor), wide, apart)
        deviations = flat.flat / np.sqrt(_variance(slope, floor, flat.level))[:, None, None]
        covariance = NoiseModel.white(slope, floor).correlation
    elif wide:
        covariance = _of_colours(flat, patches, wide, (slope, floor))
    else:
        covariance = covariance_of(deviations)
    power = np.maximum(np.einsum("iiyx->iyx", covariance)[:, REACH, REACH], TINY)
    correlation = covariance / np.sqrt(power[:, None] * power)[:, :, None, None]
    noiseless = _variance(slope, floor, flat.level).mean(axis=0) < NO_NOISE
    correlation[noiseless] = correlation[:, noiseless] = 0.0
    np.einsum("iiyx->iyx", correlation)[:, REACH, REACH] = 1.0  # of a channel without noise too
    unit, ends = deviations / np.sqrt(power), (flat.at_low.mean(axis=0), flat.at_high.mean(axis=0))
    shape = shape_of(unit, correlation, *ends)
    span = float(patches.level.min()), float(patches.level.max())
    found = NoiseModel(
        slope,
        floor,
        correlation,
        span,
        shape.skew,
        skew_error=shape.skew_error,
        kurtosis=shape.kurtosis,
        apart=None if apart is None else tuple(apart.tolist()),
    )
    found = replace(found, skew=np.where(found.loud, found.skew, 0.0))  # that of texture
    told = found.correlated or (found.shared and told_by_colours)
    factor = np.square(shape.gain) * (power if told else 1.0)  # details of neighbours hold a part of it
    found = replace(found, slope=slope * factor, floor=floor * factor)
    found = without_regular_detail(found, units, blanks, deviations, float(np.add(*ends).max()))
    if found.channels == PLANES:
        found = _of_mosaic(found, units, blanks)
    return replace(found.rescaled(-low / scale, 1 / scale), ends=ends_of(seen))


def _wide_patches(units: Sequence[Floats], blanks: Sequence[Mask | None]) -> Patches | None:
    """Wide patches, in which noise of colours is told; None where frames are too small."""
    most = max(MOST_WIDE // len(units), FEWEST)
    large = [(unit, blank) for unit, blank in zip(units, blanks, strict=True) if min(unit.shape[:2]) >= WIDE]
    wide = joined([patches_of(unit, most, blank, WIDE) for unit, blank in large]) if large else None
    return wide if wide and len(wide.level) >= FEWEST else None


def _in_one_unit(patches: Patches, line: tuple[Doubles, Doubles]) -> Floats:
    """Patches over the deviation of a line, of the mean of its channels. Shape: (n, side, side, c)."""
    return np.asarray(patches.flat / np.sqrt(_variance(*line, patches.level).mean(axis=1))[:, None, None, None])


def _apart(line: tuple[Doubles, Doubles], wide: Patches, power: Doubles) -> tuple[Doubles, Doubles]:
    """The line of each channel, whose power in units of a line is known.

    Of the weakest the height alone is known: their own lines are those of texture.
    """
    variance = _variance(*line, wide.level).mean(axis=0)
    found = power * variance.mean()
    factor = np.where(power < QUIET_CHANNEL * power.max(), 0.0, found / variance)
    return line[0] * factor, np.where(factor > 0, line[1] * factor, found)


def _of_colours(flat: Patches, narrow: Patches, wide: Patches, line: tuple[Doubles, Doubles]) -> Doubles:
    """Between channels and near pixels, in units of a line.

    Shape:
        line: slope and floor of each channel; returns: (3, 3, 9, 9)
    """
    of_flat = _variance(*line, flat.level)
    share = (of_flat / of_flat.mean(axis=1, keepdims=True)).mean(axis=0)
    covariance = covariance_of_colours(*(_in_one_unit(patches, line) for patches in (wide, narrow, flat)))
    return np.asarray(covariance / np.sqrt(share[:, None] * share)[:, :, None, None])


def _of_mosaic(noise: NoiseModel, units: Sequence[Floats], blanks: Sequence[Mask | None]) -> NoiseModel:
    """A sensor's own noise: independent, with one gain and read noise, whatever filter is before a pixel.

    Source: docs/decisions/noise-beside-texture.md.
    """
    white, line = noise.without_correlation(), shared_line(units, blanks)
    if line is None:
        return white
    slope, floor = (np.full(PLANES, part) for part in line)
    return replace(white, slope=slope, floor=floor)


def _unit(frame: Pixels, low: float, scale: float) -> Floats:
    """Samples where those in use go from 0 to 1; single ones whose squares are too large, less far."""
    wide = frame.astype(np.float32) if frame.dtype == np.float16 else frame  # a difference in float16 is rounded
    with np.errstate(over="ignore"):
        return np.asarray(np.asarray(wide - low, np.float32) / scale, np.float32).clip(-FARTHEST, FARTHEST)


def ends_of(frames: Sequence[Pixels]) -> tuple[float, float]:
    """Where samples are clipped: the lowest and the highest value, if many samples have it; else infinite.

    Shape:
        frames: each (h, w), (h, w, c) or (n, c), sensor units
    """
    pixels = [frame.reshape(frame.shape[0] * frame.shape[1], -1) for frame in frames]
    most = MOST_VALUES // len(frames)
    values = np.concatenate([frame[:: max(1, frame.size // most)].reshape(-1) for frame in pixels])
    low, high = float(values.min()), float(values.max())
    many = max(ENDS * values.size, FEWEST)
    return (
        low if np.count_nonzero(values == low) >= many else -np.inf,
        high if np.count_nonzero(values == high) >= many else np.inf,
    )


def _check_size(frame: Pixels) -> None:
    height, width = frame.shape[:2]
    if min(height, width) < SIDE:
        raise InputError(
            f"expected a frame of at least {SIDE} x {SIDE} pixels, but got {width} x {height} (width x height); its "
            f"noise cannot be estimated"
        )


def _envelope(patches: Patches) -> tuple[Doubles, Doubles]:
    """The line of variance over brightness, from the patches with the least detail at each brightness."""
    order = np.argsort(patches.level.mean(axis=1))
    groups = [group for group in np.array_split(order, BANDS) if len(group)]
    level = np.array([patches.level[group].mean(axis=0) for group in groups])
    detail = np.array([np.quantile(patches.detail[group], QUIET, axis=0) for group in groups]) / QUIET_SHARE
    coarse = np.array([np.quantile(patches.coarse[group], QUIET, axis=0) for group in groups])
    slopes, floors = [], []
    for x, y, cells in zip(level.T, detail.T, coarse.T, strict=True):
        if x.var() < APART**2 * cells.mean() / (SIDE // CELLS) ** 2:  # the levels differ by noise alone
            slopes.append(0.0)
            floors.append(float(np.median(y)))
            continue
        weight = np.ones(len(x))
        for _ in range(ROUNDS):
            slope, floor = _line(x, y, weight)
            expected = np.maximum(slope * x + floor, LEAST_EXPECTED * y.max())
            weight = np.square(np.minimum(expected / y, 1) / expected)  # what lies above is structure
        if slope * x.min() + floor <= 0:  # noise that grows faster than brightness: a line that stays above zero
            rise, start = x - x.min(), LOWEST * y.min()
            slope = float((weight * rise * (y - start)).sum() / (weight * rise**2).sum())
            floor = float(start - slope * x.min())
        slopes.append(slope)
        floors.append(floor)
    return np.array(slopes), np.array(floors)


def _variance(slope: Doubles, floor: Doubles, level: Doubles) -> Doubles:
    found = slope * level + floor
    return np.asarray(np.maximum(found, LEAST_VARIANCE * np.median(found, axis=0).clip(0)) + TINY)


def _line(x: Doubles, y: Doubles, weight: Doubles) -> tuple[float, float]:
    """Slope and height at zero of the line through (x, y), by weighted least squares."""
    centre, mean = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = np.average(np.square(x - centre), weights=weight) + TINY
    slope = float(np.average((x - centre) * (y - mean), weights=weight) / spread)
    return slope, float(mean - slope * centre)
