"""Detail among what was removed: detailed places beside flat ones of the same brightness.

Lost detail has more power than noise, and is correlated along edges. Samples are in units of the noise expected at
their own brightness: a bright spot has more noise than its surroundings. Places of one brightness are compared, for the
noise model may be wrong. Source: docs/decisions/removed-in-noise-units.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.model import Doubles

BLOCK = 8  # pixels
DETAILED, FLAT = 0.8, 0.5  # of the blocks of one brightness: the upper fifth and the lower half
BAND, MOST_BANDS = 60, 8  # blocks of a band of brightness; bands
FEWEST_BLOCKS = 20
WHOLE = 0.9  # of a block's samples that must be usable
CONFIDENCE = 3.0  # standard errors beyond a limit

# Set on the tuning half of docs/results/verdicts.md#verdicts, noise that pixels do not share.
POWER_LIMIT = 1.25  # power removed in detailed places, of that in flat ones; perfect and good results have up to 1.2
EDGES_LIMIT = 0.05  # likeness of neighbours in detailed places, above flat ones; good results have up to 0.04


@dataclass(frozen=True)
class Detail:
    """What was removed in detailed places, beside flat places of the same brightness.

    power: of what was removed, a ratio
    edges: likeness of each pixel and the next in the direction where they are most alike, a difference
    power_error, edges_error: standard errors, that of power relative
    """

    power: float
    power_error: float
    edges: float
    edges_error: float

    @property
    def powerful(self) -> bool:
        """Whether structure of the picture explains the power."""
        return self.power > POWER_LIMIT and math.log(self.power) > CONFIDENCE * self.power_error

    @property
    def edged(self) -> bool:
        """Whether edges of the picture explain the likeness."""
        return self.edges > EDGES_LIMIT and self.edges > CONFIDENCE * self.edges_error


def compare_detail(removed: Doubles, weight: Doubles, denoised: Doubles, sigma: Doubles) -> Detail | None:
    """What was removed in detailed and in flat places; None where there are too few of them.

    Shape:
        all: (h, w, c); denoised, sigma: sensor units
    Args:
        removed: in units of the noise expected there, sigma
        weight: 1 where a sample is looked at, 0 where not; `removed` is 0 there
    """
    share = blocks(weight)
    enough = share >= WHOLE
    channels = share.shape[2]
    if enough.sum() < FEWEST_BLOCKS * channels:
        return None
    power, along = blocks(np.square(removed))[enough], _along(removed)[enough]
    busy = np.broadcast_to(activity(denoised, sigma)[..., None], share.shape)[enough]
    bands = np.array_split(np.argsort(blocks(denoised)[enough]), int(np.clip(len(power) / BAND, 1, MOST_BANDS)))
    found = []
    for band in bands:
        detailed = band[busy[band] >= np.quantile(busy[band], DETAILED)]
        flat = band[busy[band] <= np.quantile(busy[band], FLAT)]
        if not (power[detailed].any() and power[flat].any()):
            return None
        found.append(_beside(power[detailed], along[detailed], power[flat], along[flat]))
    power_ratio, power_variance, edges, edges_variance = np.mean(found, axis=0)
    fewer = channels / len(found)  # channels are no independent samples
    return Detail(
        math.exp(power_ratio), math.sqrt(power_variance * fewer), float(edges), math.sqrt(edges_variance * fewer)
    )


def activity(denoised: Doubles, sigma: Doubles) -> Doubles:
    """How detailed each block is: mean square of the gradient over the noise. Shape: (h, w, c) -> (h / 8, w / 8)."""
    down, along = np.gradient(denoised, axis=(0, 1))
    found: Doubles = blocks((np.square(down) + np.square(along)) / np.square(sigma)).mean(axis=2)
    return found


def blocks(planes: Doubles, side: int = BLOCK) -> Doubles:
    """Means of whole blocks. Shape: (h, w, c) -> (h / side, w / side, c)."""
    return block_means(planes, side)


def _along(removed: Doubles) -> Doubles:
    """Mean product of each pixel and the next, in the direction in which it is largest. Shape: as `blocks`."""
    steps = ((0, 1), (1, 0), (1, 1), (1, -1))
    products = [blocks(removed * np.roll(removed, step, (0, 1))) for step in steps]
    return np.asarray(np.max(products, axis=0))


def _beside(power: Doubles, along: Doubles, flat_power: Doubles, flat_along: Doubles) -> tuple[float, ...]:
    """Logarithm of the ratio of powers, its variance, difference of the likenesses, its variance."""
    likeness, flat_likeness = along.mean() / power.mean(), flat_along.mean() / flat_power.mean()
    spread = np.var(along - likeness * power) / np.square(power.mean()) / len(power)
    flat_spread = np.var(flat_along - flat_likeness * flat_power) / np.square(flat_power.mean()) / len(flat_power)
    return (
        math.log(power.mean() / flat_power.mean()),
        _relative_variance(power) + _relative_variance(flat_power),
        float(likeness - flat_likeness),
        float(spread + flat_spread),
    )


def _relative_variance(values: Doubles) -> float:
    """Of a mean."""
    return float(np.var(values) / np.square(values.mean()) / len(values))
