"""Cutting a frame into strips whose kept rows are exactly those of the whole frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.sample_types import Pixels

DEFAULT_STRIP_PIXELS = 2**19  # kept pixels of a strip: 67 MB for each full-size layer of the default's 32 channels
# Likewise of the model for videos, whose 32 channels have half of the resolution: strips of 2**19 pixels, which overlap
# by 18 % of a 1080p frame, cost 1.22 of the time of the whole (measured, docs/decisions/strips.md).
STRIP_PIXELS_OF_VIDEO = 4 * DEFAULT_STRIP_PIXELS
SMALLEST_STRIP = 4  # halos of kept rows; two more are read, so that at most half of the work is done twice


@dataclass(frozen=True)
class Strip:
    """Rows to read, [read_start, read_stop), and the rows of the frame that they give, [start, stop)."""

    read_start: int
    read_stop: int
    start: int
    stop: int

    @property
    def read(self) -> slice:
        """The rows to read, of the frame."""
        return slice(self.read_start, self.read_stop)

    @property
    def kept(self) -> slice:
        """The rows that are kept, of what was read."""
        return slice(self.start - self.read_start, self.stop - self.read_start)


def plan_strips(size: tuple[int, int], stride: int, receptive_radius: int, strip_pixels: int) -> list[Strip]:
    """Strips of about equal height over a frame, with halos from the network's own facts.

    Origins are multiples of the stride (a strip then meets the same pooling grid as the whole frame), halos are
    the receptive radius rounded up to it (so no kept row sees a border that the frame does not have).

    Very wide frames get strips of more pixels than asked for, so that halos do not outweigh them.

    Shape:
        size: (height, width) of the frame in pixels
    """
    height, width = size
    halo = -(-receptive_radius // stride) * stride
    count = max(1, -(-height * width // strip_pixels))
    rows = max(stride, SMALLEST_STRIP * halo, -(-height // (count * stride)) * stride)
    return [
        Strip(max(0, start - halo), min(height, start + rows + halo), start, min(height, start + rows))
        for start in range(0, height, rows)
    ]


def run_in_strips(run: Callable[[Pixels], Pixels], pixels: Pixels, strips: list[Strip]) -> Pixels:
    """Apply a denoiser of pixels strip by strip; memory beyond the result is bounded by a strip, not by the frame.

    Shape:
        pixels: (h, w) or (h, w, 3); `run` gets and gives rows of it
        returns: the same shape and dtype
    """
    if len(strips) == 1:
        return run(pixels)
    denoised = np.empty(pixels.shape, pixels.dtype)
    for strip in strips:
        denoised[strip.start : strip.stop] = run(pixels[strip.read])[strip.kept]
    return denoised
