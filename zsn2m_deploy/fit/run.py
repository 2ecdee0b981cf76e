"""The data of a training run, shared by its stages, and the run's results."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.checks import Error, Remembered, estimated_error, is_dead, result_bias
from zsn2m_deploy.fit.compressed import share_of_jpeg
from zsn2m_deploy.fit.correlated import NoiseShare, share_of_noise
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.device import with_precision
from zsn2m_deploy.fit.fitter import Fitter, StageReport
from zsn2m_deploy.fit.grain import share_of_grain
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.noise.corrections import NO_CORRECTIONS, Corrections
from zsn2m_deploy.noise.places import Unevenness
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import JpegNoise

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameGroup:
    """Indices of training frames that share a noise model, and that model.

    compressed: of JPEGs, whose noise is stronger beside detail, how it came: as in the model, or assumed where it knows
        none; None: no JPEGs
    uneven: how much stronger the noise is in some places than the model says; None: as the model says everywhere
    grain: of colours, the noise of the mean of the channels, of which nearly all noise is; None: it is not
    jpeg: how the frames were compressed, in words; None: no JPEGs
    altered: whether that left their noise so uneven that Stein's estimate of the error does not hold
    """

    frames: tuple[int, ...]
    noise: NoiseModel
    compressed: JpegNoise | None = None
    uneven: Unevenness | None = None
    grain: NoiseModel | None = None
    jpeg: str | None = None
    altered: bool = False

    @property
    def strengths(self) -> tuple[float, ...] | None:
        """Of the noise over that of the model from place to place, in their order; None where that draws none.

        Heavy tails, as which two far levels pass, have the strong ones already: docs/decisions/uneven-noise.md.
        """
        return self.uneven.strengths if self.uneven and not self.noise.tails else None

    def rescaled(self, offset: float, scale: float) -> FrameGroup:
        """The same group, of frames that are (x - offset) / scale."""
        way = self.compressed and self.compressed.rescaled(offset, scale)
        grain = self.grain and self.grain.rescaled(offset, scale)
        return replace(self, noise=self.noise.rescaled(offset, scale), compressed=way, grain=grain)


@dataclass(frozen=True)
class Fitted:
    """The result of a method.

    config: as it was used
    groups: with the noise model as it was refined, normalised
    networks: by id, on the CPU in float32
    reports: one for each stage
    share: of what SensorNet learned to remove, what it still does
    """

    config: TrainConfig
    groups: tuple[FrameGroup, ...]
    networks: dict[str, FrameNetwork]
    reports: tuple[StageReport, ...]
    share: float = 1.0


@dataclass(frozen=True)
class Notes:
    """Messages to the user, collected during a run.

    warnings: possible faults of the result; hints: facts that need no action
    """

    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Log a warning now, and keep it for the bundle."""
        self.warnings.append(text)
        log.warning(text)


@dataclass(frozen=True)
class Run:
    """The data that a method trains on.

    pool: the frames, each (c, h, w), normalised, corrected
    groups: frames that share a noise model, normalised
    low, scale: sensor units; a normalised value is (x - low) / scale
    shown: for each frame (1, h, w), 0 where it is blank, else 1; None: no frame has blank pixels
    corrections: for the exported network
    """

    pool: list[Tensor]
    groups: tuple[FrameGroup, ...]
    low: float
    scale: float
    fitter: Fitter
    generator: torch.Generator
    notes: Notes
    shown: list[Tensor] | None = None
    corrections: Corrections = NO_CORRECTIONS

    @property
    def channels(self) -> int:
        """Channels of the frames."""
        return self.pool[0].shape[0]

    def frames_of(self, group: FrameGroup) -> list[Tensor]:
        """The frames of a group."""
        return [self.pool[index] for index in group.frames]

    def with_blanks(self, group: FrameGroup) -> list[Tensor]:
        """The frames of a group; if frames have blank pixels, with one more channel that is 0 there."""
        if self.shown is None:
            return self.frames_of(group)
        return [torch.cat((self.pool[index], self.shown[index])) for index in group.frames]

    def of_means(self) -> Run:
        """The same run, of the means of the channels."""
        return replace(self, pool=[frame.mean(dim=0, keepdim=True) for frame in self.pool])

    def crops(
        self, frames: list[Tensor], schedule: ScheduleConfig, multiple: int, generator: torch.Generator | None = None
    ) -> CropSampler:
        """The sampler of a stage's crops; if frames have blank pixels, crops have one more channel that marks them.

        Args:
            multiple: sides of the crops are multiples of it
            generator: None: the run's
        """
        draws = generator or self.generator
        if self.shown is None:
            return CropSampler(frames, schedule, multiple, draws)
        of_each = {id(frame): shown for frame, shown in zip(self.pool, self.shown, strict=True)}
        return CropSampler(frames, schedule, multiple, draws, [of_each[id(frame)] for frame in frames])

    def is_dead(self, network: Callable[[Tensor], Tensor]) -> bool:
        """Whether a network's results no longer follow the frames of some group, as `checks.is_dead`."""
        return any(is_dead(network, self.frames_of(group), self.sigma(group)) for group in self.groups)

    def as_used(self, network: nn.Module) -> Callable[..., Tensor]:
        """A function that applies the network on the run's device, in float32."""
        return with_precision(network.to(self.fitter.device), self.fitter.device, "fp32")

    def keep_mean(
        self, network: FrameNetwork, by_noise: bool = False, apply: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        """Shift the network's results so that the training frames keep their mean.

        Source: docs/decisions/mean-is-kept.md.

        Args:
            by_noise: whether the noise model says how clipping and tone curves move the mean, as for `result_bias`
            apply: the network as it is used; None: `as_used`. If it is remembered, its results are shifted, too
        """
        apply = apply or self.as_used(network)
        if by_noise:
            shifts = [result_bias(apply, self.frames_of(group), group.noise) for group in self.groups]
            shift = -torch.stack(shifts).mean(dim=0)
        else:
            shift = -result_bias(apply, self.pool)
        network.add_to_output(shift)
        if isinstance(apply, Remembered):
            apply.add_to_output(shift)

    def errors(self, network: Callable[[Tensor], Tensor], seed: int) -> list[Error | None]:
        """The estimated error of a trained network, as it is used, on each group, as `estimated_error`.

        None too of uneven noise, whose level is that of no place.
        """
        return [
            None if group.uneven else estimated_error(network, self.frames_of(group), group.noise, seed)
            for group in self.groups
        ]

    def shares_of_noise(
        self, network: Callable[[Tensor], Tensor], seed: int, prior: Callable[[Tensor], Tensor] | None = None
    ) -> list[NoiseShare]:
        """Of what a network removes, what is noise: of each group of which that can be told.

        As `share_of_noise`, or of JPEGs `share_of_jpeg`; not beside blank areas, nor where noise is uneven.

        Args:
            prior: the pretrained network; None: it is that
        """
        if self.shown is not None:
            return []
        found: list[NoiseShare | None] = []
        for group in self.groups:
            if way := group.compressed:
                asked = None if group.noise.jpeg else prior  # where a network was adapted to another noise
                found.append(share_of_jpeg(network, self.frames_of(group), way, seed, asked))
            elif group.uneven:
                continue
            elif group.grain:
                found.append(share_of_grain(network, self.frames_of(group), group.grain, seed))
            else:
                found.append(share_of_noise(network, self.frames_of(group), group.noise, seed, prior))
        return [share for share in found if share is not None]

    def warn_of_worse(self, errors: Sequence[Error | None], advice: str) -> None:
        """Warn if a network's results have a larger error than the frames.

        Source: docs/decisions/result-worse-than-frame.md.
        """
        worst = next((found for found in errors if found and found.worse), None)
        if worst:
            error, noise = (self.scale * math.sqrt(power) for power in (worst.error, worst.noise))
            self.notes.warn(
                f"the result is further from the picture than the noisy frame: an error of about {error:.3g}, and "
                f"the noise has {noise:.3g} (sensor units); take {advice}"
            )

    def sigma(self, group: FrameGroup) -> float:
        """Standard deviation of a group's noise, normalised."""
        return group.noise.normal.sigma(frame.movedim(0, 2).cpu().numpy() for frame in self.frames_of(group))
