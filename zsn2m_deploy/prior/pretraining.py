"""Pretrains SensorNet on synthetic scenes with synthetic noise: no image of any kind goes in.

`python -m zsn2m_deploy.prior.pretraining OUT.safetensors --channels 3` makes the weights that the package holds. It
takes hours on one core and may be stopped: run again, it goes on from OUT.checkpoint.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zsn2m_deploy.config import SCENE_SIDE
from zsn2m_deploy.device import resolve_device, resolve_precision, retained_memory, with_precision
from zsn2m_deploy.muon import Muon
from zsn2m_deploy.networks import SensorNet
from zsn2m_deploy.prior.noise import draw_noise, random_noise_model
from zsn2m_deploy.prior.scenes import Floats, dead_leaves, random_palette
from zsn2m_runtime.atomic import atomic_file

CROP_SIDE = 64
CROPS = 4  # of a step
SCENES = 64  # to draw crops from
STEPS_PER_SCENE = 8  # steps until one of them is replaced
CLIPPED = 0.5  # share of crops whose samples end at 0 and 1
LEARNING_RATE = 5e-3
LEVEL_POWER = 1.3  # losses are divided by sigma^1.3, by which they grow with it: all levels count alike
CHECKPOINT_EVERY = 2000  # steps


class PairSource:
    """Endless crops of noisy and clean scenes."""

    def __init__(self, channels: int, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._channels = channels
        self._scenes = [self._scene() for _ in range(SCENES)]
        self._steps = 0

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Noisy and clean crops, each (b, c, side, side)."""
        self._steps += 1
        if self._steps % STEPS_PER_SCENE == 0:
            self._scenes[self._generator.integers(SCENES)] = self._scene()
        pairs = [self._pair() for _ in range(CROPS)]
        noisy, clean = (torch.from_numpy(np.stack(crops)).movedim(3, 1) for crops in zip(*pairs, strict=True))
        return noisy, clean

    def _scene(self) -> Floats:
        scene = dead_leaves(self._generator, SCENE_SIDE, random_palette(self._generator)).clip(0, 1)
        return scene if self._channels > 1 else scene.mean(axis=2, keepdims=True)

    def _pair(self) -> tuple[Floats, Floats]:
        scene = self._scenes[self._generator.integers(SCENES)]
        top, left = self._generator.integers(0, SCENE_SIDE - CROP_SIDE + 1, 2)
        clean = scene[top : top + CROP_SIDE, left : left + CROP_SIDE]
        clean = np.rot90(clean, int(self._generator.integers(4)))
        clean = np.ascontiguousarray(clean[:, ::-1] if self._generator.random() < 0.5 else clean)
        noisy = clean + draw_noise(random_noise_model(self._generator, self._channels), clean, self._generator)
        return (noisy.clip(0, 1) if self._generator.random() < CLIPPED else noisy), clean


def beginning(channels: int, start: Path | None) -> SensorNet:
    """A new network, or one that goes on from weights: those of colour serve grey; levels they lack add nothing yet."""
    network = SensorNet(channels)
    if start is None:
        return network
    given, own = load_file(start), network.state_dict()
    for name, weight in own.items():
        if name not in given:
            own[name] = torch.zeros_like(weight) if name.startswith("from_") else weight
        elif name == "first.weight":  # a grey frame is three equal channels
            own[name] = given[name].float().sum(1, keepdim=True) if channels == 1 else given[name].float()
        else:
            own[name] = given[name].float() if given[name].shape == weight.shape else given[name].float().mean(0, True)
    network.load_state_dict(own)
    return network


@retained_memory()
def pretrain(path: Path, channels: int, steps: int, seed: int, device_name: str, start: Path | None = None) -> None:
    """Train and write the weights, as float16."""
    device = resolve_device(device_name)
    torch.manual_seed(seed)
    network = beginning(channels, start)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    apply = with_precision(network, device, resolve_precision("auto", device))
    optimiser = Muon(network.parameters(), lr=LEARNING_RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    checkpoint, begin = path.with_suffix(".checkpoint"), 0
    if checkpoint.exists():
        begin, weights, momentum, schedule = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(weights)
        optimiser.load_state_dict(momentum)
        rate.load_state_dict(schedule)
    pairs = PairSource(channels, seed + begin)
    started, total = time.perf_counter(), 0.0
    for step in range(begin, steps):
        noisy, clean = (crops.to(device) for crops in pairs())
        power = (noisy - clean).square().mean(dim=(1, 2, 3))
        loss = ((apply(noisy) - clean).square().mean(dim=(1, 2, 3)) / power ** (LEVEL_POWER / 2)).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rate.step()
        total += float(loss.detach())
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps:
            seconds = time.perf_counter() - started
            print(f"{step + 1}/{steps}: loss {total / CHECKPOINT_EVERY:.5f}, {seconds:.0f} s", flush=True)
            total = 0.0
            with atomic_file(checkpoint) as temporary:
                parts = (network, optimiser, rate)
                torch.save((step + 1, *(part.state_dict() for part in parts)), temporary)
    with atomic_file(path) as temporary:
        save_file({name: weight.half().contiguous() for name, weight in network.cpu().state_dict().items()}, temporary)
    checkpoint.unlink()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, choices=(1, 3), required=True)
    parser.add_argument("--steps", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--start", type=Path, help="weights to go on from, also of colour, or of fewer levels")
    arguments = parser.parse_args()
    pretrain(
        arguments.out, arguments.channels, arguments.steps, arguments.seed, arguments.device, start=arguments.start
    )


if __name__ == "__main__":
    main()
