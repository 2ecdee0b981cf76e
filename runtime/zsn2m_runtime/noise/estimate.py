"""The noise of a sensor from its noisy frames: level, dependence on brightness, correlation; from the flattest patches.

Measured on frames with known noise: docs/results/noise.md#noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.blank.areas import blanks_of, filled, present
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.mosaic_record import COLOURS, PLANES
from zsn2m_runtime.noise.colours import WIDE, covariance_of_colours
from zsn2m_runtime.noise.counts import counted_photons
from zsn2m_runtime.noise.floor import without_regular_detail
from zsn2m_runtime.noise.jpeg import jpeg_of
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.line import Line, line_of
from zsn2m_runtime.noise.model import QUIET, REACH, Doubles, NoiseModel
from zsn2m_runtime.noise.patches import FEWEST, SIDE, TINY, Floats, Patches, joined, lowest, patches_of
from zsn2m_runtime.noise.spectrum import covariance_of, has_coarse_noise, spectra_of
from zsn2m_runtime.noise.tails import shape_of
from zsn2m_runtime.noise.texture import shared_line
from zsn2m_runtime.noise.unlike_channels import unlike_channels
from zsn2m_runtime.sample_types import Mask, Pixels, is_grey

MOST_PATCHES = 8000  # looked at, evenly spaced; of many frames at least FEWEST each
MOST_WIDE = 600  # of wide patches, for noise of colours
MOST_VALUES = 1_000_000  # of all frames that are looked at for their ends
ENDS = 0.005  # of all samples at the lowest or the highest value: more, and samples end there
DEAD = 0.1  # of the variance expected: patches below it are clipped or filled
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
    if frames[0].ndim == 3 and all(map(is_grey, seen)):  # grey, in colours
        return estimate_noise([frame[..., 0] for frame in frames], blanks).of_each(frames[0].shape[2])
    if counted := counted_photons(frames, blanks):
        return counted
    low, high = value_span(seen)
    scale = high - low or 1.0
    units = [
        _unit(filled(frame, blank).reshape(*frame.shape[:2], -1), low, scale)
        for frame, blank in zip(frames, blanks, strict=True)
    ]
    every = _patches(units, blanks)
    line = line_of(every)
    patches, flat = _flat(every, line)
    told_by_colours = flat.level.shape[1] == COLOURS and not jpeg_of(seen)  # JPEG takes colours out of flat areas
    wide = _wide_patches(units, blanks) if told_by_colours else None
    line, deviations, covariance, apart, coarse = _shared(line, patches, flat, wide)
    power, correlation = _parted(covariance, line.variance(flat.level).mean(axis=0) < NO_NOISE)
    ends = flat.at_low.mean(axis=0), flat.at_high.mean(axis=0)
    shape = shape_of(deviations / np.sqrt(power), correlation, *ends)
    found = NoiseModel(
        *line,
        correlation,
        (float(patches.level.min()), float(patches.level.max())),
        shape.skew,
        skew_error=shape.skew_error,
        kurtosis=shape.kurtosis,
        apart=None if apart is None else tuple(apart.tolist()),
        coarse=coarse,
    )
    found = replace(found, skew=np.where(found.loud, found.skew, 0.0))  # that of texture
    told = found.correlated or (found.shared and told_by_colours)
    factor = np.square(shape.gain) * (power if told else 1.0)  # details of neighbours hold a part of it
    found = replace(found, slope=line.slope * factor, floor=line.floor * factor)
    found = without_regular_detail(found, units, blanks, deviations, float(np.add(*ends).max()))
    if found.channels == PLANES:
        found = _of_mosaic(found, units, blanks)
    return replace(found.rescaled(-low / scale, 1 / scale), ends=ends_of(seen))


def _patches(units: Sequence[Floats], blanks: Sequence[Mask | None]) -> Patches:
    """Of all frames, those that show a scene."""
    most = max(MOST_PATCHES // len(units), FEWEST)
    patches = joined([patches_of(unit, most, blank) for unit, blank in zip(units, blanks, strict=True)])
    if not len(patches.level):
        raise InputError(
            f"expected {SIDE} x {SIDE} pixels of a scene somewhere, but got frames that are blank all over (padding, "
            f"alpha 0 or NaN); their noise cannot be estimated"
        )
    return patches


def _flat(patches: Patches, line: Line) -> tuple[Patches, Patches]:
    """Those that are neither clipped nor filled, and of them the flat ones."""
    expected = line.variance(patches.level)
    alive = np.asarray((patches.detail >= DEAD * expected).all(axis=1))
    if alive.sum() >= FEWEST:
        patches, expected = patches.chosen(alive), expected[alive]
    smooth = lowest((patches.coarse / expected).mean(axis=1))
    chosen = smooth & lowest((patches.detail / expected).mean(axis=1))
    return patches, patches.chosen(chosen if chosen.any() else smooth)


class _Shared(NamedTuple):
    """What near pixels and channels share of the noise in flat patches.

    Shape:
        deviations: (n, 16, 16, c), of the patches, in units of the line
        covariance: (c, c, 9, 9), likewise
        apart: (c,), power of each channel's noise where some have much more, of which nothing is shared; None elsewhere
    """

    line: Line
    deviations: Doubles
    covariance: Doubles
    apart: Doubles | None = None
    coarse: bool = False


def _shared(line: Line, patches: Patches, flat: Patches, wide: Patches | None) -> _Shared:
    """Told by differences of colour in wide patches where there are some, else by the power in flat ones."""
    if wide is None:
        deviations = line.units(flat)
        spectra = spectra_of(deviations)
        coarse = spectra.shape[3] == 1 and has_coarse_noise(spectra, len(flat.level) / len(patches.level))
        return _Shared(line, deviations, covariance_of(spectra, coarse), coarse=coarse)
    apart = unlike_channels(line.one_unit(wide), line.variance(flat.level).mean(axis=0))
    if apart is None:
        return _Shared(line, line.units(flat), _of_colours(flat, patches, wide, line))
    line = _apart(line, wide, apart)
    return _Shared(line, line.units(flat), NoiseModel.white(*line).correlation, apart)


def _parted(covariance: Doubles, silent: npt.NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """The power of each channel, and the correlation; channels without noise share none.

    Shape:
        covariance: (c, c, 9, 9); silent: (c,)
        returns: (c,), (c, c, 9, 9)
    """
    power = np.maximum(np.einsum("iiyx->iyx", covariance)[:, REACH, REACH], TINY)
    correlation = covariance / np.sqrt(power[:, None] * power)[:, :, None, None]
    correlation[silent] = correlation[:, silent] = 0.0
    np.einsum("iiyx->iyx", correlation)[:, REACH, REACH] = 1.0  # of a channel without noise too
    return power, correlation


def _wide_patches(units: Sequence[Floats], blanks: Sequence[Mask | None]) -> Patches | None:
    """Wide patches, in which noise of colours is told; None where frames are too small."""
    most = max(MOST_WIDE // len(units), FEWEST)
    large = [(unit, blank) for unit, blank in zip(units, blanks, strict=True) if min(unit.shape[:2]) >= WIDE]
    wide = joined([patches_of(unit, most, blank, WIDE) for unit, blank in large]) if large else None
    return wide if wide and len(wide.level) >= FEWEST else None


def _apart(line: Line, wide: Patches, power: Doubles) -> Line:
    """The line of each channel, whose power in units of a line is known.

    Of the weakest the height alone is known: their own lines are those of texture.
    """
    variance = line.variance(wide.level).mean(axis=0)
    found = power * variance.mean()
    factor = np.where(power < QUIET * power.max(), 0.0, found / variance)
    return Line(line.slope * factor, np.where(factor > 0, line.floor * factor, found))


def _of_colours(flat: Patches, narrow: Patches, wide: Patches, line: Line) -> Doubles:
    """Between channels and near pixels, in units of a line.

    Shape:
        returns: (3, 3, 9, 9)
    """
    of_flat = line.variance(flat.level)
    share = (of_flat / of_flat.mean(axis=1, keepdims=True)).mean(axis=0)
    covariance = covariance_of_colours(*map(line.one_unit, (wide, narrow, flat)))
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
