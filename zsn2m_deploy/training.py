"""Zero-shot training: networks from the noisy frames of one sensor, read top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from zsn2m_deploy.adapting import NoiseFields, noise_factor, pairs_are_independent, sensor_loss, synthetic_scenes
from zsn2m_deploy.calibrating import Look, look_at, seen
from zsn2m_deploy.config import ScheduleConfig, TrainConfig
from zsn2m_deploy.crops import CropSampler, average_orientations
from zsn2m_deploy.defects import DefectCorrection, defects_in_words, find_defects
from zsn2m_deploy.device import resolve_device, resolve_precision, with_precision
from zsn2m_deploy.downsample import random_mask
from zsn2m_deploy.fitting import Fitter, ProgressCallback, StageReport
from zsn2m_deploy.judging import brightened, is_dead, samples, shift, strayed
from zsn2m_deploy.losses import grd_loss, mbd_loss
from zsn2m_deploy.networks import GrdNet, MbdNet, SensorNet
from zsn2m_deploy.prior.weights import pretrained
from zsn2m_deploy.screening import screen
from zsn2m_runtime.errors import InputError, TrainingError, UsageError
from zsn2m_runtime.image import Pixels, to_nchw
from zsn2m_runtime.noise import value_span
from zsn2m_runtime.noise_estimate import estimate_noise
from zsn2m_runtime.noise_model import NoiseModel

log = logging.getLogger(__name__)

LOOKS = 8  # steps' crops that the pretrained network looks at first
PALETTE_STEP = 7  # pixels
IMPLAUSIBLE = 0.8  # correlation of neighbours that no sensor's noise has: 0.74 is the most of PolyU's frames
SMALLEST_SIDE = 16  # pixels; below, a half-size frame is hardly larger than the 5 x 5 window


@dataclass
class Trained:
    """The specialised networks (on the CPU, float32) and what belongs to them.

    `offset` and `scale` are sensor units: a network sees (frame - offset) / scale.
    """

    config: TrainConfig
    channels: int
    offset: float
    scale: float
    noise: NoiseModel
    networks: dict[str, nn.Module]
    device: str
    precision: str
    reports: list[StageReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    correction: DefectCorrection | None = None  # of defective pixels, sensor units; it is part of SensorNet
    defective_share: float = 0.0  # of the samples, if they are corrected
    unmodelled: str | None = None  # what of the frames no noise of single pixels explains

    def warn(self, text: str) -> None:
        """Tell the user, now and in the bundle."""
        self.warnings.append(text)
        log.warning(text)


def train(frames: Sequence[Pixels], config: TrainConfig, progress: ProgressCallback | None = None) -> Trained:
    """Train the networks of `config.stage` on the noisy frames of one sensor.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16; sizes may differ, channels may not
    Raises:
        InputError: frames too small, of different channel counts, constant, or a sensor's mosaic.
        UsageError, UnavailableError: device or precision not to be had.
        TrainingError: the loss stopped being finite, or a network died.

    Paper: Sec. 3.2 and 3.3. Deterministic for a seed on one CPU with one thread count.
    """
    channels = _check(frames, config)
    screened = screen(frames, config.mosaic)
    device = resolve_device(config.device)
    precision = resolve_precision(config.precision, device)
    if config.stage == "sensor" and config.precision == "auto" and device.type == "cpu":
        precision = "fp32"  # narrow layers gain nothing from bf16 on a CPU: 1.45 times slower; measured
    low, high = _span(frames)
    noise = estimate_noise(frames)
    defects = find_defects(frames, noise)
    warnings = defects_in_words(defects, config.sensor.correct_defects)
    corrected = defects if config.sensor.correct_defects else None
    if corrected:
        frames, noise = corrected.frames, corrected.noise
        low, high = _span(frames)
    config = config.updated({"sensor": {"correct_defects": corrected is not None}})
    pool = [(torch.from_numpy(to_nchw(frame)[0]).to(device) - low) / (high - low) for frame in frames]

    crops = torch.Generator().manual_seed(config.seed)
    run = _Run(pool, noise.rescaled(low, high - low), Fitter(device, precision, progress), crops)
    trained = Trained(config, channels, low, high - low, noise, {}, str(device), precision)
    for text in (*screened.warnings, *warnings):
        trained.warn(text)
    trained.unmodelled = screened.unmodelled
    if corrected:
        trained.correction, trained.defective_share = corrected.correction, corrected.share
    if config.stage == "sensor":
        _train_sensor(run, trained)
    else:
        _train_mbd_and_grd(run, trained)
    return trained


@dataclass(frozen=True)
class _Run:
    """What both stages share."""

    pool: list[Tensor]  # each (c, h, w), normalised
    noise: NoiseModel  # normalised
    fitter: Fitter
    generator: torch.Generator

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise, normalised."""
        return self.noise.sigma(frame.movedim(0, 2).cpu().numpy() for frame in self.pool)

    def keep_mean(self, network: SensorNet | MbdNet | GrdNet, noise: NoiseModel | None = None) -> None:
        """Shift the network's results so that its frames keep their mean; in float32, as it will be used.

        `noise`: where its mean need not be zero, as for `shift`.
        """
        apply = with_precision(network.to(self.fitter.device), self.fitter.device, "fp32")
        network.add_to_output(-shift(apply, self.pool, noise))

    def crops(self, schedule: ScheduleConfig, multiple: int) -> CropSampler:
        """Crops for a stage."""
        return CropSampler(self.pool, schedule, multiple, self.generator)


def _train_sensor(run: _Run, trained: Trained) -> None:
    config, device = trained.config.sensor, run.fitter.device
    prior, sensor = pretrained(trained.channels), pretrained(trained.channels)
    first, network = run.fitter.place(prior), run.fitter.place(sensor)
    crops = run.crops(config.schedule, multiple=SensorNet.stride)
    looks = look_at([crops() for _ in range(LOOKS)], first)
    model = seen(run.noise, first, looks, trained.config.seed)
    trained.noise = model.rescaled(-trained.offset / trained.scale, 1 / trained.scale)
    if min(model.neighbours) > IMPLAUSIBLE:
        trained.warn(
            f"what passed for noise is alike from pixel to pixel (correlation {min(model.neighbours):.2f}): it may be "
            f"the picture itself, and the frame without noise; look at the preview"
        )
    if not pairs_are_independent(model, looks):
        if not config.weight_synthetic:
            raise UsageError(
                "expected sensor.weight_synthetic above 0 for noise that is correlated, skewed or of few photons, but "
                "got 0; recorrupted pairs cannot learn from it"
            )
        config = config.model_copy(update={"weight_recorrupted": 0.0})
        trained.config = trained.config.model_copy(update={"sensor": config})
    noise = NoiseFields(model, noise_factor(trained.config.strength), trained.config.seed, device, run.generator)
    scenes = synthetic_scenes(_colours(looks, model), config, trained.config.seed).clamp(*model.ends)
    draw_scenes = CropSampler(list(scenes.to(device)), config.schedule, SensorNet.stride, run.generator)

    def loss(noisy: Tensor) -> Tensor:
        return sensor_loss(network, noisy, draw_scenes(), first, noise, config)

    trained.reports.append(run.fitter.fit("sensor", sensor, loss, crops, config.schedule))
    if is_dead(network, run.pool, run.sigma):
        raise TrainingError(
            "SensorNet died: its output no longer follows the frame; try another --seed, or --stage mbd"
        )
    if trained.config.keep_mean:
        run.keep_mean(sensor, model)
    if trained.correction:
        sensor.correction = trained.correction.rescaled(trained.offset, trained.scale)
    trained.networks["sensor"] = sensor.cpu()


def _colours(looks: list[Look], noise: NoiseModel) -> Tensor:
    """Clean colours of noisy crops, (n, c), as a network sees them, as bright as the crops."""
    clean = torch.cat([samples(look.clean) for look in looks])
    return (clean - brightened(looks, noise))[::PALETTE_STEP]


def _train_mbd_and_grd(run: _Run, trained: Trained) -> None:
    config = trained.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        mbd = MbdNet(trained.channels, config.mbd)
    trained.reports.append(_train_mbd(run, mbd, config))
    if config.keep_mean:
        run.keep_mean(mbd)
    trained.networks["mbd"] = mbd.cpu()
    if config.stage == "full":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            grd = GrdNet(trained.channels, config.grd, mbd)
        trained.reports.append(_train_grd(run, mbd, grd, config))
        if config.keep_mean:
            run.keep_mean(grd)
        if strayed(run.fitter.place(grd), run.fitter.place(mbd), run.pool):
            trained.warn("GRD-Net did not learn to follow MBD-Net; the bundle holds MBD-Net only")
        else:
            trained.networks["grd"] = grd.cpu()
        mbd.cpu()


def _train_mbd(run: _Run, mbd: MbdNet, config: TrainConfig) -> StageReport:
    network, device = run.fitter.place(mbd), run.fitter.device
    masks = torch.Generator(device).manual_seed(config.seed)

    def loss(noisy: Tensor) -> Tensor:
        batch, channels, height, width = noisy.shape
        half = torch.Size((batch, channels, height // 2, width // 2))
        if config.mbd.random_masks:
            mask = random_mask(half, masks, device, config.mbd.mask_per_pixel)  # a new one each iteration
        else:
            mask = torch.ones(half, dtype=torch.bool, device=device)  # the pair (y1, y2) itself
        return mbd_loss(network, noisy, mask, config.strength, config.mbd)

    schedule = config.mbd.schedule
    report = run.fitter.fit("mbd", mbd, loss, run.crops(schedule, multiple=2), schedule)
    if is_dead(network, run.pool, run.sigma):
        raise TrainingError(
            "MBD-Net died: its output no longer follows the frame; try another --seed, or a lower "
            "mbd.schedule.learning_rate in a --config file"
        )
    return report


def _train_grd(run: _Run, mbd: MbdNet, grd: GrdNet, config: TrainConfig) -> StageReport:
    teacher, network = run.fitter.place(mbd), run.fitter.place(grd)

    def loss(noisy: Tensor) -> Tensor:
        with torch.no_grad():  # f is frozen
            clean = average_orientations(teacher, noisy) if config.grd.average_orientations else teacher(noisy)
        return grd_loss(network, noisy, clean, config.grd)

    schedule = config.grd.schedule
    crops = run.crops(schedule, multiple=2 * grd.stride)  # half-size frames must fit the stride too
    return run.fitter.fit("grd", grd, loss, crops, schedule)


def _span(frames: Sequence[Pixels]) -> tuple[float, float]:
    low, high = value_span(frames)
    if high <= low:
        raise InputError(f"expected frames with some variation, but nearly all values are {low:g}; nothing to learn")
    return low, high


def _check(frames: Sequence[Pixels], config: TrainConfig) -> int:
    if not frames:
        raise InputError("expected at least one frame to train on, but got none")
    if config.sensor.correct_defects and config.stage != "sensor":
        raise UsageError(f"expected stage sensor where defective pixels are corrected, but got {config.stage}")
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
