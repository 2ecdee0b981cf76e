"""Areas of a frame that hold one value exactly: padding, bars, masks; not what is merely dark or saturated.

Sensors have noise, so one value over many pixels was put there by a program, unless the value is frequent anyway. What
lies beside an area says which: around padding its value is rare, at once and everywhere. Where few photons are counted
zeros are frequent around, too; saturated light approaches its value; smooth places without noise step by one level.

How many are found, and how many are not padding: docs/results/frames.md#blank-areas.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.blank.surroundings import Places, borders_of, rims_of
from zsn2m_runtime.sample_types import Mask, Pixels

# Measured, docs/results/frames.md#blank-areas.
SIDE = 16  # pixels; areas are unions of squares of this side
RUN = 32  # pixels of one value along the frame's border: what a shift or a rotation of the frame leaves is thinner
SHORTEST = 16  # pixels of a border that is of one value over its whole length, in frames smaller than a run
FREQUENT = 0.75  # share of the same value beside an area, above which the area is chance
FREQUENT_RUN = 0.25  # the same for runs and short borders, which then occur by chance below 1e-9
FIRST = 16  # squares that are compared before all others: padding shows in any of them
RARE = 0.1  # share below which squares of 2 x 2 of the value that touch an area belong to it


def constant_areas(pixels: Pixels, given: Mask | None = None) -> Mask | None:
    """Where a frame holds padding of any value; None where it does not, which is found quickly.

    Shape:
        pixels: (h, w) or (h, w, c)
        given: (h, w), what is blank for another reason, and left out
        returns: (h, w)
    """
    planes = np.atleast_3d(pixels)
    if not (_has_square(planes) or _has_run(planes)):
        return None
    beside, below = _equal(planes)
    areas, lines = _squares(beside, below), _border_lines(planes, beside, below)
    if given is not None:
        areas &= ~given
        lines &= ~given
    if not (areas.any() or lines.any()):
        return None
    candidates = areas | lines
    rims = rims_of(candidates, candidates if given is None else candidates | given, beside, below)
    values = _values(planes, rims.inside)
    borders = borders_of(planes, values, rims)

    found = _without(areas, planes, borders.values[~borders.bordered | (borders.share > FREQUENT)])
    found |= _without(lines, planes, borders.values[~borders.bordered | (borders.share > FREQUENT_RUN)])
    if not found.any():
        return None
    of_rare = np.isin(values, borders.values[borders.share <= RARE])
    _grow(found, rims.inside[of_rare], beside, below)
    return found


def _has_square(planes: Pixels) -> bool:
    """Whether a square may be there: it holds an aligned one of half its side, whose corners are compared first."""
    side = SIDE // 2
    height, width = (length // side for length in planes.shape[:2])
    if not (height and width):
        return False
    whole = planes[: height * side, : width * side]
    first, last = whole[::side, ::side, 0], whole[side - 1 :: side, side - 1 :: side, 0]
    rows, columns = np.nonzero(first == last)  # one channel of two corners leaves few
    squares = whole.reshape(height, side, width, side, -1)
    ends = np.array([0, side - 1])
    corners = squares[rows[:, None, None], ends[:, None], columns[:, None, None], ends]
    alike = (corners == corners[:, :1, :1]).all(axis=(1, 2, 3))
    rows, columns = rows[alike], columns[alike]
    for some in (slice(0, FIRST), slice(FIRST, None)):
        blocks = squares[rows[some], :, columns[some]]
        if (blocks == blocks[:, :1, :1]).all(axis=(1, 2, 3)).any():
            return True
    return False


def _has_run(planes: Pixels) -> bool:
    """Whether a border has one value for long."""
    for line in (planes[0], planes[-1], planes[:, 0], planes[:, -1]):
        apart = np.flatnonzero((line[1:] != line[:-1]).any(axis=1)) + 1
        longest = int(np.diff(apart, prepend=0, append=len(line)).max())
        if longest >= RUN or longest == len(line) >= SHORTEST:
            return True
    return False


def _equal(planes: Pixels) -> tuple[Mask, Mask]:
    """Whether each pixel equals the one beside it, and the one below. Shape: (h, w, c) -> (h, w), (h, w)."""
    beside, below = (np.zeros(planes.shape[:2], bool) for _ in range(2))
    first, *others = _to_compare(planes)
    np.equal(first[:, 1:], first[:, :-1], out=beside[:, :-1])
    np.equal(first[1:], first[:-1], out=below[:-1])
    for plane in others:
        beside[:, :-1] &= plane[:, 1:] == plane[:, :-1]
        below[:-1] &= plane[1:] == plane[:-1]
    return beside, below


def _to_compare(planes: Pixels) -> list[Pixels]:
    """Planes that are equal wherever all channels are: one of wider numbers where three whole ones fit in it."""
    height, width, channels = planes.shape
    if channels != 3 or planes.dtype.kind == "f" or planes.dtype.itemsize > 2:
        return [planes[:, :, channel] for channel in range(channels)]
    size = planes.dtype.itemsize
    unsigned = np.ascontiguousarray(planes).view(f"{planes.dtype.byteorder}u{size}").astype(f"u{size}", copy=False)
    return [cv2.cvtColor(unsigned, cv2.COLOR_RGB2RGBA).view(f"u{4 * size}").reshape(height, width)]


def _squares(beside: Mask, below: Mask) -> Mask:
    """All pixels of squares of one value."""
    starts = _all_from(beside, (SIDE, SIDE - 1)) & _all_from(below, (SIDE - 1, SIDE))
    return _any_to(starts, (SIDE, SIDE))


def _border_lines(planes: Pixels, beside: Mask, below: Mask) -> Mask:
    """Rows and columns at the border that are wholly of its value, and long runs of one value in the outermost."""
    found = np.zeros(beside.shape, bool)
    for turned in (False, True):
        parts = (found, below if turned else beside, planes)
        of, equal, frame = (part.swapaxes(0, 1) if turned else part for part in parts)
        length = of.shape[1]
        for step in (1, -1):
            rows, its, has = frame[::step], equal[::step], of[::step]
            if length >= SHORTEST:
                for line in range(len(rows)):
                    if not (its[line, :-1].all() and (rows[line, 0] == rows[0, 0]).all()):
                        break
                    has[line] = True
            if length >= RUN:
                first = np.ascontiguousarray(its[:1])
                has[:1] |= _any_to(_all_from(first, (1, RUN - 1)), (1, RUN))
    return found


def _all_from(mask: Mask, size: tuple[int, int]) -> Mask:
    """Whether all of a rectangle are set, at its first pixel."""
    found = cv2.erode(
        mask.view(np.uint8), np.ones(size, np.uint8), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return found.view(bool)


def _any_to(mask: Mask, size: tuple[int, int]) -> Mask:
    """Whether any of a rectangle is set, at its last pixel."""
    last = size[1] - 1, size[0] - 1
    found = cv2.dilate(
        mask.view(np.uint8), np.ones(size, np.uint8), anchor=last, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return found.view(bool)


def _values(planes: Pixels, places: Places) -> npt.NDArray[Any]:
    """One number for each colour; of three channels those of different colours differ but by the rarest chance.

    Shape:
        planes: (h, w, c); places: (n,), row by row
        returns: (n,)
    """
    flat = planes.reshape(-1, planes.shape[2])[places]
    if flat.shape[1] == 1:
        return flat[:, 0]
    if flat.dtype.kind == "f":
        flat = (flat + 0).view(f"u{flat.dtype.itemsize}")  # 0 for -0, which equals it
    values = np.zeros(len(flat), np.uint64)
    for channel in range(flat.shape[1]):
        values = values * np.uint64(0x9E3779B97F4A7C15) + flat[:, channel].astype(np.uint64)
    return values


def _without(mask: Mask, planes: Pixels, others: npt.NDArray[Any]) -> Mask:
    """A mask without what has one of these values."""
    found = mask.copy()
    if len(others):
        places = np.flatnonzero(found)
        found.ravel()[places] = ~np.isin(_values(planes, places), others)
    return found


def _grow(found: Mask, rim: Places, beside: Mask, below: Mask) -> None:
    """Add to a mask small squares of the value of its rim that touch it, in place: the ends of wedges."""
    width = found.shape[1]
    small: Mask | None = None
    flat, along, down = found.ravel(), beside.ravel(), below.ravel()  # the last column, and row, equals nothing
    rim = rim[flat[rim]]
    while len(rim):
        near = [rim[along[rim]] + 1, rim[along[rim - 1]] - 1, rim[down[rim]] + width, rim[down[rim - width]] - width]
        rim = np.concatenate(near)
        rim = np.unique(rim[~flat[rim]])
        if small is None and len(rim):
            small = _any_to(_all_from(beside, (2, 1)) & _all_from(below, (1, 2)), (2, 2)).ravel()
        if small is not None:
            rim = rim[small[rim]]
        flat[rim] = True
