"""What VideoNet learns from a chunk of sequences: every frame's result, through those before it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zsn2m_deploy.pretrain.checkpointed import normalised_error
from zsn2m_deploy.video.network import moved
from zsn2m_deploy.video.sequences import Chunk


def chunk_loss(apply: Callable[..., Tensor], chunk: Chunk, state: Tensor, first: float) -> tuple[Tensor, Tensor]:
    """The mean normalised error of the frames of a chunk, and its last results.

    Args:
        first: weight of a first frame over that of others: the network is used on single frames, too

    Shape:
        state: (n, c, h, w), the results before the chunk; of sequences that begin it does not matter
    """
    total, weights = state.new_zeros(()), state.new_zeros(())
    for index, noisy in enumerate(chunk.noisy):
        previous = moved(state, chunk.motion[index])
        weight = noisy.new_ones(len(noisy))
        if index == 0:
            previous = torch.where(chunk.begins[:, None, None, None], noisy, previous)
            weight = torch.where(chunk.begins, first, weight)
        state = apply(noisy, previous, chunk.deviation(index, previous))
        total = total + (weight * normalised_error(state, noisy, chunk.clean[index])).sum()
        weights = weights + weight.sum()
    return total / weights, state
