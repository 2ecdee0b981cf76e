"""What to tell a person of a frame's noise: level, dependence on brightness, correlation, clipping; and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.rounding import Rounding, rounding_of
from zsn2m_runtime.noise.tails import TOLD
from zsn2m_runtime.noise_record import HeavyTails, JpegNoise
from zsn2m_runtime.sample_types import Pixels, is_whole

POINTS = 8  # of the curve of noise over brightness
BAR = 40  # characters of the longest bar of the plot
CLIPPED = 1e-3  # share of samples at an end of the range from which on it is worth a word
CHANGE = 0.1  # of the standard deviation: less is within the error of the estimate, on small frames
HEAVY, SURE = 4.0, 2.0  # kurtosis, less so many standard errors: docs/decisions/skewness-of-sharpened-noise.md
CHANNELS_SHARE = 0.12  # mean correlation of channels from which on it is worth a word


@dataclass(frozen=True)
class NoisePoint:
    """The noise at one brightness, sensor units: the mean over the channels, and of each channel."""

    brightness: float
    sigma: float
    channels: tuple[float, ...]


@dataclass(frozen=True)
class Clipping:
    """Shares of the samples, 0 to 1, at the ends of the range, and what those are in sensor units."""

    low: float
    high: float
    low_share: float
    high_share: float

    @property
    def worth_a_word(self) -> bool:
        """Whether either is more than a stray sample."""
        return max(self.low_share, self.high_share) >= CLIPPED


@dataclass(frozen=True)
class NoiseFacts:
    """The noise of frames, sensor units.

    sigma: standard deviation over all samples
    slope, floor: of each channel; the variance at brightness x is slope x + floor
    depends_on_brightness: by more than such an estimate errs
    curve: from the darkest to the brightest place
    beside, below: correlation of a pixel with its neighbours; channels: of two channels at one pixel, 0 for grey
    skew: skewness of each channel: above zero where few photons are counted, below after a tone curve
    skew_error: its standard error; None where it cannot be told, as where the frame has regular detail
    kurtosis: and its standard error; 3 is normal; None where clipping hides it
    tails: None: those of a normal distribution, or not looked for; else the other figures are of the core
    rounding: whether the values in use are few
    jpeg: how the noise of a camera's JPEG came; None: otherwise
    """

    sigma: float
    slope: tuple[float, ...]
    floor: tuple[float, ...]
    depends_on_brightness: bool
    curve: tuple[NoisePoint, ...]
    beside: float
    below: float
    channels: float
    correlated: bool
    skew: tuple[float, ...]
    skew_error: tuple[float | None, ...]
    kurtosis: tuple[float, float] | None
    clipping: Clipping
    rounding: Rounding
    tails: HeavyTails | None = None
    jpeg: JpegNoise | None = None

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        records = {"tails": self.tails, "jpeg": self.jpeg}
        return asdict(self) | {name: record and record.model_dump() for name, record in records.items()}


def noise_facts(
    frames: Sequence[Pixels],
    model: NoiseModel,
    value_range: tuple[float, float] | None = None,
    given: Sequence[Pixels] | None = None,
) -> NoiseFacts:
    """What a noise model says of frames.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units
    Args:
        value_range: of the sensor; None: the frames' own lowest and highest value
        given: the frames before offsets were removed, which tell what was clipped and rounded; None: nothing was
    """
    beside, below = model.neighbours
    given = given or frames
    low, high = np.clip(value_span(frames), *model.span).tolist()  # beyond are values that noise alone reaches
    curve, sigma = _curve(model, low, high), model.sigma(frames)
    errors = np.broadcast_to(model.skew_error, model.channels).tolist()
    return NoiseFacts(
        sigma=sigma,
        slope=tuple(model.slope.tolist()),
        floor=tuple(model.floor.tolist()),
        depends_on_brightness=_changes(curve),
        curve=curve,
        beside=beside,
        below=below,
        channels=model.between_channels,
        correlated=model.correlated,
        skew=tuple(np.broadcast_to(model.skew, model.channels).tolist()),
        skew_error=tuple(error if np.isfinite(error) else None for error in errors),
        kurtosis=model.kurtosis if np.isfinite(model.kurtosis).all() else None,
        clipping=_clipping(given, value_range if is_whole(given[0].dtype) else None),  # a range cuts no floats
        rounding=rounding_of(given, sigma),
        tails=model.tails,
        jpeg=model.jpeg,
    )


def noise_in_words(facts: NoiseFacts) -> str:
    """One phrase: level, brightness, neighbours, channels, clipping."""
    dark, bright = facts.curve[0].sigma, facts.curve[-1].sigma
    phrase = f"noise of {facts.sigma:.3g} (standard deviation{' of the core' if facts.tails else ''}"
    phrase += f"; {dark:.3g} where dark, {bright:.3g} where bright)" if facts.depends_on_brightness else ")"
    if facts.correlated:
        phrase += f", shared by neighbouring pixels (correlation {facts.beside:.2f} beside, {facts.below:.2f} below)"
    else:
        phrase += ", independent from pixel to pixel"
    if facts.jpeg:
        phrase += f", left of {facts.jpeg.sigma:.3g} by a JPEG of quality {facts.jpeg.quality}"
    if facts.tails:
        phrase += (
            f", with heavy tails ({100 * facts.tails.share:.2g} % of the samples {facts.tails.factor:.2g} times as far)"
        )
    if abs(facts.channels) > CHANNELS_SHARE:
        phrase += f", shared by the channels ({facts.channels:.2f})"
    if facts.rounding.in_words:
        phrase += f", {facts.rounding.in_words}"
    ends = (("low", facts.clipping.low_share), ("high", facts.clipping.high_share))
    clipped = [f"{100 * share:.3g} % {end}" for end, share in ends if share >= CLIPPED]
    return f"{phrase}, clipped ({', '.join(clipped)})" if clipped else phrase


def distribution_in_words(facts: NoiseFacts) -> str:
    """Skewness and kurtosis, and how well they are known."""
    skews = ", ".join(f"{skew:.2f}" for skew in facts.skew)
    errors = [error for error in facts.skew_error if error is not None]
    if errors:
        known = f"standard error {max(errors):.2g}; below {TOLD:.0f} of these it counts as 0"
    else:
        known = "0 for it cannot be told here"
    if facts.kurtosis is None:
        return f"skewness {skews} ({known})"
    kurtosis, error = facts.kurtosis
    of_photons = max(0.0, *facts.skew) ** 2  # what their skewness adds
    heavy = ": heavy tails" if kurtosis - SURE * error - of_photons > HEAVY else ""
    return (
        f"skewness {skews} ({known}), kurtosis {kurtosis:.2f} (standard error {error:.2g}; normal noise has 3){heavy}"
    )


def noise_plot(facts: NoiseFacts) -> str:
    """The curve as bars of plain characters, a line for each brightness."""
    most = max(point.sigma for point in facts.curve) or 1.0
    whole = facts.curve[-1].brightness - facts.curve[0].brightness > 10 * POINTS
    names = [f"{point.brightness:.0f}" if whole else f"{point.brightness:.4g}" for point in facts.curve]
    width = max(map(len, names))
    return "\n".join(
        f"{name:>{width}} |{'#' * round(BAR * point.sigma / most):<{BAR}} {point.sigma:.3g}"
        for name, point in zip(names, facts.curve, strict=True)
    )


def _changes(curve: Sequence[NoisePoint]) -> bool:
    """Whether the noise of a channel changes along the curve by more than CHANGE of its most."""
    deviations = np.array([point.channels for point in curve])
    return bool((np.ptp(deviations, axis=0) > CHANGE * deviations.max(axis=0)).any())


def _curve(model: NoiseModel, low: float, high: float) -> tuple[NoisePoint, ...]:
    levels = np.linspace(low, high, POINTS)
    variances = model.variance(np.repeat(levels[:, None], model.channels, axis=1))
    return tuple(
        NoisePoint(float(level), float(np.sqrt(variance.mean())), tuple(np.sqrt(variance).tolist()))
        for level, variance in zip(levels, variances, strict=True)
    )


def _clipping(frames: Sequence[Pixels], value_range: tuple[float, float] | None) -> Clipping:
    low, high = value_range or (min(float(f.min()) for f in frames), max(float(f.max()) for f in frames))
    samples = sum(frame.size for frame in frames)
    at_low = sum(int(np.count_nonzero(frame <= low)) for frame in frames)
    at_high = sum(int(np.count_nonzero(frame >= high)) for frame in frames)
    return Clipping(low, high, at_low / samples, at_high / samples)
