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


def corrected(frame: Pixels, impulses: ImpulseNoise | None, row_noise: Sequence[RowNoise]) -> Pixels:
    """A frame as the network sees it, a fixed pattern apart.

    Shape:
        frame: (h, w) or (h, w, c), sensor units, blank areas filled
        returns: the same shape; float32 if rows or columns have offsets
    """
    sound = without_impulses(frame, impulses)
    return kept_at_ends(sound, without_row_noise(sound, row_noise))


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


def kept_at_ends(given: Pixels, made: Pixels) -> Pixels:
    """A corrected frame in which the samples that were clipped stay so, and none goes beyond.

    Shape:
        given: (h, w) or (h, w, c), the frame as it was; made: the same shape, corrected
    """
    if made is given:
        return made
    low, high = ends_of([given])
    return np.asarray(np.where(given <= low, low, np.where(given >= high, high, made.clip(low, high))), made.dtype)
