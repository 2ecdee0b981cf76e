"""Percentiles of durations over a stream of any length, in bounded memory."""

from __future__ import annotations

import math

import numpy as np

SHORTEST, LONGEST = 1e-6, 1e5  # seconds
BINS_PER_DECADE = 200  # a bin is 10 ** (1 / 200) - 1 = 1.2 % wide


class Latency:
    """A histogram of durations with logarithmic bins."""

    def __init__(self) -> None:
        decades = math.log10(LONGEST / SHORTEST)
        self._counts = np.zeros(round(decades * BINS_PER_DECADE) + 1, np.int64)
        self.total = 0.0

    @property
    def count(self) -> int:
        """How many durations were added."""
        return int(self._counts.sum())

    def add(self, seconds: float) -> None:
        """Count one duration."""
        place = math.log10(min(max(seconds, SHORTEST), LONGEST) / SHORTEST) * BINS_PER_DECADE
        self._counts[round(place)] += 1
        self.total += seconds

    def percentile(self, percent: float) -> float | None:
        """The duration in seconds that `percent` of 100 do not exceed, to 1 %; None where there are none."""
        count = self.count
        if not count:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), max(1, math.ceil(count * percent / 100))))
        return float(SHORTEST * 10 ** (place / BINS_PER_DECADE))

    def summary(self) -> dict[str, float | None]:
        """Milliseconds: mean, p50, p95, p99."""
        count = self.count
        milliseconds = {f"p{percent}": self.percentile(percent) for percent in (50, 95, 99)}
        found = {"mean": self.total / count if count else None, **milliseconds}
        return {name: None if value is None else round(value * 1000, 3) for name, value in found.items()}
