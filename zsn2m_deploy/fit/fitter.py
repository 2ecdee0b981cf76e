"""The training loop that every stage shares: crops, loss, gradient, step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_deploy.config.training import Precision
from zsn2m_deploy.fit.device import with_precision
from zsn2m_deploy.fit.muon import Muon
from zsn2m_runtime.errors import TrainingError

_CHECK_EVERY = 25  # steps between readings of the loss; chosen, as each one waits for the device
_HISTORY = 100  # losses kept in the report: enough for its plot
_STEP_FACTOR = 0.5  # of the learning rate at each step of schedule "step", as ZS-N2N (Mansour and Heckel, 2023)


@dataclass(frozen=True)
class Progress:
    """The state of a running stage; `loss` is the latest that was read, None if the stage has none."""

    stage: str
    iteration: int
    iterations: int
    loss: float | None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class StageReport:
    """A finished stage.

    losses: at most 100, evenly spaced, from the first step on
    """

    stage: str
    iterations: int
    seconds: float
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Fitter:
    """Fits networks on one device in one precision (fp32, bf16 or fp16)."""

    device: torch.device
    precision: Precision
    progress: ProgressCallback | None = None

    def place(self, network: nn.Module) -> Callable[..., Tensor]:
        """Move the network to the device; returns a function that applies it in the fitter's precision.

        Memory layout is channels_last: docs/decisions/memory-layout.md.
        """
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return with_precision(network, self.device, self.precision)

    def fit(
        self,
        stage: str,
        network: nn.Module,
        loss_of: Callable[[Tensor], Tensor],
        crops: Callable[[], Tensor],
        schedule: ScheduleConfig,
    ) -> StageReport:
        """Train the network's weights on random crops.

        Args:
            stage: its name in progress, report and errors
            loss_of: (b, c, h, w) crops -> scalar loss
            crops: returns the crops of the next step
            schedule: optimiser, learning rate and number of steps
        Raises:
            TrainingError: the loss is not finite.
        """
        started = time.perf_counter()
        weights = [weight for weight in network.parameters() if weight.requires_grad]
        optimiser = _optimiser(weights, schedule)
        rate = _learning_rate(optimiser, schedule)
        scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        losses = torch.zeros(schedule.iterations, device=self.device)

        for iteration in range(schedule.iterations):
            loss = loss_of(crops())  # (b, c, side, side) -> scalar
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            if schedule.gradient_clip:
                scaler.unscale_(optimiser)
                nn.utils.clip_grad_norm_(weights, schedule.gradient_clip)
            scaler.step(optimiser)
            scaler.update()
            rate.step()
            losses[iteration] = loss.detach()
            if (iteration + 1) % _CHECK_EVERY == 0 or iteration + 1 == schedule.iterations:
                latest = _finite(stage, losses[iteration], iteration, schedule)
                if self.progress:
                    self.progress(Progress(stage, iteration + 1, schedule.iterations, latest))

        kept = losses[:: -(-schedule.iterations // _HISTORY)].tolist()
        return StageReport(stage, schedule.iterations, time.perf_counter() - started, tuple(kept))


def _optimiser(weights: list[nn.Parameter], schedule: ScheduleConfig) -> torch.optim.Optimizer:
    if schedule.optimiser == "muon":
        return Muon(weights, lr=schedule.learning_rate)
    return torch.optim.Adam(weights, lr=schedule.learning_rate, fused=True)


def _learning_rate(optimiser: torch.optim.Optimizer, schedule: ScheduleConfig) -> torch.optim.lr_scheduler.LRScheduler:
    if schedule.schedule == "step":
        return torch.optim.lr_scheduler.StepLR(optimiser, step_size=schedule.step_size, gamma=_STEP_FACTOR)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=schedule.iterations, cycle_momentum=schedule.optimiser == "adam"
    )


def _finite(stage: str, loss: Tensor, iteration: int, schedule: ScheduleConfig) -> float:
    value = float(loss)
    if value != value or value in (float("inf"), float("-inf")):
        raise TrainingError(
            f"the loss of stage {stage} is {value} after {iteration + 1} iterations at a learning rate of "
            f"{schedule.learning_rate:g}; try --precision fp32, or a lower {stage}.schedule.learning_rate in a "
            f"--config file"
        )
    return value
