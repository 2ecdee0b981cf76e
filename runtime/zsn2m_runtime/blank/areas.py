"""Blank areas: samples without noise that belong to no scene. They are kept as they are, and hidden from the network.

Blank is padding of any value, what lies under an alpha of 0, and what is not finite. For a network such areas are
filled with the mirror image of what is beside them, as the exported graphs do at a frame's border.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zsn2m_runtime.blank.constant import constant_areas
from zsn2m_runtime.blank.mirroring import filled_by_mirroring
from zsn2m_runtime.sample_types import Mask, Pixels

FEWEST = 256  # pixels without blank ones, at least; fewer cannot tell the noise
GRID = 8  # pixels; even, so that a mosaic keeps its phase


def blank_areas(pixels: Pixels, alpha: Pixels | None = None) -> Mask | None:
    """Which pixels of a frame are blank; None where none is, which is found quickly.

    Shape:
        pixels: (h, w) or (h, w, c), sensor units
        alpha: (h, w)
        returns: (h, w)
    """
    hidden = _hidden(pixels, alpha)
    constant = constant_areas(pixels, hidden)
    if hidden is None or constant is None:
        return constant if hidden is None else hidden
    return np.asarray(hidden | constant)


def blanks_of(frames: Sequence[Pixels]) -> list[Mask | None]:
    """The blank areas of each frame; None too where nearly all is blank: there is nothing else to look at."""
    found = [blank_areas(frame) for frame in frames]
    return [None if blank is None or np.count_nonzero(~blank) < FEWEST else blank for blank in found]


def _hidden(pixels: Pixels, alpha: Pixels | None) -> Mask | None:
    """What is not finite or under an alpha of 0; None where nothing is."""
    hidden: Mask | None = None if alpha is None else np.asarray(alpha == 0)
    if pixels.dtype.kind == "f":
        finite = np.isfinite(pixels)
        if not finite.all():
            unknown = np.asarray(~(finite if pixels.ndim == 2 else finite.all(axis=2)))
            hidden = unknown if hidden is None else np.asarray(hidden | unknown)
    return hidden if hidden is not None and hidden.any() else None


def present(pixels: Pixels, blank: Mask | None) -> Pixels:
    """The pixels that are not blank, as a frame of one column; all of a frame that is wholly blank.

    Shape:
        pixels: (h, w) or (h, w, c); blank: (h, w)
        returns: (n, 1) or (n, 1, c); the frame itself where nothing is blank
    """
    if blank is None or blank.all():
        return pixels
    return np.asarray(pixels[~blank][:, None])


def largest_scene(pixels: Pixels, blank: Mask | None) -> Pixels:
    """About the largest rectangle of a frame in which nothing is blank, on a grid of 8 pixels; empty if there is none.

    For measurements over whole rows and columns, which mirrored samples would distort.

    Shape:
        pixels: (h, w) or (h, w, c); blank: (h, w)
        returns: as pixels, not larger; they themselves where nothing is blank
    """
    return pixels if blank is None else pixels[largest_area(blank)]


def largest_area(blank: Mask) -> tuple[slice, slice]:
    """The rows and columns of that rectangle. Shape: (h, w)."""
    rows, columns = (length // GRID for length in blank.shape)
    cells: Mask = np.asarray(blank[: rows * GRID, : columns * GRID].reshape(rows, GRID, columns, GRID).any(axis=(1, 3)))
    free = np.zeros(columns, int)  # cells above and at each one that are not blank
    best = (0, 0, 0, 0, 0)
    for row in range(rows):
        free = np.where(cells[row], 0, free + 1)
        area, height, left, width = _largest_on_ground(free.tolist())
        best = max(best, (area, row + 1 - height, height, left, width))
    top, height, left, width = (GRID * part for part in best[1:])
    return slice(top, top + height), slice(left, left + width)


def _largest_on_ground(heights: list[int]) -> tuple[int, int, int, int]:
    """Area, height, left and width of the largest rectangle below a row of heights, in linear time."""
    best = (0, 0, 0, 0)
    rising: list[tuple[int, int]] = []  # left and height of rectangles that are still open
    for column, height in enumerate([*heights, 0]):
        left = column
        while rising and rising[-1][1] >= height:
            left, ended = rising.pop()
            best = max(best, (ended * (column - left), ended, left, column - left))
        rising.append((left, height))
    return best


def with_blank_kept(result: Pixels, source: Pixels, blank: Mask | None) -> Pixels:
    """A result in which blank samples are those of its source, bit for bit; changes it in place."""
    if blank is None:
        return result
    planes, its = (of[:, :, None] if of.ndim == 2 else of for of in (result, source))  # views
    for channel in range(planes.shape[2]):
        np.copyto(planes[:, :, channel], its[:, :, channel], where=blank)
    return result


def filled(pixels: Pixels, blank: Mask | None) -> Pixels:
    """A frame whose blank areas are the mirror image of what is beside them.

    A blank pixel mirrors at the nearest of the four rims in its row and column: left, right, above, below, the first of
    equally near ones. Where there is none, at those of the pixels filled so far. Of a frame that is all blank: zeros.

    Shape:
        pixels: (h, w) or (h, w, c); blank: (h, w)
        returns: as pixels; they themselves where nothing is blank
    """
    if blank is None or not blank.any():
        return pixels
    if blank.all():
        return np.zeros_like(pixels)
    return filled_by_mirroring(pixels, blank)
