"""The loop of long trainings, which may be stopped: run again, they go on from their last checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from zsn2m_deploy.fit.muon import Muon
from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.errors import UsageError

LEVEL_POWER = 1.3  # losses are divided by sigma^1.3, by which they grow with it: all levels count alike
CHECKPOINT_EVERY = 500  # steps
WARM_UP = 0.1  # share of the steps in which the learning rate rises


def normalised_error(result: Tensor, noisy: Tensor, clean: Tensor) -> Tensor:
    """The mean squared error of each crop, over the power that it grows with. Shape: (n, c, h, w) -> (n,)."""
    power = (noisy - clean).square().mean(dim=(1, 2, 3))
    return (result - clean).square().mean(dim=(1, 2, 3)) / power ** (LEVEL_POWER / 2)


def train_checkpointed(
    path: Path,
    network: nn.Module,
    loss_from: Callable[[int], Callable[[], Tensor]],
    settings: Mapping[str, int],
    learning_rate: float,
) -> None:
    """Train by Muon in one cycle, and write the weights as float16; PATH.checkpoint is what it goes on from.

    Args:
        network: on its device
        loss_from: what gives the loss of each step, from a first step on
        settings: of the training, "steps" among them; a checkpoint of others is refused
    Raises:
        UsageError: there is a checkpoint of other settings.
    """
    steps, device = settings["steps"], next(network.parameters()).device
    optimiser = Muon(network.parameters(), lr=learning_rate)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=steps, pct_start=WARM_UP, cycle_momentum=False
    )
    checkpoint, begin = path.with_suffix(".checkpoint"), 0
    if checkpoint.exists():
        before, begin, weights, momentum, schedule = torch.load(checkpoint, map_location=device, weights_only=True)
        if before != settings:
            raise UsageError(f"{checkpoint}: expected {settings} to go on with, but it is of {before}; remove it")
        network.load_state_dict(weights)
        optimiser.load_state_dict(momentum)
        rate.load_state_dict(schedule)
    loss_of, started, losses = loss_from(begin), time.perf_counter(), []
    for step in range(begin, steps):
        loss = loss_of()
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
