"""What is exported for a sensor with colour filters: mosaic in, mosaic out, around the graph of its planes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from zsn2m_runtime.mosaic_record import BayerPattern, is_turned


class MosaicGraph(nn.Module):
    """Split into four planes -> graph of the planes -> join.

    Shape:
        forward: (n, 1, h, w) float32 in sensor units, h and w from 1 up -> the same shape and units
        planes: (n, 4, h / 2, w / 2) -> the same, as `zsn2m_runtime.mosaic_planes` orders them
    """

    def __init__(self, planes: nn.Module, pattern: BayerPattern) -> None:
        super().__init__()
        self.planes = planes
        self.turned = is_turned(pattern)

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise mosaics in sensor units."""
        height, width = noisy.shape[2], noisy.shape[3]
        x = _even(_even(noisy, 2), 3)
        if self.turned:
            x = x.flip(3)
        x = pixel_shuffle(self.planes(split(x)), 2)
        if self.turned:
            x = x.flip(3)
        return x[:, :, :height, :width]


def _even(frame: Tensor, axis: int) -> Tensor:
    """Continue a mosaic of an odd side by its last row or column but one, which has the filter that must follow.

    A frame of one row or column repeats it.
    """
    no_end = 2147483647  # of int32; without an upper end OpenVINO 1.24 takes every place for 0
    length = frame.shape[axis]
    last_but_one = (length - 2 - torch.arange(length % 2, device=frame.device)).clamp(0, no_end)
    return torch.cat((frame, frame.index_select(axis, last_but_one)), dim=axis)


def split(mosaic: Tensor) -> Tensor:
    """The four pixels of each 2 x 2 cell, row by row; pixel_unshuffle is exported as what older readers refuse.

    Shape:
        mosaic: (n, 1, h, w), h and w even
        returns: (n, 4, h / 2, w / 2)
    """
    upper, lower = mosaic[:, :, ::2], mosaic[:, :, 1::2]
    return torch.cat((upper[:, :, :, ::2], upper[:, :, :, 1::2], lower[:, :, :, ::2], lower[:, :, :, 1::2]), dim=1)
