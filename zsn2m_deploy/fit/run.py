"""What a training run works on, which its stages share, and what comes out of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from zsn2m_deploy.advice import gentler
from zsn2m_deploy.config import ScheduleConfig, TrainConfig
from zsn2m_deploy.fit.checks import estimated_error, is_dead, result_bias
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.device import with_precision
from zsn2m_deploy.fit.fitter import Fitter, StageReport
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.noise.defects import DefectCorrection
from zsn2m_runtime.noise.model import NoiseModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameGroup:
    """Frames of the same noise: their indices among those trained on, and that noise."""

    frames: tuple[int, ...]
    noise: NoiseModel


@dataclass
class Trained:
    """The specialised networks (on the CPU, float32) and what belongs to them.

    `offset` and `scale` are sensor units: a network sees (frame - offset) / scale. `groups`: sensor units, the first
    has the first frame; several where frames of different noise were adapted to as a mixture.
    """

    config: TrainConfig
    channels: int
    offset: float
    scale: float
    groups: list[FrameGroup]
    networks: dict[str, FrameNetwork]
    device: str
    precision: str
    reports: list[StageReport] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)  # what is worth knowing and no reason to worry
    correction: DefectCorrection | None = None  # of defective pixels, sensor units; it is part of SensorNet
    defective_share: float = 0.0  # of the samples, if they are corrected
    unmodelled: str | None = None  # what of the frames no noise of single pixels explains

    @property
    def noise(self) -> NoiseModel:
        """The noise of the first frame, and of all that go with it."""
        return self.groups[0].noise

    def warn(self, text: str) -> None:
        """Tell the user, now and in the bundle."""
        self.warnings.append(text)
        log.warning(text)


@dataclass
class Run:
    """What the stages share.

    pool: each frame, (c, h, w), normalised; groups: the noise of each group of them, normalised
    shown: each (1, h, w), 0 where a frame is blank; None: nowhere
    """

    pool: list[Tensor]
    groups: list[FrameGroup]
    fitter: Fitter
    generator: torch.Generator
    shown: list[Tensor] | None = None

    @property
    def channels(self) -> int:
        """Of the frames."""
        return self.pool[0].shape[0]

    def frames_of(self, group: FrameGroup) -> list[Tensor]:
        """The frames of a group."""
        return [self.pool[index] for index in group.frames]

    def crops(
        self, frames: list[Tensor], schedule: ScheduleConfig, multiple: int, generator: torch.Generator | None = None
    ) -> CropSampler:
        """Crops for a stage, with few blank pixels where some are, and one more channel that says which.

        Args:
            generator: None: the run's
        """
        draws = generator or self.generator
        if self.shown is None:
            return CropSampler(frames, schedule, multiple, draws)
        of_each = {id(frame): shown for frame, shown in zip(self.pool, self.shown, strict=True)}
        return CropSampler(frames, schedule, multiple, draws, [of_each[id(frame)] for frame in frames])

    def is_dead(self, network: Callable[[Tensor], Tensor]) -> bool:
        """Whether a network lost the frames of any group."""
        return any(is_dead(network, self.frames_of(group), self.sigma(group)) for group in self.groups)

    def as_used(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """A network on the run's device, in float32, as it will be used."""
        return with_precision(network.to(self.fitter.device), self.fitter.device, "fp32")

    def keep_mean(self, network: FrameNetwork, by_noise: bool = False) -> None:
        """Shift the network's results so that its frames keep their mean.

        Args:
            by_noise: the mean of noise need not be zero, as for `result_bias`
        """
        apply = self.as_used(network)
        if not by_noise:
            network.add_to_output(-result_bias(apply, self.pool))
            return
        shifts = [result_bias(apply, self.frames_of(group), group.noise) for group in self.groups]
        network.add_to_output(-torch.stack(shifts).mean(dim=0))

    def confirm(self, group: int, noise: NoiseModel, trained: Trained) -> None:
        """Put the noise of a group, normalised, in the place of its first estimate."""
        frames = self.groups[group].frames
        self.groups[group] = FrameGroup(frames, noise)
        trained.groups[group] = FrameGroup(frames, noise.rescaled(-trained.offset / trained.scale, 1 / trained.scale))

    def judge(self, network: nn.Module, trained: Trained) -> None:
        """Warn if a finished network's results are further from the picture than the frames themselves."""
        apply = self.as_used(network)
        for group in self.groups:
            found = estimated_error(apply, self.frames_of(group), group.noise, trained.config.seed)
            if found and found.worse:
                error, noise = (trained.scale * math.sqrt(power) for power in (found.error, found.noise))
                sensor = trained.config.stage == "sensor"
                advice = gentler(trained.config.model_dump()) if sensor else "the default (--method adapt)"
                trained.warn(
                    f"the result is further from the picture than the noisy frame: an error of about {error:.3g}, and "
                    f"the noise has {noise:.3g} (sensor units); take {advice}"
                )
                return

    def sigma(self, group: FrameGroup) -> float:
        """Standard deviation of a group's noise, normalised."""
        return group.noise.sigma(frame.movedim(0, 2).cpu().numpy() for frame in self.frames_of(group))
