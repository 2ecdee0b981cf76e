"""What lies beside areas of one value: how often that value, and whether the scene has a border there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.image import Pixels

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]  # indices of pixels, row by row

LOOK = 12  # pixels beside an area that are looked at
NEAR, FAR = (4, 5), (11, 12)  # of these; the first may be mixed with the area by interpolation
ALL = tuple(range(1, LOOK + 1))
APPROACHED = 0.6  # of the difference far away is left near: more is a border, less is light that saturates
ONE_STEP = 1.25  # smallest steps between values: less is rounding


@dataclass(frozen=True)
class Rims:
    """The last pixels of areas, and those beside them; one entry for each side that they are open to.

    Shape:
        inside: (n,); turned: (n,), whether along a column
        beside: (n, LOOK), from the first pixel of another value; -1 where the frame or what is looked at ends
    """

    inside: Places
    turned: Mask
    beside: Places


def rims_of(areas: Mask, blocked: Mask, beside: Mask, below: Mask) -> Rims:
    """Args: blocked: areas, and what is not looked at."""
    found = []
    at = np.arange(areas.size).reshape(areas.shape)
    for turned in (False, True):
        equal = below if turned else beside  # the next; the last one equals none
        for step in (1, -1):
            its, stop, same = ((part.T if turned else part)[:, ::step] for part in (areas, blocked, equal))
            index = (at.T if turned else at)[:, ::step]
            if step == -1:
                same = np.roll(same, -1, axis=1)
            inside, away = _rims_along(its, stop, same, index)
            found.append((inside, np.full(len(inside), turned), away))
    return Rims(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _rims_along(areas: Mask, blocked: Mask, same: Mask, index: Places) -> tuple[Places, Places]:
    # Many times as fast as nonzero() of two axes.
    rows, columns = np.divmod(np.flatnonzero(areas[:, :-1] & ~blocked[:, 1:]), areas.shape[1] - 1)
    ends = columns.copy()
    moving = np.arange(len(rows))
    while len(moving):  # along what has the value of the area
        moving = moving[same[rows[moving], ends[moving]]]
        ends[moving] += 1
    seen = np.full((len(rows), LOOK), -1, np.int64)
    going = np.ones(len(rows), bool)
    for far in range(LOOK):
        column = np.minimum(ends + 1 + far, areas.shape[1] - 1)
        going = going & (ends + 1 + far < areas.shape[1]) & ~blocked[rows, column]
        seen[:, far] = np.where(going, index[rows, column], -1)
    return index[rows, columns], seen


@dataclass(frozen=True)
class Seen:
    """What is beside the areas of each value.

    Shape:
        all: (values,)
    share: of the value; bordered: whether the areas have a border, neither approached nor one step away
    """

    values: npt.NDArray[Any]
    share: npt.NDArray[np.float64]
    bordered: Mask


def look_beside(planes: Pixels, values: npt.NDArray[Any], rims: Rims) -> Seen:
    """What is beside areas.

    Shape:
        planes: (h, w, c); values: (h * w,), one for each colour
    """
    known, of = np.unique(values[rims.inside], return_inverse=True)
    there = rims.beside >= 0
    difference = _differences(planes.reshape(-1, planes.shape[2]), rims)
    after = there & (np.arange(LOOK) > 0)  # the first one has another value by choice
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
    return Seen(known, share, bordered)


def _differences(flat: Pixels, rims: Rims) -> npt.NDArray[np.float64]:
    """Of what is beside from what is inside, mean over the channels. Shape: (n, LOOK)."""
    difference = np.zeros(rims.beside.shape)
    for channel in range(flat.shape[1]):
        inside, beside = (flat[places, channel].astype(np.float64) for places in (rims.inside, rims.beside))
        difference += np.abs(beside - inside[:, None])
    return np.asarray(difference / flat.shape[1])


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
    chosen = there & np.isin(np.arange(1, LOOK + 1), places)
    count = int(of.max(initial=-1)) + 1
    total, number = _sums(np.where(chosen, difference, 0), of, count), _sums(chosen, of, count)
    return np.asarray(np.divide(total, number, where=number > 0, out=np.full(count, np.nan)))
