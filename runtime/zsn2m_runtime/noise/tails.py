"""Skewness and kurtosis of a sensor's noise; skewness also where samples are clipped.

Model: normal noise x after the curve (1 - exp(-b x)) / b, a mirrored lognormal distribution. A camera's tone curve,
which is steep in the dark, does that: the clean value stays the median and is no longer the mean.

Source: docs/decisions/tone-curve-median.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from zsn2m_runtime.noise.model import REACH

Doubles = npt.NDArray[np.float64]

SHARPENING = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 8
MOST_PATCHES = 2000  # looked at; half a million samples
PARTS = 8  # of the frame, whose skewnesses are compared
TOLD = 4.0  # standard errors: less may be none
LEAST_SHARP = 2 / 3  # of the patches' own skewness: sharpened ones have less, where that is texture's
LEAST_KEPT = 0.2  # of the skewness: 0.8 of white noise, 0.8 to 1 of that of cameras
KEPT = float((SHARPENING**4).sum() / (SHARPENING**2).sum() ** 2)  # of the kurtosis of white noise, beyond 3
NORMAL_KURTOSIS = 3.0
TINY = 1e-12
OUTLIER = 5.0  # deviations that samples are pulled in to
CLIPPED = 0.02  # of the samples at an end: more, and the moments say nothing
PROBABILITIES = (0.75, 0.95)  # of the quantiles on the side that is not clipped
NORMAL = (0.6744897501960817, 1.6448536269514722)  # those of a normal distribution
BENDS = np.linspace(-0.4, 0.4, 161)  # values of b that are tried; 0 is among them
STRAIGHT = 1e-3  # values of b below which there is no curve
MOST_GAIN = 1.4  # of the deviation that clipped samples show


def curved(normal: npt.NDArray[np.floating], bend: float) -> Doubles:
    """Normal samples after the curve, with a variance of 1 and a median of 0."""
    if abs(bend) < STRAIGHT:
        return np.asarray(normal, np.float64)
    growth = np.exp(bend**2)
    deviation = np.sqrt(growth * (growth - 1)) / abs(bend)
    return np.asarray(-np.expm1(-bend * normal.astype(np.float64)) / bend / deviation)


def skew_of(bend: float | Doubles) -> Doubles:
    """Skewness of the curve's results."""
    growth = np.exp(np.square(bend))
    return np.asarray(-np.sign(bend) * (growth + 2) * np.sqrt(growth - 1))


def bend_of(skew: float) -> float:
    """The curve that leaves a skewness."""
    return float(np.interp(-skew, -skew_of(BENDS), BENDS))


class Shape(NamedTuple):
    """The distribution of noise.

    Shape:
        skew, skew_error, gain: (c,)
    Attributes:
        skew: skewness; 0 where it cannot be told from 0
        skew_error: its standard error, by how much parts of the frame disagree
        gain: how many times the noise is as strong as its clipped samples show
        kurtosis: of the channels that are not clipped, and its standard error; NaN where all are
    """

    skew: Doubles
    skew_error: Doubles
    gain: Doubles
    kurtosis: tuple[float, float]


def shape_of(
    unit: npt.NDArray[np.floating],
    correlation: Doubles,
    at_low: npt.NDArray[np.floating],
    at_high: npt.NDArray[np.floating],
) -> Shape:
    """Skewness, kurtosis, and how many times the noise is as strong as its clipped samples show.

    Sharpened patches say whether there is skewness, without texture; its value is the mean of theirs and of that of the
    patches as they are: docs/decisions/skewness-of-sharpened-noise.md.

    Shape:
        unit: (n, side, side, c), noise of flat patches over its measured deviation
        correlation: (c, c, 9, 9), as of `NoiseModel`
        at_low, at_high: (c,), share of the samples at the sensor's ends
    """
    chosen = unit[:: -(-len(unit) // MOST_PATCHES)]
    centred = chosen - np.median(chosen, axis=(1, 2), keepdims=True)
    found, kurtosis = [], []
    for channel, (low, high) in enumerate(zip(at_low, at_high, strict=True)):
        values = centred[..., channel]
        if max(low, high) > CLIPPED:
            side = 1 if low >= high else -1
            skew, gain = _of_quantiles(values, side)
            error = _error([_of_quantiles(part, side)[0] for part in _parts(values)])
            told = abs(skew) > TOLD * error
        else:
            sharpened, kept = _sharpened(values), _kept(correlation[channel, channel])
            sharp, whole, gain = _skewness(sharpened) / kept, _skewness(values), 1.0
            error = _error([_skewness(part) / kept for part in _parts(sharpened)])
            told = abs(sharp) > max(TOLD * error, LEAST_SHARP * abs(whole))
            skew = (sharp + whole) / 2
            kurtosis.append([_kurtosis(sharpened), *map(_kurtosis, _parts(sharpened))])
        found.append((skew if told else 0.0, error, gain))
    skews, errors, gains = np.array(found).T
    whole, *parts = np.mean(kurtosis, axis=0).tolist() if kurtosis else (np.nan,)
    return Shape(skews, errors, gains, (whole, _error(parts)))


def _parts(patches: npt.NDArray[np.floating]) -> list[npt.NDArray[np.floating]]:
    """Patches of parts of the frame."""
    return np.array_split(patches, min(PARTS, len(patches)))


def _error(of_parts: Sequence[float]) -> float:
    """Standard error of a mean of parts of the frame."""
    return float(np.std(of_parts, ddof=1) / np.sqrt(len(of_parts))) if len(of_parts) > 1 else np.inf


def _sharpened(patches: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Pixels less the mean of their neighbours, which hold most of the structure. Shape: (n, h, w) -> (n, h-2, w-2)."""
    rows = patches[:, :-2] + patches[:, 1:-1] + patches[:, 2:]
    around = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return np.asarray((9 * patches[:, 1:-1, 1:-1] - around) / 8)


def _kept(correlation: Doubles) -> float:
    """The share of the skewness that sharpening leaves of noise with this correlation. Shape: (9, 9).

    To first order in skewness, bent normal noise has the third moments a (r_ij r_ik + r_ij r_jk + r_ik r_jk) at pixels
    i, j, k with correlations r, and a skewness of 3 a.
    """
    near = correlation[REACH - 2 : REACH + 3, REACH - 2 : REACH + 3]
    shared = np.einsum("yxij,ij->yx", sliding_window_view(near, (3, 3)), SHARPENING)
    power = max(float((SHARPENING * shared).sum()), TINY)
    return max(float((SHARPENING * np.square(shared)).sum() / power**1.5), LEAST_KEPT)


def _skewness(values: npt.NDArray[np.floating]) -> float:
    """Of all values, outliers pulled in."""
    limit = OUTLIER * (values.std() + TINY)
    inner = np.clip(values - values.mean(), -limit, limit)
    inner = inner - inner.mean()
    square = np.square(inner)
    return float((square * inner).mean() / (square.mean() + TINY) ** 1.5)  # a cube by ** takes ten times as long


def _kurtosis(sharpened: npt.NDArray[np.floating]) -> float:
    """Of noise that is white, before it was sharpened."""
    square = np.square(sharpened)
    power = float(square.mean())
    excess = float(np.square(square).mean()) / power**2 - NORMAL_KURTOSIS if power > TINY else 0.0
    return float(NORMAL_KURTOSIS + excess / KEPT)


def _of_quantiles(values: npt.NDArray[np.floating], side: int) -> tuple[float, float]:
    """Skewness, and the deviation over that of the clipped samples, from the side that is not clipped."""
    near, far = np.quantile(side * values, PROBABILITIES)
    if near <= 0:  # a channel without noise
        return 0.0, 1.0
    expected = np.array([side * curved(side * np.array(NORMAL), bend) for bend in BENDS])  # (bends, 2)
    ratios = expected[:, 1] / expected[:, 0]  # falls with the bend above, rises below
    bend = float(np.interp(-side * far / near, -side * ratios, BENDS))
    gain = near / float(side * curved(np.array([side * NORMAL[0]]), bend)[0])
    return float(skew_of(bend)), float(np.clip(gain, 1.0, MOST_GAIN))
