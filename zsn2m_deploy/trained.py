"""What training gives: networks, and the facts that export and report need."""

from __future__ import annotations

from dataclasses import dataclass

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.fitter import StageReport
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.fit.run import FrameGroup
from zsn2m_deploy.noise.defects import DefectCorrection
from zsn2m_deploy.noise.offsets import NO_OFFSETS, Offsets
from zsn2m_runtime.noise.corrections import without_impulses
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import ImpulseNoise
from zsn2m_runtime.sample_types import Pixels


@dataclass(frozen=True)
class Trained:
    """Trained networks and the facts that export and report need.

    config: as it was used
    offset, scale: sensor units; a network's input is (frame - offset) / scale
    groups: frames that share a noise model, in sensor units; the first group has the first frame
    networks: by id, on the CPU in float32
    reports: one for each stage
    warnings: possible faults of the result; hints: facts that need no action
    offsets: of rows, columns and pixels, that SensorNet's graph removes
    correction: of defective pixels, sensor units; SensorNet contains it
    defective_share: share of the samples that are defective, if they are corrected
    impulses: what tells them, sensor units; SensorNet replaces them; impulse_share: of the samples
    unmodelled: patterns in the frames that the noise model does not cover; None: there are none
    """

    config: TrainConfig
    channels: int
    offset: float
    scale: float
    groups: tuple[FrameGroup, ...]
    networks: dict[str, FrameNetwork]
    reports: tuple[StageReport, ...]
    device: str
    precision: str
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    offsets: Offsets = NO_OFFSETS
    correction: DefectCorrection | None = None
    defective_share: float = 0.0
    impulses: ImpulseNoise | None = None
    impulse_share: float = 0.0
    unmodelled: str | None = None

    @property
    def noise(self) -> NoiseModel:
        """The noise model of the first frame's group, sensor units."""
        return self.groups[0].noise

    def sound(self, frame: Pixels) -> Pixels:
        """A frame without impulses; blank areas are filled."""
        return without_impulses(frame, self.impulses)

    def corrected(self, sound: Pixels) -> Pixels:
        """A sound frame without what else the graph takes away before the network sees it."""
        frame = self.offsets.without(sound)
        return self.correction.corrected(frame)[0] if self.correction else frame
