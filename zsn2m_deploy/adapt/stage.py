"""Method adapt, read top to bottom: the pretrained SensorNet learns the noise of its frames.

Each step has a loss on drawn scenes and one on the frame itself (`loss`). Frames of different noise are a mixture:
steps take turns, each with crops, colours and noise of one group. The network is not told which; it sees the noise.

Source: docs/decisions/two-losses.md, docs/decisions/mixtures.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zsn2m_deploy.adapt.demosaicking import demosaicked
from zsn2m_deploy.adapt.loss import pairs_are_independent, sensor_loss
from zsn2m_deploy.adapt.scenes import synthetic_scenes
from zsn2m_deploy.advice import gentler
from zsn2m_deploy.config.limits import MOST_ITERATIONS
from zsn2m_deploy.config.networks import SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.checks import Remembered
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.fitter import StageReport
from zsn2m_deploy.fit.run import Fitted, FrameGroup, Run
from zsn2m_deploy.fit.turns import Turns
from zsn2m_deploy.fit.weakening import loud_in_words, shares_of_channels, weakening
from zsn2m_deploy.noise.fields import Extent, NoiseFields, after_jpeg
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.noise.mean import mean_bias, samples
from zsn2m_deploy.pretrain.confirm import confirm_noise, measured_noise
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained_for
from zsn2m_runtime.errors import TrainingError, UsageError
from zsn2m_runtime.noise.model import NoiseModel

LOOKS = 8  # steps whose crops of each group the pretrained network denoises first, to measure the noise
FEWEST_SHARED = 2  # groups that share the steps of one; three lost 0.7 dB with preset fast: mixtures.md
PALETTE_STEP = 7  # every so many pixels give a colour: enough of them, and no two of one row of blocks
IMPLAUSIBLE = 0.8  # correlation of neighbours, either way, beyond any camera measured: at most 0.74, PolyU

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Adaptation:
    """What a step needs of one group of frames: crops of it, drawn scenes in its colours, and its noise to draw."""

    group: FrameGroup
    crops: CropSampler
    scenes: CropSampler
    noise: NoiseFields
    config: SensorConfig


def train_sensor(run: Run, config: TrainConfig) -> Fitted:
    """SensorNet for the frames of a run: adapted to the noise of each group, or, without steps, as it was pretrained.

    Raises:
        TrainingError: the loss stopped being finite, or the network died.
        UsageError: there is nothing left to learn from.
    """
    sensor = pretrained_for(run.pool)
    reports: tuple[StageReport, ...] = ()
    if config.sensor.schedule.iterations:
        run, config, report = _adapted(run, config, sensor)
        reports = (report,)
    else:
        run = confirm_noise(run, config)
        _warn_of_what_is_not_learned(run)
    for group in run.groups:
        if group.uneven:
            run.notes.warn(group.uneven.in_words(learned=bool(reports)))
        if max(group.noise.neighbours) > IMPLAUSIBLE:
            run.notes.warn(
                f"what passed for noise is alike from pixel to pixel (correlation {max(group.noise.neighbours):.2f}): "
                f"it may be the picture itself, and the frame without noise; look at the preview"
            )
    checked = Remembered(run.fitter.place(sensor))
    if run.is_dead(checked):
        other = "another --seed" if reports else "--preset default"
        raise TrainingError(f"SensorNet died: its output no longer follows the frame; try {other}, or --method mbd")
    apply = run.as_used(sensor)
    known = checked if run.fitter.precision == "fp32" else apply
    if config.keep_mean:
        run.keep_mean(sensor, by_noise=True, apply=known)
    if shares := shares_of_channels(run, known, config.seed):
        sensor.weaken(shares)
        known = apply
        run.notes.hints.extend(filter(None, {loud_in_words(group.noise) for group in run.groups}))
    errors = run.errors(known, config.seed)
    prior = run.as_used(pretrained_for(run.pool)) if reports else None
    found = weakening(run, apply, errors, config.seed, prior)
    if found.share < 1 or found.unknown:
        sensor.weaken(found.share)
        if found.doubtful or any(group.jpeg and not group.compressed for group in run.groups):  # a grey JPEG: not sure
            run.notes.warn(found.in_words())
        else:
            run.notes.hints.append(found.in_words())
        errors = run.errors(apply, config.seed)
    run.warn_of_worse(errors, gentler(config))
    sensor.correct(run.corrections, run.low, run.scale)  # last, for the run's own frames are corrected already
    return Fitted(config, run.groups, {"sensor": sensor.cpu()}, reports, found.share)


def _warn_of_what_is_not_learned(run: Run) -> None:
    """Say which noise of the frames the pretrained network does not know."""
    kinds = {
        "is shared by neighbouring pixels": any(group.noise.correlated for group in run.groups),
        "has heavy tails": any(group.noise.tails for group in run.groups),
    }
    for kind, found in kinds.items():
        if found:
            run.notes.warn(
                f"the noise {kind}, of which the pretrained network leaves a part; train with --preset default, which "
                f"learns it"
            )


def _adapted(run: Run, config: TrainConfig, sensor: SensorNet) -> tuple[Run, TrainConfig, StageReport]:
    """Change SensorNet's weights; the run with the noise that was measured first, and what was used and done."""
    prior, network = run.fitter.place(pretrained_for(run.pool)), run.fitter.place(sensor)
    adaptations = [_adaptation(run, config, prior, group) for group in run.groups]
    run = replace(run, groups=tuple(adaptation.group for adaptation in adaptations))
    config = _as_used(config, adaptations)

    def loss(turn: Adaptation, noisy: Tensor) -> Tensor:
        return sensor_loss(network, noisy, turn.scenes(), prior, turn.noise, turn.config)

    turns = Turns(adaptations, loss)
    return run, config, run.fitter.fit("sensor", sensor, turns.loss, turns.crops, config.sensor.schedule)


def _as_used(config: TrainConfig, adaptations: Sequence[Adaptation]) -> TrainConfig:
    """More steps for many groups, so that each has at least half of its own; no pairs where none can use them."""
    sensor = config.sensor
    steps = math.ceil(sensor.schedule.iterations * max(1.0, len(adaptations) / FEWEST_SHARED))
    steps = max(sensor.schedule.iterations, min(steps, MOST_ITERATIONS))
    changed: dict[str, object] = {"schedule": {"iterations": steps}}
    if not any(adaptation.config.weight_recorrupted for adaptation in adaptations):
        changed["weight_recorrupted"] = 0.0
    return config.updated({"sensor": changed})


def _adaptation(run: Run, config: TrainConfig, prior: Network, group: FrameGroup) -> Adaptation:
    """The crops, drawn scenes and drawn noise of one group, whose noise the pretrained network measures.

    Raises:
        UsageError: the noise suits no pairs, and the weight of drawn scenes is 0.
    """
    sensor, seed = config.sensor, config.seed
    crops = run.crops(run.frames_of(group), sensor.schedule, SensorNet.stride)
    guesses, group = measured_noise(run, group, prior, [crops() for _ in range(LOOKS)], seed)
    model = group.noise
    if group.uneven or not pairs_are_independent(model, guesses):
        if not sensor.weight_synthetic:
            raise UsageError(
                "expected sensor.weight_synthetic above 0 for noise that is correlated, skewed, uneven, of few photons "
                "or of heavy tails, but got 0; recorrupted pairs cannot learn from it"
            )
        sensor = sensor.model_copy(update={"weight_recorrupted": 0.0})
    device = run.fitter.device
    noise = NoiseFields(model, config.strength, seed, device, run.generator, extent_of(run, group))
    scenes = synthetic_scenes(colours_of(guesses, model), sensor, seed).clamp(*model.ends)
    if model.demosaicked:  # what that does to the picture itself is no noise: docs/decisions/scenes-of-cameras.md
        scenes = demosaicked(scenes)
    if model.jpeg:  # nor is what a JPEG does to it, which hides a mosaic: docs/decisions/jpeg-noise.md
        scenes = after_jpeg(scenes, model.jpeg)
    drawn = CropSampler(list(scenes.to(device)), sensor.schedule, SensorNet.stride, run.generator)
    return Adaptation(group, crops, drawn, noise, sensor)


def extent_of(run: Run, group: FrameGroup) -> Extent:
    """How far noise may go, normalised, and how strong it is.

    Heavy tails go as far as the group's frames, as impulses end at black and white.
    """
    if group.noise.tails is None:
        return Extent(strengths=group.strengths)
    frames = run.frames_of(group)
    return Extent((min(float(frame.min()) for frame in frames), max(float(frame.max()) for frame in frames)))


def colours_of(guesses: list[FirstGuess], noise: NoiseModel) -> Tensor:
    """Colours of the denoised crops, (n, c), with the mean of the noisy ones."""
    clean = torch.cat([samples(guess.clean) for guess in guesses])
    pairs = ((guess.noisy, guess.clean) for guess in guesses)
    return (clean - mean_bias(pairs, noise))[::PALETTE_STEP]
