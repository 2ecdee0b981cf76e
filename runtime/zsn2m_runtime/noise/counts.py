"""Counts of few photons: frames whose samples are 0, 1, 2, ... times a gain, and as noisy as the light makes them.

Their noise needs no estimate: the variance at x is the gain times x (Poisson). Patches and networks misread it where
most samples are 0, which then pass for clipped.

Measured: docs/decisions/few-photons.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Mask, Pixels

FEWEST_COUNTS, MOST_COUNTS = 3, 100  # different values; dots in black and white have two
MOST_PHOTONS = 4.0  # a sample on average; of more the estimate is right
FEWEST_PHOTONS = 0.02  # of fewer, neighbours hardly differ
WHOLE = 1e-3  # of a count: rounding of float frames
FANO = (
    0.9,
    1.15,
)  # variance of steps to the neighbours over the mean, in gains: 1 of photons, 1.00 to 1.03 with detail


def counted_photons(frames: Sequence[Pixels], blanks: Sequence[Mask | None]) -> NoiseModel | None:
    """The noise of frames that count few photons; None where they do not.

    Shape:
        frames: each (h, w) or (h, w, c), sensor units
        blanks: (h, w) of each, or None: areas that say nothing
    """
    planes = [np.atleast_3d(frame) for frame in frames]
    shown = [
        np.ones(plane.shape[:2], bool) if blank is None else ~blank for plane, blank in zip(planes, blanks, strict=True)
    ]
    values = np.unique(np.concatenate([np.unique(plane[seen]) for plane, seen in zip(planes, shown, strict=True)]))
    if not FEWEST_COUNTS <= len(values) <= MOST_COUNTS or values[0] != 0 or not np.isfinite(values).all():
        return None
    gain = float(np.diff(values.astype(np.float64)).min())
    counts = values.astype(np.float64) / gain
    if np.abs(counts - np.rint(counts)).max() > WHOLE:
        return None
    mean = np.mean([plane[seen].mean(axis=0, dtype=np.float64) for plane, seen in zip(planes, shown, strict=True)], 0)
    photons = mean / gain
    if not (photons.min() > FEWEST_PHOTONS and photons.max() < MOST_PHOTONS):
        return None
    for axis in (0, 1):
        steps = np.mean([_steps(plane, seen, axis) for plane, seen in zip(planes, shown, strict=True)], axis=0)
        fano = steps / (2 * gain * mean)
        if not (FANO[0] < fano.min() and fano.max() < FANO[1]):
            return None
    model = NoiseModel.white(np.full(len(mean), gain), np.zeros(len(mean)))
    return replace(model, span=(0.0, float(values[-1])), skew=1 / np.sqrt(photons), counted=True)


def _steps(plane: np.ndarray, seen: np.ndarray, axis: int) -> np.ndarray:
    """Mean square of the differences of neighbours that are both shown, of each channel."""
    lines, shown = np.moveaxis(plane.astype(np.float64), axis, 0), np.moveaxis(seen, axis, 0)
    return np.asarray(np.square(lines[1:] - lines[:-1])[shown[1:] & shown[:-1]].mean(axis=0))
