"""The mean of what a network makes of a frame in several orientations: their errors differ, so the mean has less.

Source: the geometric self-ensemble of Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution,
CVPRW 2017; measured, docs/decisions/self-ensemble.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zsn2m_runtime.sample_types import Nchw, Strength


class Orientation(NamedTuple):
    """One of the eight of a square: rows and columns changed for each other, or not, then either turned round."""

    transposed: bool = False
    down: bool = False
    across: bool = False

    def of(self, planes: Nchw) -> Nchw:
        """Planes in this orientation. Shape: (1, c, h, w) -> (1, c, h, w) or (1, c, w, h)."""
        placed = planes.swapaxes(2, 3) if self.transposed else planes
        return np.ascontiguousarray(np.flip(placed, self._turned))

    def back(self, planes: Nchw) -> Nchw:
        """What was in this orientation, as it was before; a view."""
        placed = np.flip(planes, self._turned)
        return placed.swapaxes(2, 3) if self.transposed else placed

    @property
    def _turned(self) -> tuple[int, ...]:
        return tuple(axis for axis, turned in ((2, self.down), (3, self.across)) if turned)


AS_IT_IS = (Orientation(),)
FLIPS = tuple(Orientation(False, *turned) for turned in itertools.product((False, True), repeat=2))
ALL = (*FLIPS, *(flip._replace(transposed=True) for flip in FLIPS))


def in_orientations(
    network: Callable[[Nchw, Strength], Nchw],
    samples: Nchw,
    strength: Strength,
    orientations: tuple[Orientation, ...] = AS_IT_IS,
) -> Nchw:
    """The mean of a network's results. Shape: (1, c, h, w) -> (1, c, h, w)."""
    if orientations == AS_IT_IS:
        return network(samples, strength)
    mean = np.zeros_like(samples)
    for one in orientations:
        told = strength if isinstance(strength, float) else one.of(strength[None, None])[0, 0]
        mean += one.back(network(one.of(samples), told))
    mean /= np.float32(len(orientations))
    return mean
