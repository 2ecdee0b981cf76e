"""The variance of noise over light where it does not fall, in the numbers of frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class RisingLine(NamedTuple):
    """Of a channel: `slope * level + floor`, at least `least`; units of the frame, squared."""

    slope: np.float32
    floor: np.float32
    least: np.float32

    def variance(self, level: Floats, strength: float) -> Floats:
        """At some levels, of noise that is so many times as strong."""
        power = np.float32(strength * strength)
        found = level * (power * self.slope)
        found += power * self.floor
        np.maximum(found, power * self.least, out=found)
        return found

    def deviation(self, level: Floats, strength: float) -> Floats:
        """Its root."""
        found = self.variance(level, strength)
        np.sqrt(found, out=found)
        return found
