"""How much of what a network removes from a JPEG is noise.

The level of a JPEG's noise comes from coarse chroma or from patches, and pictures full of detail pass for both. What
the network removes says more: fresh noise is drawn on its own result, through the JPEG, in several strengths, and the
strength is taken at which the calmest places lose as much as of the frame. The noise removed is then that of fresh
noise; over all that is removed it is the share to keep. It is too large where even calm places have texture, which two
signs tell: the result is rough, and what is removed of colours grows more with detail than fresh noise does. Where what
is removed is as even as fresh noise, and the frame is smooth, there is no texture in it, and all goes.

Source: docs/decisions/jpeg-texture.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zsn2m_deploy.fit.correlated import WHOLE, NoiseShare, evenness
from zsn2m_deploy.fit.sums import FRAMES, TINY, centre_of
from zsn2m_deploy.noise.blocks import as_planes, means_of_blocks
from zsn2m_deploy.noise.fields import after_jpeg
from zsn2m_runtime.noise.jpeg import demosaicked
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.noise_record import JpegNoise

STRENGTHS = (0.17, 0.35, 0.7, 1.4)  # of the noise, of that of the way; what lies between is interpolated in logarithms
BANDS, FINE_BANDS = 3, 8  # of brightness, for the noise may depend on it: for the calmest places, and for growth
CALMEST = 0.05  # of the places of a band, those that lose least
# How much of the noise's power is noise, by the roughness of the result, a power, and by how much faster what goes of
# chroma grows with the slopes of the result: fitted to what leaves the smallest error
ROUGH, COLOURED = 0.15, 3.5
MOST = 1.1  # of it: frames that are smooth by half would exceed it, and their other half be lost
# The deviation removed at nearly all places over that at the calmest, over the same of fresh noise of that strength: up
# to the first the above counts by LEAST, for grain of photographs is as even, or in smooth frames not at all; from the
# second on it counts in full
EVEN, UNEVEN = 1.02, 1.06
LEAST, SMOOTH = 0.5, 0.7  # smooth: the power of slopes over that of the noise, at most. Ramps 0.5, photographs 1.5
UNSURE = 0.65  # of it: less, and the level counts as unknown
CHROMA = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]).T  # of JPEG

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class _Seen:
    """What a network removes from a frame and from fresh noise on its result.

    clean: the result
    removed: power; rough: that of the slopes of the result, in the median place; coloured: see `_growth`
    calmest: power that goes at the last of the calmest places
    fresh: (n, 4), of each of STRENGTHS the calmest, the noise times what goes of it, its power, and the growth
    """

    clean: Tensor
    removed: float
    rough: float
    coloured: float
    calmest: float
    fresh: Doubles

    @property
    def strength(self) -> float:
        """Of the noise of which the calmest places lose as much as of the frame, its logarithm."""
        calmest = np.log(np.maximum.accumulate(self.fresh[:, 0]) + TINY)
        return float(np.interp(math.log(self.calmest + TINY), calmest, np.log(STRENGTHS)))

    def at(self, strength: float) -> tuple[float, float, float]:
        """The noise times what goes of it, its power, and the growth, of a strength, a logarithm."""
        powers, growth = np.log(np.maximum(self.fresh[:, 1:3], TINY)), self.fresh[:, 3]
        cleared, variance = (math.exp(np.interp(strength, np.log(STRENGTHS), power)) for power in powers.T)
        return cleared, variance, float(np.interp(strength, np.log(STRENGTHS), growth))


@torch.no_grad()
def share_of_jpeg(
    network: Network, frames: Sequence[Tensor], jpeg: JpegNoise, seed: int, prior: Network | None = None
) -> NoiseShare:
    """The share of what a network removes that leaves the smallest error.

    Shape:
        frames: each (3, h, w), normalised as the noise is, at least 16 x 16
    Args:
        jpeg: how the noise came, or could have come; its level is looked for from 0.17 to 1.4 times
        prior: a network that is asked for the level, too, as one that was adapted to another noise takes texture for it
    """
    rng = np.random.default_rng(seed)
    looks = np.array([_look(network, centre_of(frame), jpeg, rng, prior) for frame in frames[:FRAMES]])
    removed, cleared, variance, believed, texture = looks.T
    cleared, weights = np.minimum(cleared, removed), removed + TINY  # of each frame; a flat one says little of others
    shares = 1 - texture * (1 - np.stack([(cleared + TINY) / weights, believed]))
    share, believed_share = np.average(shares, axis=1, weights=weights).tolist()
    if share >= WHOLE:
        return NoiseShare(1.0, 0.0)
    left = 1 + (share * removed.mean() - 2 * cleared.mean()) * share / (variance.mean() + TINY)
    return NoiseShare(share, float(np.clip(left, 0.0, 1.0)), unknown=believed_share < UNSURE)


def _look(
    network: Network, frame: Tensor, jpeg: JpegNoise, rng: np.random.Generator, prior: Network | None
) -> tuple[float, float, float, float, float]:
    """Of one frame what the share is made of.

    Shape:
        frame: (3, h, w)
    Returns:
        the power removed, that of it which is noise, the noise's power, how much of it is believed, and by how much
        these count, from 0 to 1: otherwise all goes
    """
    unit = torch.from_numpy(demosaicked((frame.shape[1], frame.shape[2]), rng)).permute(2, 0, 1)[None].to(frame)
    seen = _seen(network, frame, unit, jpeg)
    strength = seen.strength
    rough = seen.rough / (jpeg.sigma * math.exp(strength)) ** 2
    coloured = seen.coloured - seen.at(strength)[2]
    noise = min((rough + TINY) ** -ROUGH * math.exp(-COLOURED * coloured), MOST)
    fresh = after_jpeg(seen.clean + math.exp(strength) * jpeg.sigma * unit, jpeg)
    powers = [seen.clean, (frame[None] - seen.clean).square(), (fresh - network(fresh)).square()]
    uneven = evenness(np.stack([means_of_blocks(as_planes(part)).ravel() for part in powers], axis=1))[1]
    texture = min(max((uneven - EVEN) / (UNEVEN - EVEN), LEAST if rough > SMOOTH else 0.0), 1.0)
    if prior is not None:
        strength = (strength + _seen(prior, frame, unit, jpeg).strength) / 2
    cleared, variance, _ = seen.at(strength)
    return seen.removed, noise * cleared, noise * variance, min(noise, 1.0), texture


def _seen(network: Network, frame: Tensor, unit: Tensor, jpeg: JpegNoise) -> _Seen:
    """Shape: (3, h, w), (1, 3, h, w), noise of a variance of 1 before the JPEG."""
    clean = network(frame[None])
    gone, still = as_planes(frame[None] - clean), as_planes(clean)
    rows = []
    for strength in STRENGTHS:
        fresh = after_jpeg(clean + strength * jpeg.sigma * unit, jpeg)
        again = network(fresh)
        drawn, went = as_planes(fresh - clean), as_planes(fresh - again)
        powers = float((drawn * went).mean()), float(np.square(drawn).mean())
        rows.append((_calmest(went, still), *powers, _growth(went, as_planes(again))))
    rough = float(np.median(_slopes(still)))
    return _Seen(
        clean, float(np.square(gone).mean()), rough, _growth(gone, still), _calmest(gone, still), np.array(rows)
    )


def _calmest(gone: Doubles, still: Doubles) -> float:
    """The power that goes at the last of the calmest places, the geometric mean over bands. Shape: (h, w, 3) twice."""
    power = means_of_blocks(np.square(gone)).ravel()
    return math.exp(np.mean([np.log(np.quantile(power[band], CALMEST) + TINY) for band in _bands(still, BANDS)]))


def _growth(gone: Doubles, still: Doubles) -> float:
    """How fast what goes of chroma grows with the slopes of what stays at one brightness, a power.

    Shape:
        gone, still: (h, w, 3)
    """
    powers = np.stack([means_of_blocks(np.square(gone @ CHROMA)).ravel(), _slopes(still).ravel()], axis=1)
    logarithms = np.log(powers + TINY)
    beside = np.concatenate([logarithms[band] - logarithms[band].mean(axis=0) for band in _bands(still, FINE_BANDS)])
    return float((beside[:, 0] * beside[:, 1]).sum() / (np.square(beside[:, 1]).sum() + TINY))


def _bands(still: Doubles, count: int) -> list[npt.NDArray[np.intp]]:
    """The blocks of each band of brightness. Shape: (h, w, 3) -> (n,) each."""
    found = np.array_split(np.argsort(means_of_blocks(still).ravel()), count)
    return [band for band in found if len(band)]


def _slopes(still: Doubles) -> Doubles:
    """The mean power of the slopes in each block. Shape: (h, w, 3) -> (rows, columns)."""
    return means_of_blocks(sum(np.square(slope) for slope in np.gradient(still, axis=(0, 1))))
