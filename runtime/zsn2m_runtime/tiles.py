"""Tiles of a frame, evenly spaced, which stand for the whole of it: as many at any size."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.motion import Flow, Places
from zsn2m_runtime.noise.clipping import Ends
from zsn2m_runtime.sample_types import Nchw

TILE = 16  # pixels
MOST_TILES = 400  # of a frame that are looked at: 2 ms at any size
CLIPPED = 0.02  # share of a tile's samples at an end of the range from which on it is left out
UNMOVED = Flow()


def tiles(planes: Nchw, flow: Flow = UNMOVED) -> Nchw:
    """Some tiles of planes, moved: (1, c, h, w) -> (n, c, TILE, TILE). Sides are at least TILE."""
    channels, height, width = planes.shape[1:]
    step = max(1, math.ceil(math.sqrt((height // TILE) * (width // TILE) / MOST_TILES)))
    rows, columns = (_of_tiles(length // TILE, step) for length in (height, width))
    found = flow.bring_part(planes, rows, columns)
    found = found.reshape(channels, len(rows) // TILE, TILE, len(columns) // TILE, TILE)
    return found.transpose(1, 3, 0, 2, 4).reshape(-1, channels, TILE, TILE)


def are_whole(own: Nchw, ends: Ends) -> npt.NDArray[np.bool_]:
    """Of which tiles hardly a sample is clipped. Shape: (n, c, TILE, TILE) -> (n,)."""
    clipped = np.zeros(own.shape, bool)
    for end in ends:
        if end is not None:
            clipped |= own == np.float32(end)
    return np.asarray(np.count_nonzero(clipped, axis=(1, 2, 3)) < CLIPPED * own[0].size)


def _of_tiles(count: int, step: int) -> Places:
    """Rows, or columns, of every so many tiles."""
    return (TILE * np.arange(0, count, step)[:, None] + np.arange(TILE)).ravel()
