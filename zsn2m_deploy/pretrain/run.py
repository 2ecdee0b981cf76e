"""Pretrains SensorNet on synthetic scenes with synthetic noise: no image of any kind goes in.

`python -m zsn2m_deploy.pretrain.run OUT.safetensors --channels 3` makes the weights that the package holds, with
`--channels 1` those for grey. Both together took seven minutes on an H200 (`--workers 7` each); a CPU core takes
a day or two. `--channels 4` begins with the package's weights for colour and makes those for the planes of mosaics.
It may be stopped: run again, it goes on from OUT.checkpoint.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from zsn2m_deploy.fit.device import resolve_device, resolve_precision, with_precision
from zsn2m_deploy.fit.muon import Muon
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.pairs import PairSource
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.mosaic_record import COLOURS, PLANES

STEPS, CROPS = 16_000, 128
CROP_SIDE = 96  # pixels
RAW_CROP_SIDE = 64  # of the planes of mosaics, which are half as wide as scenes
LEARNING_RATE = 1e-2
LEVEL_POWER = 1.3  # losses are divided by sigma^1.3, by which they grow with it: all levels count alike
CHECKPOINT_EVERY = 1000  # steps


def pretrain(  # noqa: PLR0913, a program's options
    path: Path, channels: int, steps: int, crops: int, seed: int, device_name: str, workers: int
) -> None:
    """Train and write the weights, as float16.

    Args:
        crops: of a step
        workers: processes that draw scenes; 0: this one does
    """
    device = resolve_device(device_name)
    torch.manual_seed(seed)
    network = SensorNet.of_planes(pretrained(COLOURS)) if channels == PLANES else SensorNet(channels)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    apply = with_precision(network, device, resolve_precision("auto", device))
    optimiser = Muon(network.parameters(), lr=LEARNING_RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    checkpoint, begin = path.with_suffix(".checkpoint"), 0
    settings = {"channels": channels, "steps": steps, "crops": crops, "seed": seed}
    if checkpoint.exists():
        before, begin, weights, momentum, schedule = torch.load(checkpoint, map_location=device, weights_only=True)
        if before != settings:
            raise UsageError(f"{checkpoint}: expected {settings} to go on with, but it is of {before}; remove it")
        network.load_state_dict(weights)
        optimiser.load_state_dict(momentum)
        rate.load_state_dict(schedule)
    side = RAW_CROP_SIDE if channels == PLANES else CROP_SIDE
    pairs = PairSource(channels, seed + begin, crops, side, workers, device)
    started, losses = time.perf_counter(), []
    for step in range(begin, steps):
        noisy, clean = pairs()
        power = (noisy - clean).square().mean(dim=(1, 2, 3))
        loss = ((apply(noisy) - clean).square().mean(dim=(1, 2, 3)) / power ** (LEVEL_POWER / 2)).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rate.step()
        losses.append(loss.detach())
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
            seconds = time.perf_counter() - started
            print(f"{step + 1}/{steps}: loss {float(torch.stack(losses).mean()):.5f}, {seconds:.0f} s", flush=True)
            losses.clear()
            with atomic_file(checkpoint) as temporary:
                states = [part.state_dict() for part in (network, optimiser, rate)]
                torch.save((settings, step + 1, *states), temporary)
    with atomic_file(path) as temporary:
        save_file({name: weight.half().contiguous() for name, weight in network.cpu().state_dict().items()}, temporary)
    checkpoint.unlink()


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
    arguments = parser.parse_args()
    pretrain(
        arguments.out,
        arguments.channels,
        arguments.steps,
        arguments.crops,
        arguments.seed,
        arguments.device,
        arguments.workers,
    )


if __name__ == "__main__":
    main()
