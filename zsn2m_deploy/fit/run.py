"""What a training run works on, which its stages share, and what comes out of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.checks import Error, estimated_error, is_dead, result_bias
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


@dataclass(frozen=True)
class Fitted:
    """What a recipe makes of a run.

    config: as it was used; groups: with the noise as it was confirmed, normalised
    networks: by their id, on the CPU in float32
    """

    config: TrainConfig
    groups: tuple[FrameGroup, ...]
    networks: dict[str, FrameNetwork]
    reports: tuple[StageReport, ...]


@dataclass(frozen=True)
class Notes:
    """What a run has to tell its user; grows while it runs.

    hints: what is worth knowing and no reason to worry
    """

    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Tell the user, now and in the bundle."""
        self.warnings.append(text)
        log.warning(text)


@dataclass(frozen=True)
class Run:
    """What a recipe works on.

    pool: each frame, (c, h, w), normalised; groups: the noise of each group of them, normalised
    scale: sensor units of one normalised unit
    shown: each (1, h, w), 0 where a frame is blank; None: nowhere
    correction: of defective pixels, which are none in the pool; normalised
    """

    pool: list[Tensor]
    groups: tuple[FrameGroup, ...]
    scale: float
    fitter: Fitter
    generator: torch.Generator
    notes: Notes
    shown: list[Tensor] | None = None
    correction: DefectCorrection | None = None

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

    def errors(self, network: nn.Module, seed: int) -> list[Error | None]:
        """The estimated error of a finished network on each group, as `estimated_error` says."""
        apply = self.as_used(network)
        return [estimated_error(apply, self.frames_of(group), group.noise, seed) for group in self.groups]

    def warn_of_worse(self, errors: Sequence[Error | None], advice: str) -> None:
        """Warn if a network's results are further from the picture than the frames themselves."""
        worst = next((found for found in errors if found and found.worse), None)
        if worst:
            error, noise = (self.scale * math.sqrt(power) for power in (worst.error, worst.noise))
            self.notes.warn(
                f"the result is further from the picture than the noisy frame: an error of about {error:.3g}, and "
                f"the noise has {noise:.3g} (sensor units); take {advice}"
            )

    def sigma(self, group: FrameGroup) -> float:
        """Standard deviation of a group's noise, normalised."""
        return group.noise.sigma(frame.movedim(0, 2).cpu().numpy() for frame in self.frames_of(group))
