"""What training gives: networks, and the facts that export and report need."""

from __future__ import annotations

from dataclasses import dataclass

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.fitter import StageReport
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.fit.run import FrameGroup
from zsn2m_deploy.noise.corrections import NO_CORRECTIONS, Corrections
from zsn2m_runtime.noise.model import NoiseModel


@dataclass(frozen=True)
class Trained:
    """Trained networks and the facts that export and report need.

    config: as it was used
    offset, scale: sensor units; a network's input is (frame - offset) / scale
    groups: frames that share a noise model, in sensor units; the first group has the first frame
    networks: by id, on the CPU in float32
    reports: one for each stage
    warnings: possible faults of the result; hints: facts that need no action
    corrections: that SensorNet's graph makes first
    unmodelled: patterns in the frames that the noise model does not cover; None: there are none
    share: of what SensorNet learned to remove, what it still does, for the rest is the picture's
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
    corrections: Corrections = NO_CORRECTIONS
    unmodelled: str | None = None
    share: float = 1.0

    @property
    def noise(self) -> NoiseModel:
        """The noise model of the first frame's group, sensor units."""
        return self.groups[0].noise
