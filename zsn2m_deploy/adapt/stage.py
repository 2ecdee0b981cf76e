"""The sensor stage, read top to bottom: the pretrained SensorNet adapts to the noise of its frames.

Frames of different noise are a mixture: each step takes one group's turn, with crops of its frames, scenes in its
colours and its noise. The network tells the groups apart by the noise that it sees, as it does levels it was not
adapted to.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zsn2m_deploy.adapt.loss import pairs_are_independent, sensor_loss
from zsn2m_deploy.adapt.scenes import synthetic_scenes
from zsn2m_deploy.config import SensorConfig
from zsn2m_deploy.fit.checks import estimated_error
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.run import Run, Trained
from zsn2m_deploy.noise.fields import NoiseFields
from zsn2m_deploy.noise.mean import mean_bias, samples
from zsn2m_deploy.noise.refine import FirstGuess, first_guesses, refine_noise
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.errors import TrainingError, UsageError
from zsn2m_runtime.noise.model import NoiseModel

LOOKS = 8  # steps' crops of each group that the pretrained network looks at first
FEWEST_SHARED = 2  # groups that share the steps of one; with three 0.7 dB were lost at a third of fast's; measured
PALETTE_STEP = 7  # pixels
IMPLAUSIBLE = 0.8  # correlation of neighbours that no sensor's noise has: 0.74 is the most of PolyU's frames
LITTLE_GAINED = 0.8  # power of the error, of that of the noise: 1 dB
WHOLE = 0.9  # of what a network takes away is noise, at least; the noise is known no better

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Adaptation:
    """How the network adapts to one group of frames: where its crops come from, and how its noise is drawn."""

    crops: CropSampler
    scenes: CropSampler
    noise: NoiseFields
    config: SensorConfig


def train_sensor(run: Run, trained: Trained) -> None:
    """Adapt SensorNet; the noise of each group is confirmed by the pretrained network first."""
    prior, sensor = pretrained(trained.channels), pretrained(trained.channels)
    first, network = run.fitter.place(prior), run.fitter.place(sensor)
    adaptations = [_adaptation(run, trained, first, group) for group in range(len(run.groups))]
    if not any(adaptation.config.weight_recorrupted for adaptation in adaptations):
        config = trained.config.sensor.model_copy(update={"weight_recorrupted": 0.0})
        trained.config = trained.config.model_copy(update={"sensor": config})
    turns = itertools.cycle(adaptations)
    turn = adaptations[0]

    def crops() -> Tensor:
        nonlocal turn
        turn = next(turns)
        return turn.crops()

    def loss(noisy: Tensor) -> Tensor:
        return sensor_loss(network, noisy, turn.scenes(), first, turn.noise, turn.config)

    _grow_schedule(trained, len(adaptations))
    trained.reports.append(run.fitter.fit("sensor", sensor, loss, crops, trained.config.sensor.schedule))
    if run.is_dead(network):
        raise TrainingError(
            "SensorNet died: its output no longer follows the frame; try another --seed, or --method mbd"
        )
    if trained.config.keep_mean:
        run.keep_mean(sensor, by_noise=True)
    _keep_regular_detail(run, sensor, trained)
    run.judge(sensor, trained)
    if trained.correction:
        sensor.correction = trained.correction.rescaled(trained.offset, trained.scale)
    trained.networks["sensor"] = sensor.cpu()


def _grow_schedule(trained: Trained, groups: int) -> None:
    """More steps for many groups, so that each has at least half of what it would have alone."""
    sensor = trained.config.sensor
    steps = math.ceil(sensor.schedule.iterations * max(1.0, groups / FEWEST_SHARED))
    schedule = sensor.schedule.model_copy(update={"iterations": steps})
    sensor = sensor.model_copy(update={"schedule": schedule})
    trained.config = trained.config.model_copy(update={"sensor": sensor})


def confirm_noise(run: Run, trained: Trained) -> None:
    """Have the pretrained network put the noise right for stages that do not use it; no random number is taken."""
    first, schedule = run.fitter.place(pretrained(trained.channels)), trained.config.sensor.schedule
    for number, group in enumerate(run.groups):
        generator = torch.Generator().manual_seed(trained.config.seed)
        crops = run.crops(run.frames_of(group), schedule, SensorNet.stride, generator)
        guesses = first_guesses([crops() for _ in range(LOOKS // 2)], first, run.channels)
        run.confirm(number, refine_noise(group.noise, first, guesses, trained.config.seed), trained)


def _keep_regular_detail(run: Run, network: SensorNet, trained: Trained) -> None:
    """Weaken a network that takes regular detail for noise, as far as its error on the frames asks for."""
    apply = run.as_used(network)
    regular = [group for group in run.groups if group.noise.regular]
    found = [
        error
        for one in regular
        if (error := estimated_error(apply, run.frames_of(one), one.noise, trained.config.seed))
    ]
    share = min((error.best_share for error in found), default=1.0)
    if share >= WHOLE:
        return
    network.weaken(share)
    text = (
        f"the network takes some of the regular detail for noise; only {100 * share:.0f} % of what it would take "
        f"away goes, which leaves the smallest error"
    )
    if max(error.left(share) for error in found) > LITTLE_GAINED:
        trained.warn(f"{text}, hardly less than the noise")
    else:
        trained.hints.append(text)


def _adaptation(run: Run, trained: Trained, first: Network, number: int) -> Adaptation:
    """What one group needs; its noise is put right in the run and in what was trained."""
    group, config, seed = run.groups[number], trained.config.sensor, trained.config.seed
    crops = run.crops(run.frames_of(group), config.schedule, SensorNet.stride)
    guesses = first_guesses([crops() for _ in range(LOOKS)], first, run.channels)
    model = refine_noise(group.noise, first, guesses, seed)
    run.confirm(number, model, trained)
    if min(model.neighbours) > IMPLAUSIBLE:
        trained.warn(
            f"what passed for noise is alike from pixel to pixel (correlation {min(model.neighbours):.2f}): it may be "
            f"the picture itself, and the frame without noise; look at the preview"
        )
    if not pairs_are_independent(model, guesses):
        if not config.weight_synthetic:
            raise UsageError(
                "expected sensor.weight_synthetic above 0 for noise that is correlated, skewed or of few photons, but "
                "got 0; recorrupted pairs cannot learn from it"
            )
        config = config.model_copy(update={"weight_recorrupted": 0.0})
    noise = NoiseFields(model, trained.config.strength, seed, run.fitter.device, run.generator)
    scenes = synthetic_scenes(_colours(guesses, model), config, seed).clamp(*model.ends)
    drawn = CropSampler(list(scenes.to(run.fitter.device)), config.schedule, SensorNet.stride, run.generator)
    return Adaptation(crops, drawn, noise, config)


def _colours(guesses: list[FirstGuess], noise: NoiseModel) -> Tensor:
    """Clean colours of noisy crops, (n, c), as a network sees them, as bright as the crops."""
    clean = torch.cat([samples(guess.clean) for guess in guesses])
    pairs = ((guess.noisy, guess.clean) for guess in guesses)
    return (clean - mean_bias(pairs, noise))[::PALETTE_STEP]
