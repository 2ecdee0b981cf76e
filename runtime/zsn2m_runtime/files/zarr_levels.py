"""How the levels of a source's pyramid were made of its full one."""

from __future__ import annotations

import itertools
import math
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from zsn2m_runtime.files.zarr_image import Multiscale
from zsn2m_runtime.files.zarr_planes import Place, outer_chunks
from zsn2m_runtime.sample_types import Pixels


def factors(full: Any, level: Any) -> Place:
    """How many planes of the full level, on each axis before y and x, a plane of a level stands for."""
    return tuple(max(1, round(large / small)) for large, small in zip(full.shape[:-2], level.shape[:-2], strict=True))


def planes_at_once(image: Multiscale) -> Place:
    """Extents, on the axes before y and x, of the least block of planes that fills whole chunks of every level."""
    full = image.levels[0]
    found = []
    for axis, size in enumerate(full.shape[:-2]):
        extents = [outer_chunks(level)[axis] * factors(full, level)[axis] for level in image.levels]
        found.append(min(math.lcm(*extents), size))
    return tuple(found)


@dataclass(frozen=True)
class Picked:
    """Single samples that a smaller level consists of.

    Attributes:
        planes: which plane in each group, on the axes before y and x
        begin: first row and column
        step: from row to row, and from column to column
    """

    planes: Place
    begin: tuple[int, int]
    step: tuple[int, int]

    def takes(self, place: Place, groups: Place) -> bool:
        """Whether a plane is the one of its group."""
        return tuple(at % size for at, size in zip(place, groups, strict=True)) == self.planes

    def of(self, plane: Pixels) -> Pixels:
        """The samples of a plane, (h, w) to the size of the level."""
        return plane[self.begin[0] :: self.step[0], self.begin[1] :: self.step[1]]


@lru_cache(maxsize=1)
def ways_of(image: Multiscale) -> tuple[Picked | None, ...]:
    """Of each smaller level the samples that it consists of; None: of means, or of what nobody knows."""
    full, *smaller = image.levels
    return tuple(_way(full, level) for level in smaller)


def _way(full: Any, level: Any) -> Picked | None:
    """What the first plane shows that can be read and is not blank."""
    sizes = level.shape[:-2]
    for target in (tuple(size // 2 for size in sizes), (0,) * len(sizes), tuple(size - 1 for size in sizes)):
        with suppress(Exception):  # of codecs: the page is an error when its turn comes
            expected = np.asarray(level[target])
            if expected.min() != expected.max():
                return _picked(full, expected, target, factors(full, level))
    return None


def _picked(full: Any, expected: Pixels, target: Place, groups: Place) -> Picked | None:
    rows, columns = (-(-large // small) for large, small in zip(full.shape[-2:], expected.shape, strict=True))
    begins = sorted({(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)})
    for planes in itertools.product(*(sorted({0, size // 2, size - 1}) for size in groups)):
        place = [at * size + first for at, size, first in zip(target, groups, planes, strict=True)]
        if any(at >= size for at, size in zip(place, full.shape, strict=False)):
            continue
        plane = np.asarray(full[tuple(place)])
        for begin in begins:
            picked = Picked(planes, begin, (rows, columns))
            if np.array_equal(picked.of(plane), expected, equal_nan=full.dtype.kind == "f"):
                return picked
    return None
