"""Pretrains VideoNet on drawn moving scenes with drawn noise: no image of any kind goes in.

`python -m zsn2m_deploy.video.pretrain OUT.safetensors --channels 3` makes weights from nothing; `--begin WEIGHTS` goes
on from others, also for `--channels 1` from those for colour. docs/model-card.md says how the package's were made. It
runs on one core of a CPU, and may be stopped: run again, it goes on from OUT.checkpoint.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from zsn2m_deploy.fit.device import resolve_precision, with_precision
from zsn2m_deploy.pretrain.checkpointed import train_checkpointed
from zsn2m_deploy.pretrain.weights import stored
from zsn2m_deploy.video.loss import chunk_loss
from zsn2m_deploy.video.network import VideoNet
from zsn2m_deploy.video.sequences import SequenceSource
from zsn2m_runtime.mosaic_record import COLOURS

STEPS, SEQUENCES = 15000, 12
SIDE = 96  # pixels of a sequence
FIRST = 5.0  # weight of a first frame in the loss
LEARNING_RATE = 1e-2
LATER_RATE = 5e-3  # of weights that were trained before


def pretrain(path: Path, channels: int, steps: int, sequences: int, seed: int, begin: Path | None = None) -> None:
    """Train and write the weights, as float16.

    Args:
        sequences: of a step; even
        begin: weights for colour to go on from; None: from nothing
    """
    torch.manual_seed(seed)
    network = VideoNet(channels) if begin is None else stored(VideoNet, begin, COLOURS)
    if network.channels != channels:
        network = VideoNet.of_grey(network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    cpu = torch.device("cpu")
    apply = with_precision(network, cpu, resolve_precision("auto", cpu))

    def loss_from(first: int) -> Callable[[], Tensor]:
        source = SequenceSource(channels, seed + first, sequences, SIDE)
        state = torch.zeros(sequences, channels, SIDE, SIDE)

        def loss() -> Tensor:
            nonlocal state
            value, state = chunk_loss(apply, source(), state.detach(), FIRST)
            return value

        return loss

    settings = {"channels": channels, "steps": steps, "sequences": sequences, "seed": seed}
    train_checkpointed(path, network, loss_from, settings, LEARNING_RATE if begin is None else LATER_RATE)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, choices=(1, 3), required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--sequences", type=int, default=SEQUENCES, help="of a step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", type=Path, help="weights for colour to go on from")
    options = parser.parse_args()
    pretrain(options.out, options.channels, options.steps, options.sequences, options.seed, options.begin)


if __name__ == "__main__":
    main()
