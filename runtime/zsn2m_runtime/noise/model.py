"""The noise model: variance over brightness, correlation of pixels and channels, skewness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise_record import HeavyTails, JpegNoise, NoiseRecord

Doubles = npt.NDArray[np.float64]

REACH = 4  # pixels; correlation beyond it counts as none
LEAST = 1e-3  # smallest variance, of the largest in the span
LEVELS = 100_000  # values per frame that a mean over brightness is taken of
GREEN_LESS = 0.03  # correlation of neighbours: docs/decisions/scenes-of-cameras.md
CORRELATED = 0.15  # correlation of neighbours from which on noise counts as correlated: docs/results/noise.md#noise
LEAST_COLOUR = 0.1  # power of all colour differences, of that of a channel: less is rounding
QUIET = 1 / 16  # of the power of the strongest channel: docs/decisions/unlike-channels.md
SHARED = 0.25  # correlation of two channels, either way, from which on it counts: docs/decisions/noise-of-colours.md
PHOTONS = 0.1  # skewness from which on noise is that of photons: docs/decisions/photon-skewness.md
TONE_CURVE = -0.1  # skewness below which a tone curve is behind it: docs/decisions/tone-curve-median.md


@dataclass(frozen=True)
class NoiseModel:
    """Noise with a variance of `slope * x + floor` at a clean x, and a correlation that is the same everywhere.

    Shape:
        slope, floor: (c,), of units and of units squared of the frame
        span: clean values that the line was fitted to; where it falls, the variance beyond is that at the end
        skew: (c,) or (1,), skewness; below zero after a tone curve that is steepest in the dark, as cameras apply it
        skew_error: (c,) or (1,), its standard error
        ends: values beyond which samples are clipped; infinite where they are not
        correlation: (c, c, 9, 9), of noise divided by its standard deviation: between channel j at a pixel and channel
            i at the pixel (row - 4, column - 4) further; 1 at [i, i, 4, 4]
    Args:
        regular: whether the frames have regular detail that networks and patches take for noise
        tails: None: those of a normal distribution; else the variance is that of the core
        kurtosis: of flat patches, and its standard error; 3 for a normal distribution, NaN where it is not known
        jpeg: how the noise of a camera's JPEG came; the rest of the model says what it is like after that
        counted: whether samples count few photons, so that the variance is known and no estimate
        measured: whether the line of correlated noise was measured everywhere, not in the flattest patches alone
        apart: power of each channel's noise, where some have much more than others, each of its own; None elsewhere
        coarse: whether many flat patches of a grey frame have coarse noise beside independent one, so that it is no
            texture, though networks keep it
    """

    slope: Doubles
    floor: Doubles
    correlation: Doubles
    span: tuple[float, float] = (-np.inf, np.inf)
    skew: Doubles = field(default_factory=lambda: np.zeros(1))
    ends: tuple[float, float] = (-np.inf, np.inf)
    regular: bool = False
    tails: HeavyTails | None = None
    skew_error: Doubles = field(default_factory=lambda: np.zeros(1))
    kurtosis: tuple[float, float] = (np.nan, np.inf)
    jpeg: JpegNoise | None = None
    counted: bool = False
    measured: bool = False
    apart: tuple[float, ...] | None = None
    coarse: bool = False

    @classmethod
    def white(cls, slope: Doubles, floor: Doubles) -> NoiseModel:
        """Noise that neither pixels nor channels share."""
        channels = len(slope)
        correlation = np.zeros((channels, channels, 2 * REACH + 1, 2 * REACH + 1))
        correlation[:, :, REACH, REACH] = np.eye(channels)
        return cls(slope, floor, correlation)

    @classmethod
    def line_of(cls, noise: NoiseRecord) -> NoiseModel:
        """The line of a record, as white noise; its correlation is not in it."""
        line = cls.white(np.array(noise.slope), np.array(noise.floor))
        return replace(line, span=noise.span) if noise.span else line

    @property
    def channels(self) -> int:
        """How many channels a frame has."""
        return len(self.slope)

    @property
    def neighbours(self) -> tuple[float, float]:
        """Correlation of a pixel with the one beside it and the one below it, mean over the channels."""
        own = np.einsum("iiyx->yx", self.correlation) / self.channels
        return float(own[REACH, REACH + 1]), float(own[REACH + 1, REACH])

    @property
    def between(self) -> Doubles:
        """Correlation of the channels at one pixel, (c, c)."""
        return self.correlation[:, :, REACH, REACH]

    @property
    def between_channels(self) -> float:
        """Mean correlation of two channels at the same pixel; 0 for grey."""
        shared = self.between
        pairs = self.channels * (self.channels - 1)
        return float((shared.sum() - np.trace(shared)) / pairs) if pairs else 0.0

    @property
    def correlated(self) -> bool:
        """Whether neighbouring pixels share noise."""
        return self.coarse or max(map(abs, self.neighbours)) > CORRELATED

    @property
    def neighbours_of_colours(self) -> float:
        """Correlation of a pixel with those beside and below it, in differences of colour; 0 where there are none."""
        if self.channels != COLOURS:
            return 0.0
        across = np.eye(COLOURS) - 1 / COLOURS  # grey is left out
        here, beside, below = (
            float(np.sum(across * self.correlation[:, :, REACH + down, REACH + right]))
            for down, right in ((0, 0), (0, 1), (1, 0))
        )
        return (beside + below) / 2 / here if here > LEAST_COLOUR else 0.0

    @property
    def shared(self) -> bool:
        """Whether channels share noise, or have opposite noise."""
        return bool(np.abs(self.between - np.diag(np.diag(self.between))).max() > SHARED)

    @property
    def demosaicked(self) -> bool:
        """Whether a Bayer mosaic is behind it: neighbours share more of red and blue, which it has less of, than green.

        Not told of the noise of a camera's JPEG, of which the pixels are drawn.
        """
        if self.channels != COLOURS or not self.correlated or self.jpeg:
            return False
        near = self.correlation[:, :, REACH, REACH + 1] + self.correlation[:, :, REACH + 1, REACH]
        red, green, blue = near.diagonal() / 2
        return bool((red + blue) / 2 > green + GREEN_LESS)

    @property
    def alike(self) -> bool:
        """Whether all channels have one line of the variance."""
        return bool(np.ptp(self.slope) == 0 and np.ptp(self.floor) == 0)

    @property
    def loud(self) -> npt.NDArray[np.bool_]:
        """Which channels have noise to speak of, (c,): all, but where they are apart."""
        return self.strong(QUIET)

    def strong(self, share: float) -> npt.NDArray[np.bool_]:
        """Which channels have so much of the strongest one's power, (c,): all, but where they are apart."""
        power = np.array(self.apart or [1.0] * self.channels)
        return np.asarray(power >= share * power.max())

    @property
    def counts_photons(self) -> npt.NDArray[np.bool_]:
        """Whether white noise is skewed as that of photons is, (c,)."""
        return np.broadcast_to((self.skew > PHOTONS) & (not self.correlated), self.channels)

    @property
    def photon_gain(self) -> Doubles:
        """Units per photon, (c,); 0 where noise is not that of photons."""
        return np.where(self.counts_photons, self.slope.clip(0), 0.0)

    @property
    def curve_skewness(self) -> Doubles:
        """Skewness that a tone curve left, (c,), below zero; 0 where there was none."""
        skews = np.broadcast_to(self.skew, self.channels)
        return np.where(skews < TONE_CURVE, skews, 0.0)

    def variance(self, clean: npt.NDArray[Any]) -> Doubles:
        """Variance at clean values; never below `least`.

        Shape:
            clean: (..., c)
            returns: (..., c)
        """
        if clean.dtype == np.float16:
            clean = clean.astype(np.float32)  # ends of the span would be rounded
        level = np.where(self.slope < 0, np.clip(clean, *self.span), clean)
        found = self.slope * level + self.floor
        return np.asarray(np.maximum(found, self.least))

    @property
    def least(self) -> Doubles:
        """The smallest variance of each channel: a thousandth of the largest in the span; the line may go below."""
        ends = np.array([end for end in self.span if np.isfinite(end)])
        line = self.slope * ends[:, None] + self.floor if len(ends) else self.floor[None]
        return np.asarray(LEAST * np.maximum(line.max(axis=0), np.finfo(np.float64).tiny))

    @property
    def rising(self) -> Doubles:
        """Slope, floor and least variance, (3, c), of a line that does not fall: a falling one stays at its highest."""
        falls = self.slope < 0
        highest = self.variance(np.full((1, self.channels), self.span[0]))[0] if falls.any() else self.floor
        return np.stack([np.where(falls, 0, self.slope), np.where(falls, highest, self.floor), self.least])

    def sigma(self, frames: Iterable[npt.NDArray[Any]]) -> float:
        """Standard deviation of the noise of frames, over all their pixels and channels.

        Shape:
            frames: each (h, w) or (h, w, c)
        """
        levels = [frame.reshape(-1, self.channels)[:: max(1, frame.size // LEVELS)] for frame in frames]
        return float(np.sqrt(self.variance(np.concatenate(levels)).mean()))

    def record(self) -> NoiseRecord:
        """What a manifest keeps of it."""
        return NoiseRecord(
            slope=tuple(self.slope.tolist()),
            floor=tuple(self.floor.tolist()),
            span=self.span if np.isfinite(self.span).all() else None,
            skew=tuple(np.broadcast_to(self.skew, self.channels).tolist()),
            neighbours=self.neighbours,
            channels=self.between_channels,
            correlated=self.correlated,
            tails=self.tails,
            jpeg=self.jpeg,
        )

    @property
    def normal(self) -> NoiseModel:
        """Noise without heavy tails that has the variance of all samples, core and tails."""
        if self.tails is None:
            return self
        power = self.tails.power
        return replace(self, slope=self.slope * power, floor=self.floor * power, tails=None)

    def without_correlation(self, of_channels: bool = True) -> NoiseModel:
        """The same noise, shared by neither pixels nor, if said so, channels."""
        correlation = self.white(self.slope, self.floor).correlation
        if not of_channels:
            correlation[:, :, REACH, REACH] = self.between
        return replace(self, correlation=correlation, coarse=False)

    def of_each(self, channels: int) -> NoiseModel:
        """Noise of one channel that so many have: all of them the same."""
        return replace(
            self,
            slope=self.slope.repeat(channels),
            floor=self.floor.repeat(channels),
            correlation=np.tile(self.correlation, (channels, channels, 1, 1)),
        )

    def rescaled(self, offset: float, scale: float) -> NoiseModel:
        """The same noise, of frames that are (x - offset) / scale."""

        def moved(pair: tuple[float, float]) -> tuple[float, float]:
            return (pair[0] - offset) / scale, (pair[1] - offset) / scale

        return replace(
            self,
            slope=self.slope / scale,
            floor=(self.floor + self.slope * offset) / scale**2,
            span=moved(self.span),
            ends=moved(self.ends),
            jpeg=self.jpeg and self.jpeg.rescaled(offset, scale),
        )
