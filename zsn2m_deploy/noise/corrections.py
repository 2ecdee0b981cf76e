"""What the exported graph replaces or takes away of a frame before the network sees it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from zsn2m_deploy.noise.dead_lines import DeadLineCorrection
from zsn2m_deploy.noise.defects import DefectCorrection
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.noise.offsets import NO_OFFSETS, Offsets
from zsn2m_runtime.noise.corrections import without_impulses
from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise_record import DeadLinesRecord, ImpulseNoise
from zsn2m_runtime.sample_types import Pixels


@dataclass(frozen=True)
class Corrections:
    """Corrections in the order of the graph, sensor units.

    impulses, defects: None: they stay, or there are none
    offsets: of rows, columns and pixels
    impulse_share, defective_share: of the samples of the training frames, that are replaced
    lines: dead columns and rows, which are replaced first; None: likewise
    """

    impulses: ImpulseCorrection | None = None
    offsets: Offsets = NO_OFFSETS
    defects: DefectCorrection | None = None
    impulse_share: float = 0.0
    defective_share: float = 0.0
    lines: DeadLinesRecord | None = None

    @property
    def impulse_record(self) -> ImpulseNoise | None:
        """What a manifest keeps of the impulses."""
        return self.impulses.record() if self.impulses else None

    def sound(self, frame: Pixels) -> Pixels:
        """A frame without dead lines and impulses; blank areas are filled."""
        return without_impulses(without_dead_lines(frame, self.lines), self.impulse_record)

    @property
    def of_whole_frames(self) -> bool:
        """Whether they must see whole frames: a part of one does not know the numbers of its rows."""
        return self.offsets.pattern is not None or bool(self.lines and self.lines.rows)

    def corrected(self, sound: Pixels) -> Pixels:
        """A sound frame without what else is taken away."""
        frame = self.offsets.without(sound)
        return self.defects.corrected(frame)[0] if self.defects else frame

    def modules(self, offset: float, scale: float) -> tuple[nn.Module, nn.Module, nn.Module]:
        """What corrects impulses, offsets and defective pixels of frames that are (x - offset) / scale.

        Dead lines go with the impulses.
        """
        impulses = self.impulses.rescaled(offset, scale) if self.impulses else nn.Identity()
        return (
            nn.Sequential(DeadLineCorrection(self.lines), impulses) if self.lines else impulses,
            self.offsets.correction(offset, scale),
            self.defects.rescaled(offset, scale) if self.defects else nn.Identity(),
        )


NO_CORRECTIONS = Corrections()
