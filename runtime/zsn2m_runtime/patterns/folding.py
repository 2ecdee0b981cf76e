"""Pictures that repeat with a longer period than any sensor's filters: walls, tiles, grids that a program drew.

Their harmonics are where a mosaic has its peaks. Averaged over all its repeats, what is slower remains, too.
"""

from __future__ import annotations

import numpy as np

from zsn2m_runtime.patterns.lattice import Doubles
from zsn2m_runtime.sample_types import Pixels

FILTERS = {2: 4, 3: 6, 4: 4, 6: 6}  # the longest period of filters, of which the one found may be a harmonic
LONGEST = 24  # pixels; of longer periods there are too few repeats to average
SIDE = 720  # pixels of the centre that is averaged
REPEATS = 4  # along each axis, at least
SLOWER = 0.25  # variance of the slower part over that of the pattern; 384 of 385 mosaics of photographs have less


def slower_period(plane: Pixels, period: int) -> int | None:
    """The period with which a plane repeats, where it is longer than that of filters.

    Shape:
        plane: (h, w)
    Args:
        period: that was found
    """
    top, left = (max(0, (length - SIDE) // 2) for length in plane.shape)
    middle = np.asarray(plane[top : top + SIDE, left : left + SIDE], np.float64)
    base = FILTERS[period]
    for longer in range(2 * base, LONGEST + 1, base):
        repeats = [length // longer for length in middle.shape]
        if min(repeats) < REPEATS:
            return None
        whole = middle[: repeats[0] * longer, : repeats[1] * longer]
        folded = _mean_cell(whole, longer)
        pattern = _mean_cell(folded, base)
        rest = folded - np.tile(pattern, (longer // base, longer // base))
        chance = (whole.var() - folded.var()) / (repeats[0] * repeats[1])
        if rest.var() - chance > SLOWER * pattern.var():
            return longer
    return None


def _mean_cell(plane: Doubles, side: int) -> Doubles:
    """The mean of all squares of a plane. Shape: (h, w), multiples of side -> (side, side)."""
    rows, columns = (length // side for length in plane.shape)
    return np.asarray(plane.reshape(rows, side, columns, side).mean(axis=(0, 2)))
