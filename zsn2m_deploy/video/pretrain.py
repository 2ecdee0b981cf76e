"""Pretrains VideoNet on drawn moving scenes with drawn noise: no image of any kind goes in.

`python -m zsn2m_deploy.video.pretrain OUT.safetensors --channels 3` makes the weights that the package holds;
`--channels 1` begins with the package's weights for colour and makes those for grey. It runs on one core of a CPU, and
may be stopped: run again, it goes on from OUT.checkpoint.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from zsn2m_deploy.fit.device import resolve_precision
from zsn2m_deploy.pretrain.checkpointed import normalised_error, train_checkpointed
from zsn2m_deploy.video.network import VideoNet, moved
from zsn2m_deploy.video.sequences import CHUNK, Chunk, SequenceSource
from zsn2m_deploy.video.weights import pretrained_video
from zsn2m_runtime.mosaic_record import COLOURS

STEPS, SEQUENCES = 7000, 12
SIDE = 96  # pixels of a sequence
LEARNING_RATE = 1e-2
FIRST = 5.0  # weight of a first frame over that of others: the network is used on single frames, too


def chunk_loss(apply: Callable[[Tensor, Tensor, Tensor], Tensor], chunk: Chunk, state: Tensor) -> tuple[Tensor, Tensor]:
    """The mean normalised error of the frames of a chunk, and its last results.

    Shape:
        state: (n, c, h, w), the results before the chunk; of sequences that begin it does not matter
    """
    total, weights = state.new_zeros(()), state.new_zeros(())
    for index in range(CHUNK):
        noisy = chunk.noisy[index]
        previous = moved(state, chunk.motion[index])
        weight = torch.ones(len(noisy))
        if index == 0:
            previous = torch.where(chunk.begins[:, None, None, None], noisy, previous)
            weight = torch.where(chunk.begins, FIRST, weight)
        state = apply(noisy, previous, chunk.deviation(index, previous))
        total = total + (weight * normalised_error(state, noisy, chunk.clean[index])).sum()
        weights = weights + weight.sum()
    return total / weights, state


def pretrain(path: Path, channels: int, steps: int, sequences: int, seed: int) -> None:
    """Train and write the weights, as float16.

    Args:
        sequences: of a step; even
    """
    torch.manual_seed(seed)
    network = VideoNet(COLOURS) if channels == COLOURS else VideoNet.of_grey(pretrained_video(COLOURS))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    shortened = resolve_precision("auto", torch.device("cpu")) == "bf16"

    def apply(noisy: Tensor, previous: Tensor, deviation: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=shortened):
            result: Tensor = network(noisy, previous, deviation)
        return result.float()

    def loss_from(begin: int) -> Callable[[], Tensor]:
        source = SequenceSource(channels, seed + begin, sequences, SIDE)
        state = torch.zeros(sequences, channels, SIDE, SIDE)

        def loss() -> Tensor:
            nonlocal state
            value, state = chunk_loss(apply, source(), state.detach())
            return value

        return loss

    settings = {"channels": channels, "steps": steps, "sequences": sequences, "seed": seed}
    train_checkpointed(path, network, loss_from, settings, LEARNING_RATE)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, choices=(1, 3), required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--sequences", type=int, default=SEQUENCES, help="of a step")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pretrain(arguments.out, arguments.channels, arguments.steps, arguments.sequences, arguments.seed)


if __name__ == "__main__":
    main()
