"""VideoNet for the frames of a run: the pretrained network learns their noise and their colours.

Each step has drawn sequences with the frames' noise, in the frames' colours and of what the adapted SensorNet made of
the frames; and, where the default uses them, a recorrupted pair of a frame by itself. It comes after SensorNet and has
random numbers of its own, so that SensorNet is what it would be without. Frames of different noise take turns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.adapt.loss import recorrupted_loss
from zsn2m_deploy.adapt.scenes import synthetic_scenes
from zsn2m_deploy.adapt.stage import colours_of, limits_of
from zsn2m_deploy.config.networks import SCENE_SIDE, ScheduleConfig, SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.fitter import StageReport
from zsn2m_deploy.fit.run import Fitted, FrameGroup, Run
from zsn2m_deploy.fit.turns import Turns
from zsn2m_deploy.noise.fields import NoiseFields, after_jpeg
from zsn2m_deploy.noise.refine import first_guesses
from zsn2m_deploy.pretrain.checkpointed import LEVEL_POWER
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.video.loss import chunk_loss
from zsn2m_deploy.video.network import NoiseDeviation, VideoNet
from zsn2m_deploy.video.scenes import Clip, clip
from zsn2m_deploy.video.sequences import CHUNK, Chunk, strengths, together
from zsn2m_deploy.video.weights import pretrained_video
from zsn2m_runtime.errors import TrainingError
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import JpegNoise

LOOKS = 8  # crops of each group that SensorNet denoises: they give colours and are scenes themselves
CLIPS = 48  # drawn sequences of each group; each step takes some, with other noise
SEQUENCES = 3  # of a step
SIDE = 96  # pixels of a sequence
LEARNING_RATE = 5e-3
FIRST = 2.0  # weight of a first frame in the loss; docs/decisions/video-network.md measured both
RECORRUPTED = 0.25  # weight of recorrupted pairs, of frames by themselves, over that in SensorNet's loss
LEAST_POWER = 1e-12  # keeps divisions finite

Apply = Callable[..., Tensor]


@dataclass(frozen=True)
class Lesson:
    """What a step needs of one group of frames.

    crops: of the frames; clips: drawn; noise: to draw
    deviation: what the graph tells the network of the noise, of the first group's; strength: of this group's over it
    """

    crops: CropSampler
    clips: list[Clip]
    noise: NoiseFields
    jpeg: JpegNoise | None
    deviation: NoiseDeviation
    strength: float
    config: SensorConfig
    generator: np.random.Generator

    def loss(self, apply: Apply, crops: Tensor) -> Tensor:
        """The loss of one step, with crops of the frames as `crops` gives them."""
        chunk = self.chunk()
        loss, _ = chunk_loss(apply, chunk, chunk.noisy[0], FIRST)
        if self.config.weight_recorrupted:
            loss = loss + RECORRUPTED * self.config.weight_recorrupted * self._recorrupted(apply, crops)
        return loss

    def chunk(self) -> Chunk:
        """Drawn sequences with the group's noise."""
        chosen = [self.clips[index] for index in self.generator.integers(len(self.clips), size=SEQUENCES)]
        clean, motion = (part.to(self.deviation.floor.device) for part in together(chosen))
        strength, told = strengths(self.generator, CHUNK, SEQUENCES)
        drawn = self.noise.strengths(SEQUENCES)  # the estimate of correlated noise may be low, and is told in part
        strength, told = strength * drawn, told * drawn ** torch.from_numpy(self.generator.random(SEQUENCES)).float()
        frames = clean.flatten(0, 1)
        if self.jpeg:  # what a JPEG does to the picture itself is no noise: docs/decisions/jpeg-noise.md
            frames = after_jpeg(frames, self.jpeg)
        noisy = self.noise.corrupt(frames, strength.flatten().to(frames))
        line = torch.stack([self.deviation.slope, self.deviation.floor, self.deviation.least]).expand(3, SEQUENCES)
        begins = torch.ones(SEQUENCES, dtype=torch.bool, device=clean.device)
        return Chunk(frames.view_as(clean), noisy.view_as(clean), motion, begins, line, self.strength * told.to(clean))

    def _recorrupted(self, apply: Apply, crops: Tensor) -> Tensor:
        """The loss on a recorrupted pair of a frame by itself, as `sensor_loss`, divided as `normalised_error` is."""
        channels, a = self.clips[0].frames.shape[3], self.config.recorruption
        frame, shown = crops[:, :channels], crops[:, channels:]
        with torch.no_grad():
            clean = apply(frame, frame, self.deviation(frame, frame.new_tensor([self.strength])))
            z = self.noise.draw(clean) * self.noise.unclipped(frame)
        told = frame.new_tensor([self.strength * math.sqrt(1 + a**2)])

        def by_itself(noisier: Tensor) -> Tensor:
            return apply(noisier, noisier, self.deviation(noisier, told))

        loss = recorrupted_loss(by_itself, frame, shown, z, a)
        return loss / z.square().mean().clamp_min(LEAST_POWER) ** (LEVEL_POWER / 2)


def train_video(run: Run, config: TrainConfig, fitted: Fitted) -> Fitted:
    """What was fitted, and VideoNet beside it: adapted, or, without steps or if that fails, as it was pretrained."""
    if run.channels == PLANES:
        run.notes.hints.append("the bundle has no model for videos: VideoNet does not know mosaics")
        return fitted
    network, reports = pretrained_video(run.channels), fitted.reports
    deviation = NoiseDeviation(fitted.groups[0].noise)
    schedule = fitted.config.sensor.schedule
    if schedule.iterations:
        try:
            reports += (_adapted(run, network, _lessons(run, config, fitted), schedule),)
            failed = _is_dead(run, network, deviation)
        except TrainingError:
            failed = True
        if failed:
            run.notes.warn("VideoNet, the model for videos, did not learn this noise: it is as it was pretrained")
            network, reports = pretrained_video(run.channels), fitted.reports
    network.deviation = deviation.cpu()
    network.correct(run.corrections, run.low, run.scale)
    return replace(fitted, networks={**fitted.networks, "video": network.cpu()}, reports=reports)


def _is_dead(run: Run, network: VideoNet, deviation: NoiseDeviation) -> bool:
    apply, on_device = run.as_used(network), deviation.to(run.fitter.device)
    return run.is_dead(lambda noisy: apply(noisy, noisy, on_device(noisy, noisy.new_ones(1))))


def _adapted(run: Run, network: VideoNet, lessons: Sequence[Lesson], schedule: ScheduleConfig) -> StageReport:
    """Change the network's weights."""
    apply = run.fitter.place(network)
    turns = Turns(lessons, lambda lesson, noisy: lesson.loss(apply, noisy))
    schedule = schedule.model_copy(update={"learning_rate": LEARNING_RATE})
    return run.fitter.fit("video", network, turns.loss, turns.crops, schedule)


def _lessons(run: Run, config: TrainConfig, fitted: Fitted) -> list[Lesson]:
    sensor, first = run.fitter.place(copy.deepcopy(fitted.networks["sensor"])), fitted.groups[0].noise
    return [_lesson(run, config, fitted.config.sensor, sensor, group, first) for group in fitted.groups]


def _lesson(
    run: Run, config: TrainConfig, used: SensorConfig, sensor: Apply, group: FrameGroup, first: NoiseModel
) -> Lesson:
    """The crops, drawn sequences and drawn noise of one group; first: the noise of the first group."""
    seed, noise, frames, device = config.seed, group.noise, run.frames_of(group), run.fitter.device
    random, generator = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    look = run.crops(frames, used.schedule.model_copy(update={"crop_side": SCENE_SIDE}), SensorNet.stride, random)
    guesses = first_guesses([look() for _ in range(LOOKS)], sensor, run.channels)
    few = min(CLIPS, SEQUENCES * used.schedule.iterations)  # no more than the steps use
    enough = used.model_copy(update={"scenes": min(used.scenes, few)})
    drawn = synthetic_scenes(colours_of(guesses, noise), enough, seed)
    scenes = [*drawn.clamp(*noise.ends), *(guess.clean[0].cpu() for guess in guesses)]
    pictures = [scene.movedim(0, 2).numpy() for scene in scenes]
    levels = torch.cat([guess.levels() for guess in guesses]).double().cpu().numpy()
    return Lesson(
        crops=run.crops(frames, used.schedule, SensorNet.stride, random),
        clips=[clip(generator, pictures, SIDE, CHUNK) for _ in range(few)],
        noise=NoiseFields(noise, config.strength, seed, device, random, limits_of(run, group, noise)),
        jpeg=noise.jpeg,
        deviation=NoiseDeviation(first).to(device),
        strength=float(np.sqrt(noise.normal.variance(levels).mean() / first.normal.variance(levels).mean())),
        config=used,
        generator=generator,
    )
