"""Pictures that are made of few values, dithered or halftoned, and pictures enlarged by repeating pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.patterns.lattice import TINY, Floats
from zsn2m_runtime.sample_types import Pixels, is_grey

# What counts; measured, docs/results/frames.md#patterns.
FEW_VALUES = 16  # different values of a channel, at most
FEW_COLOURS = 256  # different colours, at most: a palette's
GAP = 3.0  # mean distance of neighbouring values, at least; a smooth picture that is rounded has 1
FEWEST_VALUES = 4  # up to so many count as far apart: they may be numbered
BLUE = 0.4  # variance of cells' means over that of white noise, at most: errors are diffused to neighbours
ALIKE = 0.98  # share of equal pairs within a repeated pixel, at least
OTHERS = 0.7  # share of equal pairs between repeated pixels, at most

SIDE = 256  # pixels of the centre that is analysed
CELLS = (4, 8)  # pixels: dots of dither, and of a halftone
FEWEST = 9  # patches, at least
GLANCE = 96  # pixels of the corner whose colours are counted first, as it is fast
SMOOTH = 0.25  # quantile of the patches: those that hold least of the picture itself


@dataclass(frozen=True)
class Dither:
    """A picture of few values, whose brightness is in how many pixels have which.

    values: so many there are, of a channel, or of a frame of a palette's colours
    """

    values: int


@dataclass(frozen=True)
class Enlarged:
    """A picture whose pixels are repeated: columns across, rows down, as often as that."""

    across: int
    down: int


def find_dither(frame: Pixels) -> Dither | None:
    """Whether a frame is dithered.

    Shape:
        frame: (h, w, c), both sides at least 16
    """
    middle = _middle(frame)
    if is_grey(middle):
        middle = middle[..., :1]  # grey, stored as colour
    if _colours(middle[:GLANCE, :GLANCE]) > FEW_COLOURS:
        return None
    values = max(len(np.unique(middle[..., channel])) for channel in range(middle.shape[2]))
    if values > FEW_VALUES:
        values = _colours(middle)
        if middle.shape[2] == 1 or values > FEW_COLOURS:
            return None
    planes = [middle[..., channel].astype(np.float32) for channel in range(middle.shape[2])]
    if min(map(_gap, planes)) < GAP:
        return None
    return (
        Dither(values) if values > 1 and min(_white(plane, cell) for plane in planes for cell in CELLS) < BLUE else None
    )


def find_enlarged(frame: Pixels) -> Enlarged | None:
    """Whether pixels of a frame are repeated two to four times.

    Shape:
        frame: (h, w, c), both sides at least 16
    """
    middle = _middle(frame)
    across, down = (_repeated(plane) for plane in (middle, middle.swapaxes(0, 1)))
    return Enlarged(across, down) if max(across, down) > 1 else None


def _middle(frame: Pixels) -> Pixels:
    top, left = (max(0, (length - SIDE) // 2) for length in frame.shape[:2])
    return frame[top : top + SIDE, left : left + SIDE]


def _gap(plane: Floats) -> float:
    """Mean distance of neighbouring values; of up to FEWEST_VALUES, which may be numbered, it is wide."""
    values = np.unique(plane)
    return float(np.diff(values).mean()) if len(values) > FEWEST_VALUES else np.inf


def _colours(frame: Pixels) -> int:
    """How many different pixels there are."""
    codes = np.zeros(frame.shape[:2], np.int64)
    for channel in range(frame.shape[2]):
        values, places = np.unique(frame[..., channel], return_inverse=True)
        codes = codes * len(values) + places.reshape(codes.shape)
    return len(np.unique(codes))


def _white(plane: Floats, cell: int) -> float:
    """Variance of cells' means over that of pixels of white noise, in smooth patches of 4 x 4 cells."""
    side = 4 * cell
    height, width = (length // side * side for length in plane.shape)
    patches = plane[:height, :width].reshape(height // side, side, width // side, side).swapaxes(1, 2)
    variance = patches.var(axis=(2, 3))
    cells = patches.reshape(*patches.shape[:2], 4, cell, 4, cell).mean(axis=(3, 5))
    bend = cells[..., :-2] - 2 * cells[..., 1:-1] + cells[..., 2:]  # a ramp has none
    bent = np.square(bend).mean(axis=(2, 3)) / 6
    varied = variance > TINY
    if varied.sum() < FEWEST:
        return 1.0
    return float(np.quantile(bent[varied] * cell**2 / variance[varied], SMOOTH))


def _repeated(frame: Pixels) -> int:
    """How often each column is repeated. Shape: (h, w, c)."""
    same = np.asarray((frame[:, 1:] == frame[:, :-1]).all(axis=2).mean(axis=0))
    for times in (4, 3, 2):
        for start in range(times):
            place = (np.arange(len(same)) + start) % times
            between = same[place == times - 1]
            if same[place != times - 1].mean() >= ALIKE and between.mean() <= OTHERS:
                return times
    return 1
