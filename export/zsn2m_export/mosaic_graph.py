"""What is exported for a sensor with colour filters: mosaic in, mosaic out, around the graph of its planes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from zsn2m_runtime.mosaic_record import BayerPattern, green_is_first


class MosaicGraph(nn.Module):
    """Split into four planes -> graph of the planes -> join.

    Shape:
        forward: (n, 1, h, w) float32 in sensor units, h and w from 1 up -> the same shape and units
        planes: (n, 4, h / 2, w / 2) -> the same; the pixels of a 2 x 2 cell, row by row, green second and third

    A pattern that begins with green gets one more column before it. That, and what an odd side lacks, mirrors the
    frame about its first or last row or column: the pixel two further has the same filter.
    """

    def __init__(self, planes: nn.Module, pattern: BayerPattern) -> None:
        super().__init__()
        self.planes = planes
        self.before = int(green_is_first(pattern))

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise mosaics in sensor units."""
        height, width = noisy.shape[2], noisy.shape[3]
        planes = self.planes(split(continued(continued(noisy, 2, 0), 3, self.before)))
        joined: Tensor = pixel_shuffle(planes, 2)
        return joined[:, :, :height, self.before : width + self.before]


def continued(frame: Tensor, axis: int, before: int) -> Tensor:
    """Mirror a mosaic about its rim: `before` rows or columns, 0 or 1, at the start, and one at the end if that is odd.

    A frame of one row or column repeats it.

    Shape:
        frame: (n, 1, h, w), h and w from 1 up
    """
    no_end = 2147483647  # of int32; without an upper end OpenVINO 1.24 takes every place for 0
    length = frame.shape[axis]
    if before == 1:
        second = length - 1 - (length - 2 - torch.arange(1, device=frame.device)).clamp(0, no_end)
        frame = torch.cat((frame.index_select(axis, second), frame), dim=axis)
    length = frame.shape[axis]
    last_but_one = (length - 2 - torch.arange(length % 2, device=frame.device)).clamp(0, no_end)
    return torch.cat((frame, frame.index_select(axis, last_but_one)), dim=axis)


def split(mosaic: Tensor) -> Tensor:
    """The four planes of a mosaic; not pixel_unshuffle, which is exported as an operator that older readers refuse.

    Shape:
        mosaic: (n, 1, h, w), h and w even
        returns: (n, 4, h / 2, w / 2)
    """
    upper, lower = mosaic[:, :, ::2], mosaic[:, :, 1::2]
    return torch.cat((upper[:, :, :, ::2], upper[:, :, :, 1::2], lower[:, :, :, ::2], lower[:, :, :, 1::2]), dim=1)
