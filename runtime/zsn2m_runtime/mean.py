"""The mean of frames where their content is in the latest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.cells import CELL, to_cells, to_pixels
from zsn2m_runtime.light import Light
from zsn2m_runtime.motion import Flow
from zsn2m_runtime.noise.clipping import UNCLIPPED, Clipping
from zsn2m_runtime.sample_types import Nchw

Floats = npt.NDArray[np.float32]


class Mean(NamedTuple):
    """The mean, and what is known of its noise.

    Shape:
        planes: (1, c, h, w) float32, sensor units
        variance: (h / 2, w / 2), halves rounded up: of its noise over that of a frame
        lit: as planes, without what clipping added, until the next frame; where nothing is, the planes themselves
        doubt: as variance, of what has just been moved: what that may have put wrong; None: nothing
    """

    planes: Nchw
    variance: Floats
    lit: Nchw
    doubt: Floats | None = None

    @classmethod
    def of_one(cls, planes: Nchw) -> Mean:
        """Of a frame with nothing before, whose samples are copied."""
        height, width = planes.shape[2:]
        own = planes.copy()
        return cls(own, np.ones((-(-height // CELL), -(-width // CELL)), np.float32), own)

    def moved(self, flow: Flow, spare: Nchw | None = None) -> Mean:
        """Where its content is in the next frame.

        Args:
            spare: planes that may be written to
        """
        size = self.planes.shape[2], self.planes.shape[3]
        planes = flow.bring(self.planes, spare)
        variance = flow.bring_small(self.variance, size)
        return Mean(planes, variance, planes, flow.doubt((variance.shape[0], variance.shape[1]), size[1]))

    def relit(self, light: Light, clipping: Clipping = UNCLIPPED) -> Mean:
        """As it would be in the light of the next frame.

        Args:
            clipping: of the samples that were averaged
        """
        if light.is_same:
            return self
        planes = light.of(self.planes)
        for channel in range(len(clipping.lines)):
            factor, shift = light.factor[channel], light.shift[channel]
            level = to_cells(self.planes[0, channel])
            was = clipping.rise(channel, level)
            more = clipping.rise_at(channel, (level - was) * factor + shift) - factor * was
            if more.any():
                planes[0, channel] += to_pixels(more, planes.shape)
        return Mean(planes, self.variance * np.square(light.factor).mean(), planes, self.doubt)

    def strength(self, of_frame: float = 1.0) -> Floats:
        """Standard deviation of its noise, (h, w), where that of the frame's is so many times the record's."""
        return to_pixels(np.sqrt(self.variance) * np.float32(of_frame), self.planes.shape)
