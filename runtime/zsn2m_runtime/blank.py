"""Blank areas: samples without noise that belong to no scene. They are kept as they are, and hidden from the network.

Blank is padding of any value, what lies under an alpha of 0, and what is not finite. For a network such areas are
filled with the mirror image of what is beside them, as the exported graphs do at a frame's border.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.constant import constant_areas
from zsn2m_runtime.image import Pixels
from zsn2m_runtime.surroundings import Mask

FEWEST = 256  # pixels that say something of a frame's noise
GRID = 8  # pixels; even, so that a mosaic keeps its phase


def blank_areas(pixels: Pixels, alpha: Pixels | None = None) -> Mask | None:
    """Which pixels of a frame are blank; None where none is, which is soon known.

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

    For what is seen in whole rows and columns, which a mirror image would deceive.

    Shape:
        pixels: (h, w) or (h, w, c); blank: (h, w)
        returns: as pixels, not larger; they themselves where nothing is blank
    """
    if blank is None:
        return pixels
    rows, columns = (length // GRID for length in blank.shape)
    cells: Mask = np.asarray(blank[: rows * GRID, : columns * GRID].reshape(rows, GRID, columns, GRID).any(axis=(1, 3)))
    free = np.zeros(columns, int)  # cells above and at each one that are not blank
    best = (0, 0, 0, 0, 0)
    for row in range(rows):
        free = np.where(cells[row], 0, free + 1)
        area, height, left, width = _largest_on_ground(free.tolist())
        best = max(best, (area, row + 1 - height, height, left, width))
    top, height, left, width = (GRID * part for part in best[1:])
    return pixels[top : top + height, left : left + width]


def _largest_on_ground(heights: list[int]) -> tuple[int, int, int, int]:
    """Area, height, left and width of the largest rectangle under a skyline; each column is looked at but twice."""
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
    if blank is not None:
        result[blank] = source[blank]
    return result


def filled(pixels: Pixels, blank: Mask | None, reach: int | None = None) -> Pixels:
    """A frame whose blank areas are the mirror image of what is beside them.

    A blank pixel mirrors at the nearest of the four rims in its row and column: left, right, above, below, the first of
    equally near ones. Where there is none, at those of the pixels filled so far. Of a frame that is all blank: zeros.

    Args:
        reach: pixels, along rows and columns, from which anything is seen of what is blank; zeros farther away, which
            takes less time; None: all is filled
    Shape:
        pixels: (h, w) or (h, w, c); blank: (h, w)
        returns: as pixels; they themselves where nothing is blank
    """
    if blank is None or not blank.any():
        return pixels
    if blank.all():
        return np.zeros_like(pixels)
    result, unknown, wanted = pixels.copy(), blank.copy(), blank
    if reach is not None:
        far = cv2.erode(blank.view(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)).view(bool)
        result[far] = 0
        wanted = blank & ~far
    while wanted.any():
        wanted = _fill_once(result, unknown, wanted)
    return result


def _fill_once(pixels: Pixels, blank: Mask, wanted: Mask) -> Mask:
    """Fill what is wanted and has a rim in its row or column, in place, also in `blank`; what has none is left."""
    width = blank.shape[1]
    holes = np.flatnonzero(wanted)
    flat, chosen = blank.ravel(), wanted.ravel()
    nearest, source = np.full(len(holes), np.iinfo(np.int64).max), np.full(len(holes), -1)
    for axis, step in ((1, 1), (1, -1), (0, 1), (0, -1)):
        rim = _last_known(blank, axis, step)[chosen]  # along the axis
        place = holes % width if axis == 1 else holes // width
        away = np.abs(place - rim)
        use = (rim >= 0) & (away < nearest)
        mirrored = np.clip(2 * rim - place + step, 0, blank.shape[axis] - 1)
        of_mirrored, of_rim = (holes + (to - place) * (1 if axis == 1 else width) for to in (mirrored, rim))
        inside = (2 * rim - place + step == mirrored) & ~flat[of_mirrored]
        source[use] = np.where(inside, of_mirrored, of_rim)[use]
        nearest[use] = away[use]
    found = source >= 0
    samples = pixels.reshape(blank.size, -1)
    samples[holes[found]] = samples[source[found]]
    left = wanted.copy()
    for mask in (blank, left):
        mask.ravel()[holes[found]] = False
    return left


def _last_known(blank: Mask, axis: int, step: int) -> npt.NDArray[np.int32]:
    """Row or column of the nearest pixel before, or after (step -1), that is not blank; -1: none. Shape: (h * w,)."""
    length = blank.shape[axis]
    places = np.arange(length, dtype=np.int32)
    along = places[None, :] if axis == 1 else places[:, None]
    if step == 1:
        found = np.maximum.accumulate(np.where(blank, np.int32(-1), along), axis=axis)
    else:
        turned = np.flip(np.where(blank, np.int32(length), along), axis)
        found = np.flip(np.minimum.accumulate(turned, axis=axis), axis)
        found = np.where(found == length, np.int32(-1), found)
    return np.ascontiguousarray(found).ravel()
