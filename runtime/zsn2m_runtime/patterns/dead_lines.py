"""Dead and stuck columns and rows: one value over half of the frame, beside lines that are noisy.

Of 276 frames without (all shared sets of stills, Kodak24 at three times the contrast too) none is found to have one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise_record import Axis
from zsn2m_runtime.sample_types import Pixels

DEAD = 0.45  # of the steps along a line are none at all, in one run
NOISY = 0.3  # of those of other lines, at most: the middle one of all, and both beside
BESIDE = 4  # lines away: up to so many dead ones may be together
MARGIN = 8  # lines at the borders, which pictures have constant
SHOWN = 8  # numbers that are named


def find_dead_lines(frame: Pixels) -> dict[Axis, list[int]]:
    """The numbers of columns and rows, from 0, that are dead or stuck in any channel.

    Shape:
        frame: (h, w) or (h, w, c)
    """
    planes = np.atleast_3d(frame)
    found: dict[Axis, list[int]] = {}
    turns: tuple[tuple[Axis, Pixels], ...] = (("columns", planes), ("rows", planes.swapaxes(0, 1)))
    for axis, turned in turns:
        marks = [_dead(turned[..., channel]) for channel in range(turned.shape[2])]
        numbers = np.flatnonzero(np.any(marks, axis=0)).tolist()
        if numbers:
            found[axis] = numbers
    return found


def dead_lines_in_words(found: dict[Axis, list[int]]) -> str | None:
    """What was found and what to do; None: nothing."""
    parts = []
    for axis, numbers in found.items():
        named = ", ".join(str(number + 1) for number in numbers[:SHOWN]) + (", ..." if len(numbers) > SHOWN else "")
        parts.append(f"{len(numbers)} {axis if len(numbers) > 1 else axis.removesuffix('s')} ({named}, from 1)")
    if not parts:
        return None
    return (
        f"one value over half of the frame or more: {' and '.join(parts)}; that passes for noise that pixels share, "
        f"and is smeared; correct them first, as a camera's own software does, or cut them off"
    )


def _dead(plane: Pixels) -> npt.NDArray[np.bool_]:
    """Which columns are. Shape: (h, w) -> (w,)."""
    still = plane[1:] == plane[:-1]
    share = still.mean(axis=0)
    dead = np.zeros(share.size, bool)
    if np.median(share) > NOISY or share.size <= 2 * MARGIN:
        return dead
    for column in np.flatnonzero(share >= DEAD):
        if MARGIN <= column < share.size - MARGIN and _longest(still[:, column]) >= DEAD * len(still):
            left, right = share[column - BESIDE : column], share[column + 1 : column + BESIDE + 1]
            dead[column] = left.min() < NOISY and right.min() < NOISY
    return dead


def _longest(still: npt.NDArray[np.bool_]) -> int:
    """The most that are true one after another."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    return int((ends[1::2] - ends[::2]).max(initial=0))
