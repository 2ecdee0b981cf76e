"""Skewness of a sensor's noise, also where samples are clipped.

Model: normal noise x after the curve (1 - exp(-b x)) / b, a mirrored lognormal distribution. A camera's tone curve,
which is steep in the dark, does that: the clean value stays the median and is no longer the mean.

Source: docs/decisions/tone-curve-median.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

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


def skew_and_gain(
    unit: npt.NDArray[np.floating], at_low: npt.NDArray[np.floating], at_high: npt.NDArray[np.floating]
) -> tuple[Doubles, Doubles]:
    """Skewness of each channel, and how many times the noise is as strong as its clipped samples show.

    Shape:
        unit: (n, side, side, c), noise of flat patches over its measured deviation
        at_low, at_high: (c,), share of the samples at the sensor's ends
        returns: (c,), (c,)
    """
    centred = unit - np.median(unit, axis=(1, 2), keepdims=True)
    found = [
        _of_channel(centred[..., channel].ravel(), low, high)
        for channel, (low, high) in enumerate(zip(at_low, at_high, strict=True))
    ]
    skews, gains = np.array(found).T
    return skews, gains


def _of_channel(values: npt.NDArray[np.floating], at_low: float, at_high: float) -> tuple[float, float]:
    if max(at_low, at_high) <= CLIPPED:
        inner = np.clip(values, -OUTLIER, OUTLIER)
        inner = inner - inner.mean()
        return float((inner**3).mean() / ((inner**2).mean() + 1e-12) ** 1.5), 1.0
    side = 1 if at_low >= at_high else -1
    near, far = np.quantile(side * values, PROBABILITIES)
    if near <= 0:  # a channel without noise
        return 0.0, 1.0
    expected = np.array([side * curved(side * np.array(NORMAL), bend) for bend in BENDS])  # (bends, 2)
    ratios = expected[:, 1] / expected[:, 0]  # falls with the bend above, rises below
    bend = float(np.interp(-side * far / near, -side * ratios, BENDS))
    gain = near / float(side * curved(np.array([side * NORMAL[0]]), bend)[0])
    return float(skew_of(bend)), float(np.clip(gain, 1.0, MOST_GAIN))
