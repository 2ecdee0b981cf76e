"""How much of what a network removes is grain, which all channels share.

It is judged as the noise of a grey frame is, by the mean of the channels: of colours the network takes hardly anything.

Source: docs/decisions/grain-of-colours.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.fit.correlated import NoiseShare, share_of
from zsn2m_deploy.fit.sums import FRAMES, centre_of, look
from zsn2m_runtime.noise.model import NoiseModel


@torch.no_grad()
def share_of_grain(
    network: Callable[[Tensor], Tensor], frames: Sequence[Tensor], grain: NoiseModel, seed: int
) -> NoiseShare | None:
    """The share of what a network removes that leaves the smallest error; None where it cannot be told.

    Shape:
        frames: each (3, h, w), normalised as the noise is, at least 16 x 16
    Args:
        grain: noise of the mean of the channels
    """
    rng, sums = np.random.default_rng(seed), []
    for frame in map(centre_of, frames[:FRAMES]):
        mean = frame.mean(dim=0, keepdim=True)
        sums.append(look(_of_mean(network, frame - mean), mean, grain, rng))
    return share_of(sums, grain, grey=True)


def _of_mean(network: Callable[[Tensor], Tensor], colours: Tensor) -> Callable[[Tensor], Tensor]:
    """What a network makes of the mean of the channels, with the frame's differences of colours."""

    def apply(means: Tensor) -> Tensor:
        return network(means + colours).mean(dim=1, keepdim=True)

    return apply
