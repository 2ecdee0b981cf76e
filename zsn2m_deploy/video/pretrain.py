"""Pretrains VideoNet on SensorNet's drawn scenes, with noise as a frame has it and as averaging leaves it.

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
from zsn2m_deploy.pretrain.checkpointed import normalised_error, train_checkpointed
from zsn2m_deploy.pretrain.pairs import PairSource
from zsn2m_deploy.pretrain.weights import stored
from zsn2m_deploy.video.fused import fused_noise
from zsn2m_deploy.video.network import VideoNet, deviation_at
from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise.model import LEAST

STEPS, CROPS = 15000, 32
SIDE = 96  # pixels of a crop
MISJUDGED, ERROR = 0.5, 0.15  # share of crops whose strength is told wrongly; standard deviation of its logarithm
LEARNING_RATE = 1e-2
LATER_RATE = 5e-3  # of weights that were trained before


def pretrain(path: Path, channels: int, steps: int, crops: int, seed: int, begin: Path | None = None) -> None:
    """Train and write the weights, as float16.

    Args:
        crops: of a step
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
        pairs = PairSource(channels, seed + first, crops, SIDE, 0, cpu)
        generator = torch.Generator().manual_seed(seed + first)
        return lambda: pair_loss(apply, pairs, generator)

    settings = {"channels": channels, "steps": steps, "crops": crops, "seed": seed}
    train_checkpointed(path, network, loss_from, settings, LEARNING_RATE if begin is None else LATER_RATE)


def pair_loss(apply: Callable[[Tensor, Tensor], Tensor], pairs: PairSource, generator: torch.Generator) -> Tensor:
    """The mean normalised error of a step's crops."""
    clean, kinds = pairs.clean(), pairs.kinds()
    strength, shift = fused_noise(len(clean), generator)
    noisy = kinds.corrupt(clean[None], generator, strength.view(-1, 1, 1, 1))[0]
    noisy = pairs.clipped(clean + shift(noisy - clean))
    slope, floor = kinds.slope.mean(dim=1), kinds.floor.mean(dim=1)
    line = torch.stack((slope, floor, LEAST * (slope + floor))).view(3, -1, 1, 1, 1)
    wrong = torch.randn(len(clean), generator=generator) * (torch.rand(len(clean), generator=generator) < MISJUDGED)
    told = (strength * (ERROR * wrong).exp()).view(-1, 1, 1, 1)
    return normalised_error(apply(noisy, deviation_at(noisy, line, told)), noisy, clean).mean()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, choices=(1, 3), required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--crops", type=int, default=CROPS, help="of a step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", type=Path, help="weights for colour to go on from")
    options = parser.parse_args()
    pretrain(options.out, options.channels, options.steps, options.crops, options.seed, options.begin)


if __name__ == "__main__":
    main()
