"""Was a JPEG's picture a coarser JPEG before?

Where both have one grid, the last one's coefficients are multiples of the first one's steps, rounded to its own: some
multiples of its own are hardly ever met, though those beside them are. Where a picture was cropped between, its fine
coefficients are near zero on the first grid more often than on other ones.

Measured: docs/decisions/jpegs-of-jpegs.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.jpeg_steps import FINE, ORDER, ROUNDED, SIDE, STRAY, Coefficients, Doubles, Grid, steps_of

COARSEST = 30  # quality of a first JPEG that is looked for
COARSER = 1.3  # times the last steps, at least, on the same grid
LOW = (ORDER > 0) & (ORDER <= 5)  # coefficients that are looked at
MOST = 40  # multiples
FEWEST = 60  # expected at those that a first JPEG never leaves; fewer say nothing
MISSING = 0.4  # of those expected are there, at most; of pictures compressed once 0.56 and more, twice up to 0.27
NEAR_ZERO = 1.5  # of coefficients on another grid, which the last JPEG has moved
STANDS_OUT = 4.0  # deviations of the other grids; of pictures compressed once up to 3.2, twice 4.4 and more
COARSER_ELSEWHERE = 1.5  # times the last steps, on another grid, whose multiples the last JPEG has blurred
TELLING = 0.6  # of a step: coefficients above are not its zeros
FEWEST_TELLING = 100


def first_on_the_grid(coefficients: Coefficients, last: int) -> int | None:
    """The quality of a coarser JPEG on the same grid; None where there was none.

    Args:
        last: quality of the last one
    """
    own = steps_of(last)[LOW]
    index = np.abs(np.rint(coefficients[:, LOW] / own)).astype(int)
    counts = np.stack([np.bincount(values[values <= MOST], minlength=MOST + 1) for values in index.T]).astype(float)
    multiples = np.arange(2, MOST)
    there, beside = counts[:, 2:-1], np.sqrt(counts[:, 1:-2] * counts[:, 3:])  # of a falling histogram
    shares = {}
    for quality in range(COARSEST, last):
        steps = steps_of(quality)[LOW]
        never = (steps >= COARSER * own)[:, None] & ~_left(multiples, (steps / own)[:, None], own[:, None])
        if (expected := beside[never].sum()) >= FEWEST:
            shares[quality] = there[never].sum() / expected
    best = min(shares, key=lambda quality: shares[quality], default=None)
    return best if best is not None and shares[best] < MISSING else None


def first_on_another_grid(grids: Mapping[Grid, Coefficients], last: Grid, quality: int) -> int | None:
    """The likeliest quality of a JPEG before, on another grid; None where none stands out.

    Shape:
        grids: all 64
    Args:
        last, quality: of the last JPEG
    """
    zeros = {
        grid: float((np.abs(found[:, FINE]) < NEAR_ZERO).mean())
        for grid, found in grids.items()
        if not _is_near(grid, last)
    }
    first = max(zeros, key=lambda grid: zeros[grid])
    others = np.array([share for grid, share in zeros.items() if grid != first])
    if zeros[first] < others.mean() + STANDS_OUT * others.std():
        return None
    coefficients, own, likelihoods = grids[first][:, LOW], steps_of(quality)[LOW], {}
    for before in range(COARSEST, quality):
        found = _likelihood(coefficients, steps_of(before)[LOW], own)
        if found is not None:
            likelihoods[before] = found
    return max(likelihoods, key=lambda before: likelihoods[before], default=None)


def _likelihood(coefficients: Doubles, steps: Doubles, last: Doubles) -> float | None:
    """How much likelier coefficients are as multiples of the steps, blurred by other ones, than as any numbers.

    Shape:
        coefficients: (n, c); steps, last: (c,)
    """
    telling = (np.abs(coefficients) > TELLING * steps) & (steps >= COARSER_ELSEWHERE * last)
    if telling.sum() < FEWEST_TELLING:
        return None
    error = coefficients - steps * np.rint(coefficients / steps)
    blur = np.sqrt(ROUNDED**2 + np.square(last) / 12)  # of rounding to multiples
    around = sum(np.exp(-0.5 * np.square((error + turn * steps) / blur)) for turn in (-1, 0, 1))
    density = around / (blur * np.sqrt(2 * np.pi))
    return float(np.log((1 - STRAY) * steps * density + STRAY)[telling].mean())


def _left(multiples: npt.NDArray[np.int_], ratio: Doubles, own: Doubles) -> npt.NDArray[np.bool_]:
    """Which multiples of the own steps a first JPEG leaves. Shape: (m,), (c, 1), (c, 1) -> (c, m)."""
    whole = np.rint(multiples / ratio)
    far = 0.5 + 0.5 * ROUNDED / own  # whole values between both JPEGs
    left = [(np.abs((whole + by) * ratio - multiples) <= far) & (whole + by >= 1) for by in (-1, 0, 1)]
    return np.asarray(np.any(left, axis=0))


def _is_near(grid: Grid, last: Grid) -> bool:
    """Whether a grid shares rows or columns with the last one, or nearly all pixels of its blocks."""
    row, column = ((mine - other) % SIDE for mine, other in zip(grid, last, strict=True))
    return row == 0 or column == 0 or (row in (1, SIDE - 1) and column in (1, SIDE - 1))
