"""The scene of a training frame: blank borders are cut off, other blank areas are filled and marked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zsn2m_runtime.blank.areas import filled, largest_area
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.patches import SIDE
from zsn2m_runtime.sample_types import Mask, Pixels


class Scene(NamedTuple):
    """A frame without its blank borders.

    Shape:
        pixels: (h, w) or (h, w, 3), sensor units, finite; blank areas are filled
        blank: (h, w); None: no pixel is blank
    """

    pixels: Pixels
    blank: Mask | None


def scene_of(frame: Frame) -> Scene:
    """The scene of a frame; its own pixels where nothing is blank.

    Raises:
        InputError: fewer than SIDE x SIDE pixels are not blank.
    """
    blank = frame.blank
    if blank is None:
        return Scene(frame.pixels, None)
    count = int(np.count_nonzero(~blank))
    rows, columns = without_borders(blank)
    if count < SIDE**2 or min(rows.stop - rows.start, columns.stop - columns.start) < min(SIDE, *blank.shape):
        raise InputError(
            f"expected a scene of at least {SIDE} x {SIDE} pixels, but got a frame of which all but {count} pixels are "
            f"blank (one value without noise, alpha 0, or NaN); there is nothing to learn"
        )
    left = blank[rows, columns]
    return Scene(filled(frame.pixels, blank)[rows, columns], left if left.any() else None)


def corner_of(frame: Frame, scene: Scene) -> tuple[int, int]:
    """Row and column, in the frame, of the first pixel of the largest rectangle of its scene that has nothing blank."""
    cuts = [] if frame.blank is None else [without_borders(frame.blank)]
    cuts += [] if scene.blank is None else [largest_area(scene.blank)]
    return sum(rows.start for rows, _ in cuts), sum(columns.start for _, columns in cuts)


def without_borders(blank: Mask) -> tuple[slice, slice]:
    """Rows and columns from the first to the last that are not all blank."""
    rows, columns = (_from_first_to_last(np.asarray(~blank.all(axis=axis))) for axis in (1, 0))
    return rows, columns


def _from_first_to_last(there: Mask) -> slice:
    places = np.flatnonzero(there)
    if not len(places):
        return slice(0, 0)
    return slice(int(places[0]), int(places[-1]) + 1)
