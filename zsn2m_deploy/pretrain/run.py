"""Pretrains SensorNet on synthetic scenes with synthetic noise: no image of any kind goes in.

`python -m zsn2m_deploy.pretrain.run OUT.safetensors --channels 3` makes the weights that the package holds, with
`--channels 1` those for grey. Both together took seven minutes on an H200 (`--workers 7` each); a CPU core takes
a day or two. `--channels 4` begins with the package's weights for colour and makes those for the planes of mosaics.
`--begin WEIGHTS` goes on from others of as many channels. It may be stopped: run again, it goes on from OUT.checkpoint.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from zsn2m_deploy.fit.device import resolve_device, resolve_precision, with_precision
from zsn2m_deploy.pretrain.checkpointed import normalised_error, train_checkpointed
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.pairs import PairSource
from zsn2m_deploy.pretrain.weights import pretrained, stored
from zsn2m_runtime.mosaic_record import COLOURS, PLANES

STEPS, CROPS = 16_000, 128
CROP_SIDE = 96  # pixels
RAW_CROP_SIDE = 64  # of the planes of mosaics, which are half as wide as scenes
LEARNING_RATE = 1e-2
LATER_RATE = 5e-3  # of weights that were trained before


def pretrain(  # noqa: PLR0913, a program's options
    path: Path,
    channels: int,
    steps: int,
    crops: int,
    seed: int,
    device_name: str,
    workers: int,
    begin: Path | None = None,
) -> None:
    """Train and write the weights, as float16.

    Args:
        crops: of a step
        workers: processes that draw scenes; 0: this one does
        begin: weights of as many channels to go on from
    """
    device = resolve_device(device_name)
    torch.manual_seed(seed)
    network = _first(channels) if begin is None else stored(SensorNet, begin, channels)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    apply = with_precision(network, device, resolve_precision("auto", device))
    side = RAW_CROP_SIDE if channels == PLANES else CROP_SIDE

    def loss_from(begin: int) -> Callable[[], Tensor]:
        pairs = PairSource(channels, seed + begin, crops, side, workers, device)

        def loss() -> Tensor:
            noisy, clean = pairs()
            return normalised_error(apply(noisy), noisy, clean).mean()

        return loss

    settings = {"channels": channels, "steps": steps, "crops": crops, "seed": seed}
    train_checkpointed(path, network, loss_from, settings, LEARNING_RATE if begin is None else LATER_RATE)


def _first(channels: int) -> SensorNet:
    return SensorNet.of_planes(pretrained(COLOURS)) if channels == PLANES else SensorNet(channels)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, choices=(1, 3, 4), required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--crops", type=int, default=CROPS, help="of a step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw scenes; 0: the one that trains")
    parser.add_argument("--begin", type=Path, help="weights of as many channels to go on from")
    arguments = parser.parse_args()
    pretrain(
        arguments.out,
        arguments.channels,
        arguments.steps,
        arguments.crops,
        arguments.seed,
        arguments.device,
        arguments.workers,
        arguments.begin,
    )


if __name__ == "__main__":
    main()
