"""Noise that many samples share, which the exported graph removes before the network: of rows, columns and frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from zsn2m_deploy.noise.fixed_pattern import FixedPatternCorrection
from zsn2m_deploy.noise.rows import RowCorrection
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.corrections import without_offsets
from zsn2m_runtime.noise.rows import row_noise_in_words
from zsn2m_runtime.noise_record import FixedPatternRecord, RowNoise
from zsn2m_runtime.sample_types import Pixels


@dataclass(frozen=True)
class Offsets:
    """What is removed of a sensor's frames.

    row_noise: of rows, and of columns
    pattern: the offset of each pixel, as a frame, sensor units; None: no fixed pattern
    pattern_sigma: standard deviation of the true offsets of the pixels, sensor units
    """

    row_noise: tuple[RowNoise, ...] = ()
    pattern: Pixels | None = None
    pattern_sigma: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.row_noise) or self.pattern is not None

    def without(self, frame: Pixels) -> Pixels:
        """A frame of the training frames' size without them, clipped where it was; itself where there are none."""
        return without_offsets(frame, self.row_noise, self.pattern)

    def correction(self, offset: float, scale: float) -> nn.Module:
        """What removes them from frames that are (x - offset) / scale."""
        modules: list[nn.Module] = [RowCorrection(noise, offset, scale) for noise in self.row_noise]
        if self.pattern is not None:
            modules.append(FixedPatternCorrection(torch.from_numpy(to_nchw(self.pattern)[0]) / scale))
        return nn.Sequential(*modules) if modules else nn.Identity()

    def pattern_record(self, height: int, width: int) -> FixedPatternRecord | None:
        """What a manifest keeps of the pattern of frames of such a size, which of mosaics is not that of the planes."""
        if self.pattern is None:
            return None
        return FixedPatternRecord(sigma=self.pattern_sigma, height=height, width=width)

    def in_words(self) -> list[str]:
        """What was found and what becomes of it."""
        said = [row_noise_in_words(noise) for noise in self.row_noise]
        if self.pattern is not None:
            said.append(
                f"all frames have the same pattern of {self.pattern_sigma:.3g} (standard deviation): it is removed "
                f"from frames of their size, which are not cut in strips"
            )
        return said


NO_OFFSETS = Offsets()
