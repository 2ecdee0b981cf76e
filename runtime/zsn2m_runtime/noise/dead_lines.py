"""Dead and stuck columns and rows of a sensor, replaced by what is between the sound ones beside them, in NumPy.

The exported graph does the same (zsn2m_deploy.noise.dead_lines).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise_record import DeadLinesRecord
from zsn2m_runtime.sample_types import Pixels, is_whole


class Beside(NamedTuple):
    """For each line the nearest sound ones before and after it, itself if it is sound, and the weight of the second.

    Shape:
        before, after: (n,) int64; weight: (n,) float32
    """

    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32]


def sound_beside(dead: Sequence[int], length: int) -> Beside:
    """What takes the place of dead lines, of so many lines; some are sound."""
    lines = np.arange(length)
    sound = np.setdiff1d(lines, dead)
    place = np.searchsorted(sound, lines)  # of the first sound line from there on
    after = sound[place.clip(0, len(sound) - 1)]
    before = np.where(after == lines, lines, sound[(place - 1).clip(0)])
    weight = (lines - before) / np.maximum(after - before, 1)
    return Beside(before, after, weight.clip(0, 1).astype(np.float32))


def without_dead_lines(frame: Pixels, found: DeadLinesRecord | None) -> Pixels:
    """A frame whose dead columns and rows are replaced; itself where there are none.

    Columns are replaced in frames of the record's width, for strips of a frame have less height; rows in those of its
    height.

    Shape:
        frame: (h, w) or (h, w, c), sensor units -> the same shape and dtype
    """
    if found is None:
        return frame
    made = frame
    for axis, numbers, length in ((1, found.columns, found.width), (0, found.rows, found.height)):
        if numbers and frame.shape[axis] == length:
            made = _without(made.swapaxes(0, axis), numbers).swapaxes(0, axis)
    return made


def _without(lines: Pixels, dead: Sequence[int]) -> Pixels:
    """The same along the first axis."""
    beside, chosen = sound_beside(dead, len(lines)), list(dead)
    weight = beside.weight[chosen].reshape(-1, *[1] * (lines.ndim - 1))
    first, second = (lines[of[chosen]].astype(np.float64) for of in (beside.before, beside.after))
    level = first + (second - first) * weight
    made = lines.copy()
    made[chosen] = np.rint(level) if is_whole(lines.dtype) else level
    return made
