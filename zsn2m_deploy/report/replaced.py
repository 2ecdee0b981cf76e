"""The error of samples that were replaced by their neighbours, as impulses are: leave-one-out, in the same pattern.

Known samples a few pixels beside the replaced ones are replaced in the same way, and the network sees the frame without
them. Its result does not depend on their noise, so E|f - y|^2 there is their error and the variance of their noise.
"""

from __future__ import annotations

import math

import numpy as np

from zsn2m_deploy.report.trials import Denoise
from zsn2m_runtime.noise.impulses import sum_around
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Mask

SHIFTS = ((0, 5), (5, 0), (0, -5), (-5, 0))  # pixels, of the pattern; far enough for other neighbours
ENOUGH = 4000  # samples that are left out
FEWEST = 30


def error_of_replaced(
    noisy: Doubles, denoise: Denoise, variance: Doubles, replaced: Mask, known: Doubles
) -> tuple[float, float] | None:
    """Mean squared error of replaced samples in the result, and its standard error; None where there are too few.

    Shape:
        noisy, variance: (h, w, c), sensor units; replaced: (h, w, c)
        known: (h, w, c), 1 where a sample is neither replaced nor clipped nor blank, else 0
    """
    found = []
    for shift in SHIFTS:
        left_out = np.roll(replaced, shift, (0, 1)) & (known > 0)
        result = denoise(_filled(noisy, left_out, left_out | replaced))
        found.append((np.square(result - noisy) - variance)[left_out])
        if sum(map(len, found)) >= ENOUGH:
            break
    errors = np.concatenate(found)
    if len(errors) < FEWEST:
        return None
    return float(errors.mean()), float(errors.std()) / math.sqrt(len(errors))


def _filled(noisy: Doubles, left_out: Mask, unknown: Mask) -> Doubles:
    """A frame whose left out samples are the mean of those of their eight neighbours that are known."""
    sure = (~unknown).astype(np.float64)
    count, total = (sum_around(planes, 1, "reflect") for planes in (sure, sure * noisy))
    usable = left_out & (count > 0)
    result = noisy.copy()
    result[usable] = total[usable] / count[usable]
    return result
