"""Whether the noise is as strong at each brightness as its model says.

Stein's estimate (risk.py) takes the model's line at its word. Where that is wrong at a brightness that makes much of
the error, the PSNR is wrong, too, and the mean over the frame hides it: another gain above a step of brightness, noise
that was reduced where it is dark. Flat places of each brightness tell: of noise as strong as expected, as much goes as
of fresh noise. Where the network keeps nearly all of it, as in small bright spots, nothing tells.

Source: docs/decisions/noise-at-each-brightness-in-the-range.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zsn2m_deploy.report.detail import BLOCK, FLAT, activity
from zsn2m_deploy.report.trials import Trials
from zsn2m_runtime.noise.model import Doubles, NoiseModel

EDGES = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)  # of the samples in order of brightness: the bands
FEWEST = 1000  # samples that are not clipped
CHANCE = 2.0  # standard errors of what goes, which are not counted
# Set on the tuning frames of the source above.
LARGEST_MISFIT = 0.2  # mean over the bands, by the error in each; frames with noise of one line: up to 0.15
MOST_PASSED = 0.85  # of the noise of a band; up to 0.82 where the range held
LEAST_OF_ERROR = 0.25  # that such bands make
FOUR_DIGITS = 1000
TINY = 1e-12


@dataclass(frozen=True)
class Band:
    """Samples of about one brightness.

    low, high: brightness, sensor units
    ratio: power removed in its flat half, of that of fresh noise; misfit: how far that is from 1, less chance
    passed: share of the noise that the network lets through
    of_error: share of the error under fresh noise that is here
    """

    low: float
    high: float
    ratio: float
    misfit: float
    passed: float
    of_error: float

    def __str__(self) -> str:
        low, high = (f"{end:.0f}" if abs(end) >= FOUR_DIGITS else f"{end:.4g}" for end in (self.low, self.high))
        return f"of brightness {low} to {high}"


def bands(removed: Doubles, trials: Trials, denoised: Doubles, model: NoiseModel, weight: Doubles) -> tuple[Band, ...]:
    """Bands of brightness from dark to bright; none where there are too few samples.

    Shape:
        removed, denoised: (h, w, c), sensor units; weight: (h, w, c), 1 where a sample counts, else 0
    """
    variance = model.variance(denoised)
    busy = activity(denoised, np.sqrt(variance)).repeat(BLOCK, 0).repeat(BLOCK, 1)
    rows, columns = busy.shape
    counts = weight[:rows, :columns] > 0
    if counts.sum() < FEWEST:
        return ()
    level, found, expected, error, passed, power, detail = (
        planes[:rows, :columns][counts]
        for planes in (
            denoised,
            np.square(removed),
            trials.taken,
            trials.error,
            trials.covariance,
            variance,
            np.broadcast_to(busy[..., None], counts.shape),
        )
    )
    edges = [int(edge * len(level)) for edge in EDGES]
    parts = np.split(np.argpartition(level, edges), edges)
    whole = max(float(error.sum()), TINY)
    made = []
    for part in parts:
        flat = part[detail[part] <= np.quantile(detail[part], FLAT)]
        ratio = float(found[flat].sum() / max(expected[flat].sum(), TINY))
        misfit = max(abs(ratio - 1) - CHANCE * math.sqrt(2 / len(flat)), 0.0)
        share = float(passed[part].sum() / max(power[part].sum(), TINY))
        low, high = float(level[part].min()), float(level[part].max())
        made.append(Band(low, high, ratio, misfit, share, float(error[part].sum()) / whole))
    return tuple(made)


def contradiction(found: tuple[Band, ...]) -> str | None:
    """Why an estimate does not hold that takes the model's noise at its word; None: nothing speaks against it."""
    kept = [band for band in found if band.passed > MOST_PASSED]
    share = sum(band.of_error for band in kept)
    if share > LEAST_OF_ERROR:
        worst = max(kept, key=lambda band: band.of_error)
        return (
            f"{100 * share:.0f} % of the error expected is where the network keeps nearly all noise, so that nothing "
            f"tells how strong it is ({100 * worst.passed:.0f} % of it in places {worst})"
        )
    if sum(band.misfit * band.of_error for band in found) <= LARGEST_MISFIT:
        return None
    worst = max(found, key=lambda band: band.misfit * band.of_error)
    return (
        f"the noise is not as its model says at each brightness (flat places {worst} lost {worst.ratio:.2g} times the "
        f"power expected)"
    )
