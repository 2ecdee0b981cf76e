"""Which pixel of a frame each blank one is the mirror image of.

At a rectangle of scene (bars, the rim of a shift) rows and columns mirror apart. All other blank areas are looked at in
runs: their ends are the rims, so that only blank pixels cost anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zsn2m_runtime.blank.surroundings import Places
from zsn2m_runtime.sample_types import Mask, Pixels


def filled_by_mirroring(pixels: Pixels, blank: Mask) -> Pixels:
    """A copy of a frame with blank pixels filled; some pixel must be known.

    Shape:
        pixels: (h, w) or (h, w, c); blank: (h, w)
        returns: as pixels
    """
    scene = _rectangle(blank)
    if scene is not None:
        return _around_rectangle(pixels, *scene)
    holes, sources = _sources(blank)
    result = np.array(pixels, order="C")
    samples = result.reshape(blank.size, -1)
    samples[holes] = samples[sources]
    return result


def _rectangle(blank: Mask) -> tuple[slice, slice] | None:
    """What is not blank, if that is a rectangle."""
    rows, columns = (np.flatnonzero(~blank.all(axis=axis)) for axis in (1, 0))
    scene = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return None if blank[scene].any() else scene


def _around_rectangle(pixels: Pixels, rows: slice, columns: slice) -> Pixels:
    """Rows mirror alone, then columns; both orders give a corner the same pixel, whichever rim is nearer."""
    down, along = (_mirrored(part, length) for part, length in zip((rows, columns), pixels.shape, strict=False))
    result = np.empty(pixels.shape, pixels.dtype)
    result[rows, columns] = pixels[rows, columns]
    for side in (slice(0, rows.start), slice(rows.stop, None)):
        result[side, columns] = pixels[down[side], columns]
    for side in (slice(0, columns.start), slice(columns.stop, None)):
        result[:, side] = result[:, along[side]]
    return result


def _mirrored(scene: slice, length: int) -> Places:
    """The place in a line that each one mirrors at; the rim itself where the mirror image is outside."""
    places = np.arange(length)
    before, after = 2 * scene.start - 1 - places, 2 * scene.stop - 1 - places
    places[: scene.start] = np.where(before < scene.stop, before, scene.start)[: scene.start]
    places[scene.stop :] = np.where(after >= scene.start, after, scene.stop - 1)[scene.stop :]
    return places


def _sources(blank: Mask) -> tuple[Places, Places]:
    """All blank pixels, and those that are not blank whose value they take; rounds until none is left."""
    holes, sources, left = _sources_once(blank)
    if not left.any():
        return holes, sources
    origins = np.arange(blank.size)
    while True:
        origins[holes] = origins[sources]
        if not left.any():
            break
        holes, sources, left = _sources_once(left)
    all_holes = np.flatnonzero(blank)
    return all_holes, origins[all_holes]


def _sources_once(blank: Mask) -> tuple[Places, Places, Mask]:
    """Blank pixels with a rim in their row or column, the pixels they mirror, and those without a rim."""
    height, width = blank.shape
    across, down = _nearest_in_lines(blank), _nearest_in_lines(np.ascontiguousarray(blank.T))
    holes = across.holes
    columns, rows = np.divmod(down.holes, height)
    of_down = np.zeros((2, blank.size), np.int64)  # in the order of rows
    of_down[:, rows * width + columns] = down.away, down.mirrored % height * width + columns
    away, mirrored = of_down[:, holes]
    sources = np.where(across.away <= away, across.mirrored, mirrored)
    there = np.minimum(across.away, away) < NOWHERE
    left = np.zeros(blank.shape, bool)
    if there.all():
        return holes, sources, left
    left.ravel()[holes[~there]] = True
    return holes[there], sources[there], left


NOWHERE = np.iinfo(np.int64).max


class _Nearest(NamedTuple):
    """Of each blank pixel, line by line: how far its nearest rim is, and the pixel it mirrors there; all (n,)."""

    holes: Places
    away: Places
    mirrored: Places


def _nearest_in_lines(blank: Mask) -> _Nearest:
    """The rim before a pixel in its line or the one after it; the first of equally near ones."""
    length = blank.shape[1]
    ended = np.zeros((blank.shape[0], length + 1), np.int8)
    ended[:, :length] = blank
    changes = np.diff(ended.ravel(), prepend=np.int8(0))
    starts, stops = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    lines = starts // (length + 1)
    starts, stops = starts - lines, stops - lines  # in lines without the end
    first, last = lines * length, lines * length + length
    holes = np.flatnonzero(blank)
    runs = np.repeat(np.arange(len(starts)), stops - starts)
    start, stop = starts[runs], stops[runs]
    before = np.where((starts > first)[runs], holes - start + 1, NOWHERE)
    after = np.where((stops < last)[runs], stop - holes, NOWHERE)
    back = before <= after
    mirrored = np.where(back, 2 * start, 2 * stop) - 1 - holes
    inside = np.where(back, mirrored >= first[runs], mirrored < last[runs])
    rim = np.where(back, start - 1, stop)
    mirrored = np.where(inside, mirrored, rim)
    known = ~blank.ravel()[np.clip(mirrored, 0, blank.size - 1)]
    return _Nearest(holes, np.minimum(before, after), np.where(known, mirrored, rim))
