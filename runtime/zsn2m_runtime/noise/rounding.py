"""Noise of few steps of the values in use: rounding is a part of it, and of the result's error.

Measured on crops of Kodak24: docs/results/noise.md#noise-of-few-steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.sample_types import Pixels, is_whole

MOST_SAMPLES = 1_000_000  # of a frame that are looked at
MOST_FRAMES = 8
# Steps that a deviation has at least where rounding costs at most 0.6 dB; measured, as said above.
LEAST_OF_FRAME = 0.6
LEAST_OF_RESULT = 2.0
NONE = 0.05  # steps: such frames are drawn, and have no noise
STEP_POWER = 1 / 12  # of rounding to whole numbers
REMOVED = 7.2  # power of the noise over that of the error, as the tuning half has it: 8.5 dB at 0.3 steps, 2 at 1


@dataclass(frozen=True)
class Rounding:
    """The values of frames, sensor units.

    values: how many different ones are in use
    step: from one to the next; the median
    sigma: standard deviation of the noise
    whole: whether results are rounded to whole numbers
    """

    values: int
    step: float
    sigma: float
    whole: bool

    @property
    def costs(self) -> float:
        """What rounding a result to whole numbers loses, dB: it adds to an error that is a part of the noise."""
        return 10 * math.log10(1 + STEP_POWER * REMOVED / self.sigma**2)

    @property
    def in_words(self) -> str | None:
        """What rounding costs; None where that is little."""
        if self.sigma < NONE * self.step:
            return None
        said = []
        if self.sigma < LEAST_OF_FRAME * self.step:
            said.append(
                f"only {self.sigma / self.step:.2g} of the step between the {self.values} values in use: rounding is a "
                "part of it, and is not removed"
            )
        if self.whole and self.sigma < LEAST_OF_RESULT:
            said.append(
                f"only {self.sigma:.2g} whole numbers: rounding results to them costs about {self.costs:.1f} dB, a "
                "frame of floats (NPY, 32-bit TIFF) nothing"
            )
        return ", ".join(said) or None


def rounding_of(frames: Sequence[Pixels], sigma: float) -> Rounding:
    """Look at the values of frames, without the rarest at both ends.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units
    """
    seen = frames[:: -(-len(frames) // MOST_FRAMES)]
    low, high = value_span(seen)
    samples = [frame.ravel()[:: -(-frame.size // MOST_SAMPLES)] for frame in seen]
    values = np.unique(np.concatenate([found[(found >= low) & (found <= high)] for found in samples]))
    step = float(np.median(np.diff(values.astype(np.float64)))) if len(values) > 1 else 0.0
    return Rounding(len(values), step, sigma, all(is_whole(frame.dtype) for frame in frames))
