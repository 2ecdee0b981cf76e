"""How much of what a network removes is noise, where neighbouring pixels share that noise or texture is everywhere.

For noise n of any covariance the mean of n f(y) is that of b (f(y + e b) - f(y)) / e for fresh noise b of the same
covariance and a small e (Eldar, Generalized SURE for exponential families, 2009). So what is removed, y - f(y),
covaries with the noise by its variance less that; divided by the power removed, this is the share that leaves the
smallest error. All of it goes with the level of the noise, which is known where some places are flat: there the network
removes as much as of fresh noise on its own result, and as evenly from place to place. Texture is less even, and the
more of it passed for noise, the less of the level is believed. Of colours the pretrained network is asked as well: what
another has learned not to remove says nothing of the level. Of grey frames it is asked in wide blocks, too, and noise
as faint as the grain of pictures is believed less, for no colours tell noise from either there.

Independent noise may differ at one brightness, too. Texture that does is alike from pixel to pixel, or has coarser
detail beside it, which the result keeps.

Source: docs/decisions/networks-are-weakened.md, and texture-everywhere.md, texture-and-white-noise.md, grey-grain.md
and scenes-of-cameras.md there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.fit.sums import FEW, TINY, Sums, sums_of
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.model import Doubles, NoiseModel

WHOLE = 0.9  # share of what is removed that counts as all of it: the noise is known to 10 %
AGREES = 1.25  # times the power of fresh noise, at most; more, and the noise is stronger than its estimate
LESS = 0.5  # times the power of fresh noise: less, and the noise is weaker than its estimate
BANDS = 3  # of brightness, for noise may depend on it otherwise than its model says; powers are compared within one
LEVEL = 0.1  # of the places of a band, those where least is removed; powers are in units of the last of them
CALMEST, CALM = 0.05, 0.4  # of all places, in these units
# The deviation that is removed at the last of the calm places over that at the last of the calmest, over the same of
# fresh noise. Tuning half of docs/decisions/texture-everywhere.md: up to EVEN the level is right, from UNEVEN on nearly
# all of it is texture.
EVEN, UNEVEN = 1.014, 1.232
WHITE = (1.1, 1.2)  # the same of independent noise, whose level texture raises less: at most 1.085 where that is right
# Of independent noise: correlation of neighbours in what is removed from the roughest tenth, above that of fresh noise,
# and of places beyond the calm ones power of the result's slopes over that of what is removed. Uneven noise has up to
# 0.013 (one frame 0.053) and 7.3, texture from 0.073 or 14 on: docs/decisions/texture-and-white-noise.md
ALIKE, STEEP = 0.04, 10.0
LEAST_BELIEVED = 0.05  # of the noise's power
UNKNOWN = 0.75  # of it is believed: less, and the level counts as unknown
ROUGH = 0.9  # of all places: up to there powers are looked at where flat places lose more than of fresh noise
ALL_EVEN = 1.28  # deviation at the last of them over that of the calmest, over the same of fresh noise, at most
# Of the noise's power goes, and share: from there on all of it goes. Such a network gains 10 dB and more, of which a
# level that is 20 % too low would cost 2.5: adapted to five frames of SIDD it clears 0.94 to 0.97, drawn cameras 0.9
CLEARS, NEARLY = 0.92, 0.75
FEWEST = 256  # places without clipped samples of several crops, or of which the roughest tenth is looked at
# Of grey frames: docs/decisions/grey-grain.md
FEWEST_WIDE = 32  # wide blocks, with fewer of which chance is too much
WIDE_RANGE = 0.1, 0.9  # of the wide blocks: the deviations at these are compared, over the same of fresh noise
WIDE_SURE = 1.1  # up to there the level is right, whatever is found within a brightness
WIDE_EVEN, WIDE_UNEVEN = 1.2, 1.45  # up to the one it is right as well, from the other on nearly all of it is texture
GRAIN = 3.5e-3  # deviation of the grain that pictures have, of the values in use
FAINT_NOISE = 0.9  # of the power is no grain: below, what flat places lose beside that of fresh noise is grain, too


@dataclass(frozen=True)
class NoiseShare:
    """Which share of what is removed leaves the smallest error, at most 1, and what is left then.

    left: power of the error over that of the noise
    unknown: whether texture hides the level of the noise
    """

    share: float
    left: float
    unknown: bool = False


@torch.no_grad()
def share_of_noise(
    network: Callable[[Tensor], Tensor],
    frames: Sequence[Tensor],
    noise: NoiseModel,
    seed: int,
    prior: Callable[[Tensor], Tensor] | None = None,
) -> NoiseShare | None:
    """The share of what a network removes that leaves the smallest error; None where it cannot be told.

    Of independent noise None, too, where that is even, or as white as noise; `estimated_error` says its share.

    Shape:
        frames: each (c, h, w), normalised as the noise is, at least 16 x 16
    Args:
        prior: the pretrained network that it was adapted from; None: it is that
    """
    # of which the level is known
    if noise.jpeg or noise.counted or noise.coarse or noise.channels == PLANES or noise.apart:
        return None
    sums = sums_of(network, frames, noise, seed)
    if all(bool((frame == frame[:1]).all()) for frame in frames):
        return share_of(sums, noise, grey=True)
    return share_of(sums, noise, before=None if prior is None else lambda: sums_of(prior, frames, noise, seed))


def share_of(
    sums: Sequence[Sums], noise: NoiseModel, grey: bool = False, before: Callable[[], list[Sums]] | None = None
) -> NoiseShare | None:
    """The share by what was found of some frames; before: what is found of the network that it was adapted from."""
    variance, removed, flat = (
        float(np.mean([getattr(of, name) for of in sums])) for name in ("variance", "removed", "flat")
    )
    agrees, places = _agreement(sums), np.concatenate([of.places for of in sums])
    if min(removed, variance, flat) <= 0 or (len(places) < FEW and agrees > AGREES):
        return None
    limits = (EVEN, UNEVEN) if noise.correlated else WHITE
    believed, of_all = _evenness(places, limits)
    if not noise.correlated and (believed == 1 or (not noise.regular and _is_white(sums))):
        return None
    passed = float(np.mean([of.passed() for of in sums]))
    no_grain, less = 1.0, LESS
    if noise.correlated and grey:
        believed = _of_grey(believed, np.concatenate([of.wide for of in sums]))
        no_grain = max(1 - GRAIN**2 / variance, LEAST_BELIEVED)
    elif noise.correlated and before is not None:
        first = before()
        believed = (believed + _evenness(np.concatenate([of.places for of in first]), limits)[0]) / 2
        agrees, less = (agrees + _agreement(first)) / 2, 1.0
    unknown = believed < UNKNOWN or (agrees > AGREES and of_all > ALL_EVEN)
    raised = 1.0 if unknown or no_grain < FAINT_NOISE else max(agrees, 1.0)
    level = believed * no_grain * (agrees if agrees < less else raised)
    cleared = level * max(variance - passed, 0.0)
    share = min(cleared / removed, 1.0)
    if variance - passed >= CLEARS * variance and share >= NEARLY and not unknown:
        share = 1.0
    left = 1 + (share * removed - 2 * cleared) * share / (level * variance)
    return NoiseShare(share, max(left, 0.0), unknown)  # of heavy tails it is an estimate for normal noise


def _agreement(sums: Sequence[Sums]) -> float:
    """The power that is removed in flat places, over that of fresh noise."""
    return float(np.mean([of.flat for of in sums])) / max(float(np.mean([of.fresh_flat for of in sums])), TINY)


def _evenness(places: Doubles, limits: tuple[float, float]) -> tuple[float, float]:
    """As `evenness`; of few places all is believed."""
    return evenness(places, limits) if len(places) >= FEW else (1.0, ALL_EVEN)


def evenness(places: Doubles, limits: tuple[float, float] = (EVEN, UNEVEN)) -> tuple[float, float]:
    """How much of the noise's power is noise, by how even calm places are; and how uneven nearly all places are.

    Shape:
        places: (n, 3), as in `Sums`
    Args:
        limits: up to the first all of it is, from the second on hardly any
    """
    level = _beside_their_brightness(places)
    calmest, calm, rough = np.quantile(level, (CALMEST, CALM, ROUGH), axis=0) / 2
    (frame, fresh), (all_frame, all_fresh) = calm - calmest, rough - calmest
    even, uneven = limits
    believed = (uneven - math.exp(frame - fresh)) / (uneven - even)
    return min(max(believed, LEAST_BELIEVED), 1.0), math.exp(all_frame - all_fresh)


def _beside_their_brightness(places: Doubles) -> Doubles:
    """The logarithms of the powers over those of calm places of the same brightness. Shape: (n, 3) -> (n, 2)."""
    powers = np.log(places[:, 1:] + TINY)
    for band in np.array_split(np.argsort(places[:, 0]), BANDS):
        powers[band] -= np.quantile(powers[band], LEVEL, axis=0)
    return np.asarray(powers)


def _is_white(sums: Sequence[Sums]) -> bool:
    """Whether what is removed of the roughest places is as white as fresh noise, beside no steep slopes."""
    places = np.concatenate([of.places for of in sums])
    if len(places) < FEWEST:
        return False
    signs = np.concatenate([of.signs() for of in sums])
    power = _beside_their_brightness(places)[:, 0]
    beyond, roughest = (power > np.quantile(power, share) for share in (CALM, ROUGH))
    steep = np.median(signs[beyond, 0]) / (np.median(places[beyond, 1]) + TINY)
    frame, fresh = signs[roughest, 1:].sum(axis=0) / (places[roughest, 1:].sum(axis=0) + TINY)
    return bool(steep <= STEEP and frame - fresh <= ALIKE)


def _of_grey(believed: float, wide: Doubles) -> float:
    """How much of a grey frame's noise is noise, by places within a brightness and by wide blocks of every one.

    Shape:
        wide: (n, 2), as in `Sums`
    """
    if len(wide) < FEWEST_WIDE:
        return believed
    low, high = np.quantile(np.log(wide + TINY), WIDE_RANGE, axis=0) / 2
    frame, fresh = high - low
    uneven = math.exp(frame - fresh)
    if uneven <= WIDE_SURE:
        return 1.0
    return min(believed, max((WIDE_UNEVEN - uneven) / (WIDE_UNEVEN - WIDE_EVEN), LEAST_BELIEVED))
