"""VideoNet for the frames of a run: the pretrained network learns their noise and their colours.

Each step has crops of drawn scenes, and of what the adapted SensorNet made of the frames, with the frames' noise, as
strong as it is and weaker, as it is left when frames of a video were averaged; as many crops of the frames, whose noise
is what SensorNet removed, likewise; and, where the default uses them, a recorrupted pair of a frame. It comes after
SensorNet and has random numbers of its own, so that SensorNet is what it would be without. Frames of different noise
take turns.
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
from zsn2m_deploy.adapt.stage import colours_of, extent_of
from zsn2m_deploy.config.networks import SCENE_SIDE, ScheduleConfig, SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.crops import ORIENTATIONS, CropSampler, orient
from zsn2m_deploy.fit.fitter import StageReport
from zsn2m_deploy.fit.run import Fitted, FrameGroup, Run
from zsn2m_deploy.fit.turns import Turns
from zsn2m_deploy.fit.weakening import shares_of_channels, weakening
from zsn2m_deploy.noise.fields import NoiseFields, after_jpeg
from zsn2m_deploy.noise.guesses import first_guesses
from zsn2m_deploy.pretrain.checkpointed import LEVEL_POWER, normalised_error
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained_for
from zsn2m_deploy.video.fused import fused_noise
from zsn2m_deploy.video.network import VideoNet, deviation_at, line_of
from zsn2m_deploy.video.weights import pretrained_video
from zsn2m_runtime.errors import TrainingError
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import JpegNoise

LOOKS = 8  # crops of each group that SensorNet denoises: they give colours and are scenes themselves
CROPS = 8  # of a step
TAUGHT = 4  # of them that are the frames' own, and SensorNet's results: docs/decisions/video-network.md
SIDE = 96  # pixels of a crop
LEARNING_RATE = 5e-3  # docs/decisions/video-network.md measured it
RECORRUPTED = 0.25  # weight of recorrupted pairs over that in SensorNet's loss; likewise
LEAST_POWER = 1e-12  # keeps divisions finite

Apply = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Lesson:
    """What a step needs of one group of frames.

    crops: of the frames; scenes: (c, h, w), of each a crop of `side` pixels may be taken; noise: to draw
    results: (2 c, h, w), of parts of frames what SensorNet made of them, and what it removed; likewise
    line: of the variance of the first group's noise; strength: of this group's noise over it
    """

    crops: CropSampler
    scenes: Sequence[Tensor]
    results: Sequence[Tensor]
    side: int
    noise: NoiseFields
    jpeg: JpegNoise | None
    line: Tensor
    strength: float
    config: SensorConfig
    generator: torch.Generator

    def loss(self, apply: Apply, crops: Tensor) -> Tensor:
        """The loss of one step, with crops of the frames as `crops` gives them."""
        noisy, clean, told = self.drawn()
        deviation = deviation_at(noisy, self.line, told)
        loss = normalised_error(apply(noisy, deviation), noisy, clean).mean()
        if self.config.weight_recorrupted:
            loss = loss + RECORRUPTED * self.config.weight_recorrupted * self._recorrupted(apply, crops)
        return loss

    def drawn(self) -> tuple[Tensor, Tensor, Tensor]:
        """Frames with the group's noise, drawn and its own.

        Shape:
            returns: noisy and clean, each (b, c, side, side), and the strength that is told, (b, 1, 1, 1)
        """
        clean = self._crops(self.scenes, CROPS - TAUGHT)
        if self.jpeg:  # what a JPEG does to the picture itself is no noise: docs/decisions/jpeg-noise.md
            clean = after_jpeg(clean, self.jpeg)
        drawn = self.noise.strengths(len(clean))  # the estimate of correlated noise may be low, and is told in part
        told = torch.cat([drawn ** torch.rand(len(clean), generator=self.generator), torch.ones(TAUGHT)])
        strength, shift = fused_noise(CROPS, self.generator)
        noise = self.noise.corrupt(clean, (strength[: len(clean)] * drawn).to(clean)) - clean
        denoised, removed = self._crops(self.results, TAUGHT).chunk(2, dim=1)
        removed = removed * strength[len(clean) :].view(-1, 1, 1, 1).to(clean)
        clean = torch.cat([clean, denoised])
        noisy = clean + shift(torch.cat([noise, removed]))
        return noisy, clean, (self.strength * strength * told).view(-1, 1, 1, 1).to(clean)

    def _crops(self, pictures: Sequence[Tensor], count: int) -> Tensor:
        return torch.stack([self._crop(pictures[self._draw(len(pictures))]) for _ in range(count)])

    def _crop(self, picture: Tensor) -> Tensor:
        top, left = (self._draw(length - self.side + 1) for length in picture.shape[1:])
        crop = picture[:, top : top + self.side, left : left + self.side]
        return orient(crop, self._draw(ORIENTATIONS))

    def _draw(self, end: int) -> int:
        return int(torch.randint(end, (1,), generator=self.generator))

    def _recorrupted(self, apply: Apply, crops: Tensor) -> Tensor:
        """The loss on a recorrupted pair, as `sensor_loss` has it, divided as `normalised_error` is."""
        channels, a = len(self.scenes[0]), self.config.recorruption
        frame, shown = crops[:, :channels], crops[:, channels:]
        with torch.no_grad():
            clean = apply(frame, deviation_at(frame, self.line, frame.new_tensor([self.strength])))
            z = self.noise.draw(clean) * self.noise.unclipped(frame)
        told = frame.new_tensor([self.strength * math.sqrt(1 + a**2)])
        loss = recorrupted_loss(
            lambda noisier: apply(noisier, deviation_at(noisier, self.line, told)), frame, shown, z, a
        )
        return loss / z.square().mean().clamp_min(LEAST_POWER) ** (LEVEL_POWER / 2)


def train_video(run: Run, config: TrainConfig, fitted: Fitted) -> Fitted:
    """What was fitted, and VideoNet beside it: adapted, or, without steps or if that fails, as it was pretrained."""
    if run.channels == PLANES:
        run.notes.hints.append("the bundle has no model for videos: VideoNet does not know mosaics")
        return fitted
    line, schedule = line_of(fitted.groups[0].noise), fitted.config.sensor.schedule
    network, reports = pretrained_video(run.channels), fitted.reports
    if schedule.iterations and fitted.share > 0:  # else nothing is removed, and nothing to be learned
        try:
            reports += (_adapted(run, network, _lessons(run, config, fitted, line), schedule),)
            failed = _is_dead(run, network, line)
        except TrainingError:
            failed = True
        if failed:
            run.notes.warn("VideoNet, the model for videos, did not learn this noise: it is as it was pretrained")
            network, reports = pretrained_video(run.channels), fitted.reports
    told = _told(run, network, line)
    if shares := shares_of_channels(replace(run, groups=fitted.groups), told, config.seed):
        network.weaken(shares)
    if fitted.share < 1:  # SensorNet takes detail for noise, and so does this network
        prior = run.as_used(pretrained_for(run.pool))
        found = weakening(run, told, run.errors(told, config.seed), config.seed, prior)
        network.weaken(min(found.share, fitted.share))
    network = network.cpu()
    network.line.copy_(line)
    network.correct(run.corrections, run.low, run.scale)
    return replace(fitted, networks={**fitted.networks, "video": network}, reports=reports)


def _is_dead(run: Run, network: VideoNet, line: Tensor) -> bool:
    return run.is_dead(_told(run, network, line))


def _told(run: Run, network: VideoNet, line: Tensor) -> Callable[[Tensor], Tensor]:
    """The network on frames of the first group, whose noise it is told."""
    apply = run.as_used(network)
    return lambda noisy: apply(noisy, deviation_at(noisy, line.to(noisy), noisy.new_ones(1)))


def _adapted(run: Run, network: VideoNet, lessons: Sequence[Lesson], schedule: ScheduleConfig) -> StageReport:
    """Change the network's weights."""
    apply = run.fitter.place(network)
    turns = Turns(lessons, lambda lesson, noisy: lesson.loss(apply, noisy))
    schedule = schedule.model_copy(update={"learning_rate": LEARNING_RATE})
    return run.fitter.fit("video", network, turns.loss, turns.crops, schedule)


def _lessons(run: Run, config: TrainConfig, fitted: Fitted, line: Tensor) -> list[Lesson]:
    network, first = copy.deepcopy(fitted.networks["sensor"]), fitted.groups[0].noise
    assert isinstance(network, SensorNet)
    if 0 < fitted.share < 1:  # what a weakened network leaves is no part of a clean picture
        network.weaken(1 / fitted.share)
    sensor = run.fitter.place(network)
    return [_lesson(run, config, fitted.config.sensor, sensor, group, first, line) for group in fitted.groups]


def _lesson(  # noqa: PLR0913
    run: Run,
    config: TrainConfig,
    used: SensorConfig,
    sensor: Callable[[Tensor], Tensor],
    group: FrameGroup,
    first: NoiseModel,
    line: Tensor,
) -> Lesson:
    """The crops, drawn scenes and drawn noise of one group; first: the noise of the first group."""
    seed, noise, frames, device = config.seed, group.noise, run.frames_of(group), run.fitter.device
    random = torch.Generator().manual_seed(seed)
    look = run.crops(frames, used.schedule.model_copy(update={"crop_side": SCENE_SIDE}), SensorNet.stride, random)
    guesses = first_guesses([look() for _ in range(LOOKS)], sensor, run.channels)
    few = min(used.scenes, CROPS * used.schedule.iterations)  # no more than the steps use
    drawn = synthetic_scenes(colours_of(guesses, noise), used.model_copy(update={"scenes": few}), seed)
    scenes = [*drawn.clamp(*noise.ends).to(device), *(scene for guess in guesses for scene in guess.clean)]
    levels = torch.cat([guess.levels() for guess in guesses]).double().cpu().numpy()
    return Lesson(
        crops=run.crops(frames, used.schedule, SensorNet.stride, random),
        scenes=scenes,
        results=[result for guess in guesses for result in torch.cat([guess.clean, guess.taken()], dim=1)],
        side=min(SIDE, *(min(scene.shape[1:]) // VideoNet.stride * VideoNet.stride for scene in scenes)),
        noise=NoiseFields(noise, config.strength, seed, device, random, extent_of(run, group)),
        jpeg=noise.jpeg,
        line=line.to(device),
        strength=float(np.sqrt(noise.normal.variance(levels).mean() / first.normal.variance(levels).mean())),
        config=used,
        generator=random,
    )
