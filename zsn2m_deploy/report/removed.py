"""What was removed beside the noise that was estimated: figures, and the limits from which on they say something."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zsn2m_deploy.report.detail import CONFIDENCE, Detail

FEWEST_WHOLE = 0.25  # of the samples are not clipped, to judge how much went: beside white paper the rest is edges

# Limits for noise that pixels do not share, and for noise that a camera's processing made: it is stronger at edges and
# no model of it is as sure. Set on the tuning half of docs/results/verdicts.md#verdicts: good results are below.
ALIKE_LIMIT, ALIKE_LIMIT_SHARED = 0.06, 0.15  # correlation of neighbours above the noise's; good: up to 0.01 and 0.14
PEAKS_LIMIT = 0.04  # power of sharp peaks; of 100 frames that the pretrained network denoised: up to 0.025
LITTLE, MUCH, MUCH_SHARED = 0.5, 1.25, 1.5  # deviation removed, of the estimated one; good: up to 1.1 and 1.4


@dataclass(frozen=True)
class Histogram:
    """Shares of the samples in each bin, of what was removed and of the estimated noise.

    Shape:
        edges: (bins + 1,), sensor units; removed, expected: (bins,)
    """

    edges: tuple[float, ...]
    removed: tuple[float, ...]
    expected: tuple[float, ...]


@dataclass(frozen=True)
class Autocorrelation:
    """Correlation with the pixel 0 to 4 further, of what was removed and of the estimated noise; all channels."""

    beside: tuple[float, ...]
    below: tuple[float, ...]
    expected_beside: tuple[float, ...]
    expected_below: tuple[float, ...]
    samples: int
    limit: float = ALIKE_LIMIT

    @property
    def excess(self) -> float:
        """How much more alike neighbours are than those of the noise."""
        return (self.beside[1] - self.expected_beside[1] + self.below[1] - self.expected_below[1]) / 2

    @property
    def structured(self) -> bool:
        """Whether that is more than noise and its estimate can explain."""
        return self.excess > self.limit + CONFIDENCE / math.sqrt(self.samples)


@dataclass(frozen=True)
class Peaks:
    """Sharp peaks of the spectrum of what was removed: regular detail of the picture.

    share: of its power; period: pixels, and direction: degrees from the rows, counter-clockwise, of the strongest
    """

    share: float
    period: float | None = None
    direction: float | None = None

    @property
    def regular(self) -> bool:
        """Whether that is more than what processing leaves of a sensor's grid."""
        return self.share > PEAKS_LIMIT


@dataclass(frozen=True)
class Removed:
    """What was removed beside the noise that was estimated.

    sigma, expected_sigma: standard deviations, sensor units
    usable: share of the samples looked at, the others being clipped
    shared: whether neighbouring pixels share the estimated noise
    weakened: whether training removes less than it could where that leaves a smaller error
    histogram, autocorrelation, detail, peaks: None where there are too few of them
    """

    sigma: float
    expected_sigma: float
    usable: float
    shared: bool
    histogram: Histogram | None
    autocorrelation: Autocorrelation | None
    detail: Detail | None
    peaks: Peaks | None = None
    weakened: bool = False

    @property
    def ratio(self) -> float:
        """Deviation removed, of that estimated."""
        return self.sigma / self.expected_sigma

    @property
    def little(self) -> bool:
        """Whether noise is left, where the samples that are looked at stand for the frame."""
        return self.usable >= FEWEST_WHOLE and self.ratio < LITTLE

    @property
    def much(self) -> bool:
        """Whether more than the noise went, likewise."""
        return self.usable >= FEWEST_WHOLE and self.ratio > self.most

    @property
    def most(self) -> float:
        """The ratio from which on it is much."""
        return MUCH_SHARED if self.shared else MUCH

    @property
    def powerful(self) -> bool:
        """Whether more than noise went in detailed places; noise that a camera processed is stronger there itself."""
        return self.detail is not None and self.detail.powerful and not self.shared

    @property
    def structured(self) -> bool:
        """Whether structure of the picture is among it."""
        alike = self.autocorrelation is not None and self.autocorrelation.structured
        regular = self.peaks is not None and self.peaks.regular
        return alike or regular or self.powerful or (self.detail is not None and self.detail.edged)
