"""What a camera's mosaic does to the picture itself, for scenes to be as pictures of cameras are.

Source: docs/decisions/scenes-of-cameras.md.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from zsn2m_runtime.mosaic_record import CELL, PLACES

# Linear interpolation: the mean of the nearest samples of a colour
GREEN = torch.tensor([[0.0, 1.0, 0.0], [1.0, 4.0, 1.0], [0.0, 1.0, 0.0]]) / 4
RED_OR_BLUE = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 4
STARTS = CELL * CELL


def demosaicked(scenes: Tensor) -> Tensor:
    """Scenes as a Bayer mosaic and linear interpolation leave them: softer, with false colours where they are fine.

    The four places that a mosaic can begin at take turns, scene by scene.

    Shape:
        scenes: (n, 3, h, w), h and w at least 2 -> the same
    """
    kernels = torch.stack([RED_OR_BLUE, GREEN, RED_OR_BLUE])[:, None].to(scenes)
    found = torch.empty_like(scenes)
    for start in range(min(STARTS, len(scenes))):
        down, across = divmod(start, CELL)
        mosaic = torch.zeros_like(scenes[start::STARTS])
        for row, column, channel in PLACES:
            rows, columns = slice((row + down) % CELL, None, CELL), slice((column + across) % CELL, None, CELL)
            mosaic[:, channel, rows, columns] = scenes[start::STARTS, channel, rows, columns]
        around = pad(mosaic, (1, 1, 1, 1), mode="reflect")  # which keeps the mosaic
        found[start::STARTS] = conv2d(around, kernels, groups=len(kernels))
    return found
