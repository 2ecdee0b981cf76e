"""What models take away before the network sees a frame, in NumPy: impulses, and offsets of rows and columns.

The exported graph does the same (zsn2m_deploy.noise). Samples that were clipped are kept at their end here, so that an
estimate still sees them there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zsn2m_runtime.noise.estimate import ends_of
from zsn2m_runtime.noise.impulses import ImpulseRule
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.rows import without_row_noise
from zsn2m_runtime.noise_record import ImpulseNoise, RowNoise
from zsn2m_runtime.sample_types import Pixels


def without_impulses(frame: Pixels, found: ImpulseNoise | None) -> Pixels:
    """A frame whose impulses are replaced by the mean of those neighbours that are not at an end.

    Shape:
        frame: (h, w) or (h, w, c), sensor units, finite
        returns: the same shape and dtype; the frame itself where nothing is to be replaced
    """
    if found is None:
        return frame
    noise = NoiseModel.white(np.array(found.slope), np.array(found.floor))
    return ImpulseRule(noise, (found.low, found.high), found.most_alike).corrected(frame)[0]


def without_offsets(frame: Pixels, row_noise: Sequence[RowNoise], pattern: Pixels | None = None) -> Pixels:
    """A frame without the offsets of rows, columns and pixels; samples that were clipped stay so, and none goes beyond.

    Shape:
        frame: (h, w) or (h, w, c), sensor units, finite, without impulses
        pattern: the same shape; None: no fixed pattern
        returns: the same shape; float32 if there are offsets, else the frame itself
    """
    made = without_row_noise(frame, row_noise)
    if pattern is not None:
        made = made - pattern
    if made is frame:
        return frame
    low, high = ends_of([frame])
    return np.asarray(np.where(frame <= low, low, np.where(frame >= high, high, made.clip(low, high))), made.dtype)
