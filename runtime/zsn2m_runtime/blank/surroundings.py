"""What lies beside areas of one value: how often that value, and whether the scene has a border there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Mask, Pixels

Places = npt.NDArray[np.int64]  # indices of pixels, row by row

# Measured, docs/results/frames.md#blank-areas.
DEPTH = 12  # pixels beside an area that are compared with it
NEAR, FAR = (4, 5), (11, 12)  # of these; the first three may be mixed with the area by interpolation
ALL = tuple(range(1, DEPTH + 1))
APPROACHED = 0.6  # difference near over difference far: above it the scene has a border, below it light saturates
ONE_STEP = 1.25  # smallest steps between values; a smaller difference is rounding


@dataclass(frozen=True)
class Rims:
    """The last pixels of areas, and those beside them; one entry for each side that they are open to.

    Shape:
        inside: (n,); turned: (n,), whether along a column
        beside: (n, DEPTH), from the first pixel of another value; -1 from where the frame ends or a blocked pixel is
    """

    inside: Places
    turned: Mask
    beside: Places


def rims_of(areas: Mask, blocked: Mask, beside: Mask, below: Mask) -> Rims:
    """The sides that areas are open to.

    Args:
        blocked: areas, and what is left out
        beside: whether each pixel equals the next one in its row; below: in its column; the last ones equal nothing
    """
    open_ = ~blocked
    found = []
    for turned in (False, True):
        for step in (1, -1):
            edges = np.zeros(areas.shape, bool)
            to, of = (slice(1, None), slice(None, -1)) if step == 1 else (slice(None, -1), slice(1, None))
            if turned:
                np.logical_and(areas[of], open_[to], out=edges[of])
            else:
                np.logical_and(areas[:, of], open_[:, to], out=edges[:, of])
            inside = _in_order(np.flatnonzero(edges), areas.shape, turned, step)
            away = _pixels_along(inside, blocked, below if turned else beside, turned, step)
            found.append((inside, np.full(len(inside), turned), away))
    return Rims(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _in_order(places: Places, shape: tuple[int, ...], turned: bool, step: int) -> Places:
    """Line by line, away from the area: sums do not depend on the order in which places were found."""
    if (turned, step) == (False, 1):
        return places
    rows, columns = np.divmod(places, shape[1])
    line, place = (columns, rows) if turned else (rows, columns)
    return places[np.lexsort((step * place, line))]


def _pixels_along(inside: Places, blocked: Mask, equal: Mask, turned: bool, step: int) -> Places:
    """Those beside, in one direction, after what has the value of the area. Shape: (n,) -> (n, DEPTH)."""
    height, width = blocked.shape
    stride = step * (width if turned else 1)
    place, length = (inside // width, height) if turned else (inside % width, width)
    room = length - 1 - place if step == 1 else place  # pixels to the frame's border
    same, stop = equal.ravel(), blocked.ravel()
    past = np.zeros(len(inside), np.int64)  # pixels of the same value
    moving = np.arange(len(inside))
    while len(moving):
        at = inside[moving] + past[moving] * stride
        going_on = same[at] if step == 1 else (past[moving] < room[moving]) & same[at + stride]
        moving = moving[going_on]
        past[moving] += 1
    seen = np.full((len(inside), DEPTH), -1, np.int64)
    going = np.ones(len(inside), bool)
    for far in range(1, DEPTH + 1):
        at = inside + np.minimum(past + far, room) * stride
        going = going & (past + far <= room) & ~stop[at]
        seen[:, far - 1] = np.where(going, at, -1)
    return seen


@dataclass(frozen=True)
class Borders:
    """Whether the areas of each value have a border in the scene.

    Shape:
        all: (values,)
    share: of the same value beside the areas, 0 to 1
    bordered: whether the scene differs from the areas at once, by more than rounding
    """

    values: npt.NDArray[Any]
    share: npt.NDArray[np.float64]
    bordered: Mask


def borders_of(planes: Pixels, values: npt.NDArray[Any], rims: Rims) -> Borders:
    """The borders of areas, by the samples beside them.

    Shape:
        planes: (h, w, c); values: (n,), one for each colour, of the rims
    """
    known, of = np.unique(values, return_inverse=True)
    there = rims.beside >= 0
    difference = _differences(planes.reshape(-1, planes.shape[2]), rims)
    after = there & (np.arange(DEPTH) > 0)  # the first one has another value by choice
    share = _sums(after & (difference == 0), of, len(known)) / np.maximum(_sums(after, of, len(known)), 1)
    step = 1.0 if planes.dtype.kind != "f" else _smallest_step(planes.reshape(-1, planes.shape[2]), rims)
    bordered = _sums(there, of, len(known)) == 0
    for turned in (False, True):  # along a rim that is hardly inclined the mixed pixels are many
        along = there & (rims.turned == turned)[:, None]
        near, far = (_mean(difference, along, of, places) for places in (NEAR, FAR))
        near = np.where(np.isnan(near), _mean(difference, along, of, ALL), near)  # a narrow strip
        with np.errstate(invalid="ignore"):
            set_off = near > (ONE_STEP * step if np.isfinite(step) else 0)
            bordered |= set_off & ~(near < APPROACHED * far)
    return Borders(known, share, bordered)


def _differences(flat: Pixels, rims: Rims) -> npt.NDArray[np.float64]:
    """Of what is beside from what is inside, mean over the channels. Shape: (n, DEPTH)."""
    difference = np.zeros(rims.beside.shape)
    for channel in range(flat.shape[1]):
        difference += _apart(flat[rims.inside, channel][:, None], flat[rims.beside, channel])
    return np.asarray(difference / flat.shape[1])


def _apart(one: Pixels, other: Pixels) -> npt.NDArray[np.float64]:
    """How far samples are apart; float64 cannot tell whole ones of 64 bits from their neighbours."""
    if one.dtype.kind == "f":
        return np.abs(other.astype(np.float64) - one.astype(np.float64))
    apart = np.maximum(one, other) - np.minimum(one, other)
    return apart.view(f"{apart.dtype.byteorder}u{apart.dtype.itemsize}").astype(np.float64)


def _smallest_step(flat: Pixels, rims: Rims) -> float:
    """Between values of neighbours beside areas: floats may hold what were whole numbers."""
    both = (rims.beside[:, 1:] >= 0) & (rims.beside[:, :-1] >= 0)
    steps = np.abs(flat[rims.beside[:, 1:][both]] - flat[rims.beside[:, :-1][both]])
    return float(np.min(steps, where=steps > 0, initial=np.inf))


def _sums(what: npt.NDArray[Any], of: Places, count: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.bincount(of, what.sum(axis=1), count), np.float64)


def _mean(
    difference: npt.NDArray[np.float64], there: Mask, of: Places, places: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Of each value's differences at so many pixels away; NaN where there is none."""
    chosen = there & np.isin(np.arange(1, DEPTH + 1), places)
    count = int(of.max(initial=-1)) + 1
    total, number = _sums(np.where(chosen, difference, 0), of, count), _sums(chosen, of, count)
    return np.asarray(np.divide(total, number, where=number > 0, out=np.full(count, np.nan)))
