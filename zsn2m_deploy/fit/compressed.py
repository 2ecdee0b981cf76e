"""How much of what a network removes from a JPEG is noise.

The level of a camera's noise comes from coarse chroma, for which pictures full of coloured detail pass. Fresh noise,
drawn the same way on the network's own result, is as even as the frame's noise is, and texture is not: where what is
removed is more uneven, in chroma as well, the level is believed as far as the calmest places lose as much as of fresh
noise. Where the noise is not known to be a camera's its level comes from luma, too, and chroma has no say.

Source: docs/decisions/jpeg-texture.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.fit.correlated import FRAMES, TINY, WHOLE, NoiseShare, centre_of, evenness
from zsn2m_deploy.noise.blocks import as_planes, means_of_blocks
from zsn2m_deploy.noise.fields import after_jpeg
from zsn2m_runtime.noise.jpeg import demosaicked
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.noise_record import JpegNoise

FLATTEST = 0.1  # of the places, those with the least slopes
# The deviation removed at nearly all places over that at the calmest, over the same of fresh noise, of all channels and
# of chroma: up to the first of either the level is right, from the second of both on it is that of the flattest places
EVENNESS = ((1.17, 1.27), (1.0, 1.14))
CHROMA = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]).T  # of JPEG
NOISE = 0.7  # of what goes in the flattest places of such frames; the rest is texture there, too


@torch.no_grad()
def share_of_jpeg(
    network: Callable[[Tensor], Tensor], frames: Sequence[Tensor], jpeg: JpegNoise, seed: int, assumed: bool = False
) -> NoiseShare:
    """The share of what a network removes that leaves the smallest error.

    Shape:
        frames: each (3, h, w), normalised as the noise is, at least 16 x 16
    Args:
        assumed: whether the noise is not known to have come this way; its level then comes from grey, too
    """
    rng = np.random.default_rng(seed)
    looks = [_look(network, centre_of(frame), jpeg, rng) for frame in frames[:FRAMES]]
    uneven = [evenness(np.concatenate(parts))[1] for parts in zip(*(places for places, _ in looks), strict=True)]
    removed, cleared, variance, flat, fresh_flat = np.mean([sums for _, sums in looks], axis=0).tolist()
    limits = EVENNESS[: 1 if assumed else None]
    texture = math.prod(
        min(max((found - even) / (rough - even), 0.0), 1.0)
        for found, (even, rough) in zip(uneven, limits, strict=False)
    )
    if not texture or min(removed, cleared, fresh_flat) <= 0:
        return NoiseShare(1.0, 0.0)
    level = NOISE * flat / fresh_flat
    if assumed:
        level *= min(EVENNESS[0][0] / uneven[0], 1.0) ** 2  # the calmest places are noise, and nearly all have so much
    share = 1 - texture * (1 - min(level * cleared / removed, 1.0))
    if share >= WHOLE:
        return NoiseShare(1.0, 0.0)
    left = 1 + (share * removed - 2 * level * cleared) * share / (level * variance + TINY)
    return NoiseShare(share, min(left, 1.0), unknown=True)


def _look(
    network: Callable[[Tensor], Tensor], frame: Tensor, jpeg: JpegNoise, rng: np.random.Generator
) -> tuple[list[Doubles], list[float]]:
    """Places of one frame, as `evenness` has them, by all channels and by chroma; and sums.

    Shape:
        frame: (3, h, w)
        returns: (n, 3) twice; power removed, fresh noise times what is removed of it, its power, and power removed in
            the flattest places, of the frame and of fresh noise
    """
    clean, (height, width) = network(frame[None]), frame.shape[1:]
    noise = torch.from_numpy(jpeg.sigma * demosaicked((height, width), rng)).permute(2, 0, 1)[None].to(clean)
    fresh = after_jpeg(clean + noise, jpeg)
    gone, fresh_gone, drawn, still = map(as_planes, (frame[None] - clean, fresh - network(fresh), fresh - clean, clean))
    level, of_frame, of_fresh = map(means_of_blocks, (still, np.square(gone), np.square(fresh_gone)))
    of_chroma = [means_of_blocks(np.square(part @ CHROMA)) for part in (gone, fresh_gone)]
    slopes = means_of_blocks(sum(np.square(slope) for slope in np.gradient(still, axis=(0, 1))))
    flat = slopes <= np.quantile(slopes, FLATTEST)
    sums = (np.square(gone), drawn * fresh_gone, np.square(drawn), of_frame[flat], of_fresh[flat])
    return (
        [np.stack([part.ravel() for part in (level, *powers)], axis=1) for powers in ((of_frame, of_fresh), of_chroma)],
        [float(part.mean()) for part in sums],
    )
