"""Zero-shot training: two networks from the noisy frames of one sensor, read top to bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from zsn2m_deploy.config import ScheduleConfig, TrainConfig
from zsn2m_deploy.crops import CropSampler, average_orientations
from zsn2m_deploy.device import resolve_device, resolve_precision, with_precision
from zsn2m_deploy.downsample import random_mask
from zsn2m_deploy.judging import is_dead, mean_shift, strayed
from zsn2m_deploy.losses import grd_loss, mbd_loss
from zsn2m_deploy.networks import GrdNet, MbdNet
from zsn2m_runtime.errors import InputError, TrainingError
from zsn2m_runtime.image import Pixels, to_nchw
from zsn2m_runtime.noise import estimate_sigma, value_span

log = logging.getLogger(__name__)

SMALLEST_SIDE = 16  # pixels; below, a half-size frame is hardly larger than the 5 x 5 window
_CHECK_EVERY = 25  # steps between looks at the loss: each look waits for the device
_HISTORY = 100  # losses kept in the report


@dataclass(frozen=True)
class Progress:
    """Where a running stage stands; `loss` is that of the latest look, None where a stage has none."""

    stage: str
    iteration: int
    iterations: int
    loss: float | None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class StageReport:
    """One finished stage: what it cost and how its loss fell (at most 100 values, evenly spaced, from the first)."""

    stage: str
    iterations: int
    seconds: float
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Trained:
    """The specialised networks (on the CPU, float32) and what belongs to them.

    `offset` and `scale` are sensor units: a network sees (frame - offset) / scale.
    """

    config: TrainConfig
    channels: int
    offset: float
    scale: float
    noise_sigma: float
    networks: dict[str, nn.Module]
    device: str
    precision: str
    reports: list[StageReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def train(frames: Sequence[Pixels], config: TrainConfig, progress: ProgressCallback | None = None) -> Trained:
    """Train MBD-Net and, unless `config.stage` is "mbd", GRD-Net on the noisy frames of one sensor.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16; sizes may differ, channels may not
    Raises:
        InputError: frames too small, of different channel counts, or constant.
        UsageError, UnavailableError: device or precision not to be had.
        TrainingError: the loss stopped being finite, or MBD-Net died.

    Paper: Sec. 3.2 and 3.3. Deterministic for a seed on one CPU with one thread count.
    """
    channels = _check(frames, config)
    device = resolve_device(config.device)
    precision = resolve_precision(config.precision, device)
    low, high = value_span(frames)
    if high <= low:
        raise InputError(f"expected frames with some variation, but nearly all values are {low:g}; nothing to learn")
    sigma = sum(estimate_sigma(frame) for frame in frames) / len(frames)
    pool = [(torch.from_numpy(to_nchw(frame)[0]).to(device) - low) / (high - low) for frame in frames]

    run = _Run(pool, sigma / (high - low), device, precision, torch.Generator().manual_seed(config.seed), progress)
    trained = Trained(config, channels, low, high - low, sigma, {}, str(device), precision)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        mbd = MbdNet(channels, config.mbd)

    trained.reports.append(_train_mbd(run, mbd, config))
    if config.keep_mean:
        run.keep_mean(mbd)
    trained.networks["mbd"] = mbd.cpu()
    if config.stage == "full":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            grd = GrdNet(channels, config.grd, mbd if config.grd.start_from_teacher else None)
        trained.reports.append(_train_grd(run, mbd, grd, config))
        if config.keep_mean:
            run.keep_mean(grd)
        if strayed(run.network(grd), run.network(mbd), run.pool):
            trained.warnings.append("GRD-Net did not learn to follow MBD-Net; the bundle holds MBD-Net only")
            log.warning(trained.warnings[-1])
        else:
            trained.networks["grd"] = grd.cpu()
        mbd.cpu()
    return trained


@dataclass(frozen=True)
class _Run:
    """What both stages share."""

    pool: list[Tensor]  # each (c, h, w), normalised
    sigma: float  # of the noise, normalised
    device: torch.device
    precision: str
    generator: torch.Generator
    progress: ProgressCallback | None

    def network(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network on the device in channels_last, its convolutions in the run's precision."""
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return with_precision(network, self.device, self.precision)  # type: ignore[arg-type]

    def keep_mean(self, network: MbdNet | GrdNet) -> None:
        """Shift the network's results so that its frames keep their mean; in float32, as it will be used."""
        apply = with_precision(network.to(self.device), self.device, "fp32")
        network.add_to_output(-mean_shift(apply, self.pool))

    def crops(self, schedule: ScheduleConfig, multiple: int) -> CropSampler:
        """Crops for a stage."""
        return CropSampler(self.pool, schedule, multiple, self.generator)


def _train_mbd(run: _Run, mbd: MbdNet, config: TrainConfig) -> StageReport:
    network = run.network(mbd)
    masks = torch.Generator(run.device).manual_seed(config.seed)

    def loss(noisy: Tensor) -> Tensor:
        batch, channels, height, width = noisy.shape
        half = torch.Size((batch, channels, height // 2, width // 2))
        mask = random_mask(half, masks, run.device, config.mbd.mask_per_pixel)  # a new one each iteration
        return mbd_loss(network, noisy, mask, config.strength, config.mbd)

    schedule = config.mbd.schedule
    report = _fit("mbd", mbd, loss, run.crops(schedule, multiple=2), schedule, run)
    if is_dead(network, run.pool, run.sigma):
        raise TrainingError(
            "MBD-Net died: its output no longer follows the frame; try another --seed, or a lower "
            "mbd.schedule.learning_rate in a --config file"
        )
    return report


def _train_grd(run: _Run, mbd: MbdNet, grd: GrdNet, config: TrainConfig) -> StageReport:
    teacher, network = run.network(mbd), run.network(grd)

    def loss(noisy: Tensor) -> Tensor:
        with torch.no_grad():  # f is frozen
            clean = average_orientations(teacher, noisy) if config.grd.average_orientations else teacher(noisy)
        return grd_loss(network, noisy, clean, config.grd)

    schedule = config.grd.schedule
    crops = run.crops(schedule, multiple=2 * grd.stride)  # half-size frames must fit the stride too
    return _fit("grd", grd, loss, crops, schedule, run)


def _fit(
    stage: str,
    network: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    crops: CropSampler,
    schedule: ScheduleConfig,
    run: _Run,
) -> StageReport:
    """The loop: crops -> loss -> gradient -> step."""
    started = time.perf_counter()
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=schedule.learning_rate, fused=True)
    rate = _learning_rate(optimiser, schedule)
    scaler = torch.amp.GradScaler(run.device.type, enabled=run.precision == "fp16")
    losses = torch.zeros(schedule.iterations, device=run.device)

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
            if run.progress:
                run.progress(Progress(stage, iteration + 1, schedule.iterations, latest))

    kept = losses[:: -(-schedule.iterations // _HISTORY)].tolist()
    return StageReport(stage, schedule.iterations, time.perf_counter() - started, tuple(kept))


def _learning_rate(optimiser: torch.optim.Optimizer, schedule: ScheduleConfig) -> torch.optim.lr_scheduler.LRScheduler:
    if schedule.schedule == "step":
        return torch.optim.lr_scheduler.StepLR(optimiser, step_size=1000, gamma=0.5)  # ZS-N2N
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=schedule.learning_rate, total_steps=schedule.iterations
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


def _check(frames: Sequence[Pixels], config: TrainConfig) -> int:
    if not frames:
        raise InputError("expected at least one frame to train on, but got none")
    channels = {1 if frame.ndim == 2 else frame.shape[2] for frame in frames}
    if len(channels) > 1:
        raise InputError(f"expected frames of one sensor, but got {sorted(channels)} channels; train them separately")
    smallest = max(SMALLEST_SIDE, 2 ** len(config.grd.widths) if config.stage == "full" else 0)  # half-size in GRD-Net
    for frame in frames:
        if min(frame.shape[:2]) < smallest:
            raise InputError(
                f"expected training frames of at least {smallest} x {smallest} pixels, but got "
                f"{frame.shape[1]} x {frame.shape[0]} (width x height); use a larger frame of the same sensor"
            )
    return channels.pop()
