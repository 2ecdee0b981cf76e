"""Dead and stuck columns and rows: one value over half of the frame, or hardly any change, beside lines that are noisy.

How many are found, and false alarms: docs/results/frames.md#dead-lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise.level import MAD_OF_NORMAL
from zsn2m_runtime.noise_record import MOST_DEAD, Axis, DeadLinesRecord
from zsn2m_runtime.sample_types import Pixels

DEAD = 0.45  # of the steps along a line are none at all, in one run
NOISY = 0.3  # of those of other lines, at most: the middle one of all, and both beside
QUIET = 0.3  # of the spread of lines beside, along a line and from pixel to pixel: stuck, with noise of reading alone
NOISELESS = 0.5  # of the noise of lines beside, at most: the ground between letters has as much as they have there
PLAIN = 0.5  # of the median line's spread: lines beside that have less, as in skies and shadows, tell nothing
BESIDE = 4  # lines away: up to so many dead ones may be together
ROUNDS = 3  # of looking again without those found, which cut others in parts where they cross
MARGIN = 8  # lines at the borders, which pictures have constant
SHORTEST = 16  # pixels, as of the smallest training frames; few values may be the same by chance
SHOWN = 8  # numbers that are named
IN_FRAMES = 0.5  # share of the frames, from which on a line that is found to be dead is so

Doubles = npt.NDArray[np.float64]
Corner = tuple[int, int]
DeadLines = dict[Axis, list[int]]  # numbers from 0


def find_dead_lines(frame: Pixels) -> DeadLines:
    """The numbers of columns and rows, from 0, that are dead or stuck in any channel.

    Shape:
        frame: (h, w) or (h, w, c)
    """
    planes = np.atleast_3d(frame)
    height, width = planes.shape[:2]
    columns: set[int] = set()
    rows: set[int] = set()
    for _ in range(ROUNDS):
        more = _found(planes) - columns, _found(planes.swapaxes(0, 1)) - rows
        if not any(more):
            break
        columns |= more[0]
        rows |= more[1]
        if len(columns) > MOST_DEAD or len(rows) > MOST_DEAD:
            break
        known = DeadLinesRecord(columns=tuple(sorted(columns)), rows=tuple(sorted(rows)), height=height, width=width)
        planes = without_dead_lines(planes, known)
    lines: tuple[tuple[Axis, set[int]], ...] = (("columns", columns), ("rows", rows))
    return {axis: sorted(numbers) for axis, numbers in lines if numbers}


def _found(planes: Pixels) -> set[int]:
    """The columns that are dead in any channel. Shape: (h, w, c)."""
    marks = [_dead(planes[..., channel]) for channel in range(planes.shape[2])]
    return set(np.flatnonzero(np.any(marks, axis=0)).tolist())


def shared_dead_lines(frames: Sequence[Pixels]) -> DeadLinesRecord | None:
    """The columns and rows that are dead in half of a sensor's frames or more; None: none, or the sizes differ.

    Shape:
        frames: each (h, w) or (h, w, c)
    """
    if len({frame.shape[:2] for frame in frames}) > 1:
        return None
    return _shared([find_dead_lines(frame) for frame in frames], frames[0])


def _shared(found: Sequence[DeadLines], frame: Pixels) -> DeadLinesRecord | None:
    """The same of those found in each frame, of this one's size."""
    height, width = frame.shape[:2]
    columns, rows = _in_half(found, "columns", width), _in_half(found, "rows", height)
    if not 0 < max(len(columns), len(rows)) <= MOST_DEAD:
        return None
    return DeadLinesRecord(columns=columns, rows=rows, height=height, width=width)


def _in_half(found: Sequence[DeadLines], axis: Axis, length: int) -> tuple[int, ...]:
    """The numbers that half of the frames or more have, of so many lines."""
    counts = np.bincount([number for one in found for number in one.get(axis, [])], minlength=length)
    return tuple(np.flatnonzero(counts >= max(1, IN_FRAMES * len(found))).tolist())


def without_own_dead_lines(frame: Pixels) -> tuple[Pixels, DeadLines]:
    """A frame without the dead lines that are found in it, in which other patterns can be looked for; and those lines.

    Shape:
        frame: (h, w) or (h, w, c) -> the same shape and dtype
    """
    found = find_dead_lines(frame)
    return without_dead_lines(frame, _shared([found], frame)), found


def replaced_in_words(found: DeadLinesRecord) -> str:
    """What is replaced."""
    named = _named({"columns": list(found.columns), "rows": list(found.rows)})
    sizes = [f"{found.width} pixels wide"] * bool(found.columns) + [f"{found.height} pixels high"] * bool(found.rows)
    return f"dead or stuck {named}: replaced by what is beside them, in frames {' or '.join(sizes)}"


def dead_lines_in_words(found: DeadLines, corner: Corner = (0, 0), kept: str = "") -> str | None:
    """What was found and what to do; None: nothing.

    Args:
        corner: row and column, in the file's frame, of the first pixel that was looked at
        kept: where --correct-defects leaves them (`why_kept`); empty: it replaces them
    """
    if not any(found.values()):
        return None
    firsts = {"rows": corner[0], "columns": corner[1]}
    moved: DeadLines = {axis: [firsts[axis] + one for one in numbers] for axis, numbers in found.items()}
    left = f"; --correct-defects leaves them where {kept}"
    advice = "; train with --correct-defects, which replaces them, or cut them off"
    return (
        f"{_named(moved)} of one value over half of the frame, or of hardly any change: dead or stuck; they stay in "
        f"the result{left if kept else advice}"
    )


def why_kept(frames: Sequence[Pixels], blank: bool) -> str:
    """Why dead lines of these frames are left by --correct-defects: words after "where".

    Args:
        blank: whether any frame has blank areas
    """
    if blank:
        return "frames have blank areas: cut those off, or the lines"
    if len({frame.shape[:2] for frame in frames}) > 1:
        return "frames have different sizes: train on frames of one size"
    return f"fewer than half of the frames have them, or there are more than {MOST_DEAD}: cut them off"


def _named(found: DeadLines) -> str:
    """How many lines, and the numbers of the first, from 1."""
    parts = []
    for axis, numbers in found.items():
        if numbers:
            first = ", ".join(str(number + 1) for number in numbers[:SHOWN]) + (", ..." if len(numbers) > SHOWN else "")
            name = axis if len(numbers) > 1 else axis.removesuffix("s")
            parts.append(f"{len(numbers)} {name} ({first}, from 1)")
    return " and ".join(parts)


def _dead(plane: Pixels) -> npt.NDArray[np.bool_]:
    """Which columns are. Shape: (h, w) -> (w,)."""
    dead = np.zeros(plane.shape[1], bool)
    if len(plane) < SHORTEST or dead.size <= 2 * MARGIN:
        return dead
    still = plane[1:] == plane[:-1]
    share = still.mean(axis=0)
    if np.median(share) > NOISY:
        return dead
    quiet = _quiet(plane.astype(np.float64))
    for column in np.flatnonzero(quiet | (share >= DEAD)):
        one_value = _longest(still[:, column]) >= DEAD * len(still)
        if MARGIN <= column < share.size - MARGIN and (one_value or quiet[column]):
            left, right = share[column - BESIDE : column], share[column + 1 : column + BESIDE + 1]
            dead[column] = left.min() < NOISY and right.min() < NOISY
    return dead


def _quiet(plane: Doubles) -> npt.NDArray[np.bool_]:
    """Columns that follow neither the picture nor its noise. Shape: (h, w) -> (w,)."""
    found = np.ones(plane.shape[1], bool)
    for spread in (plane.std(axis=0), np.sqrt(np.square(np.diff(plane, axis=0)).mean(axis=0))):
        sides = [[np.roll(spread, side * away) for away in range(1, BESIDE + 1)] for side in (-1, 1)]
        beside = np.median(sides, axis=1).min(axis=0)
        found &= (spread < QUIET * beside) & (beside > PLAIN * np.median(spread))
    for column in np.flatnonzero(found).tolist():
        first = max(column - BESIDE, 0)
        around = np.delete(plane[:, first : column + BESIDE + 1], column - first, axis=1)
        noise = np.median(np.abs(around - np.median(around, axis=1, keepdims=True))) / MAD_OF_NORMAL
        found[column] = plane[:, column].std() < NOISELESS * noise
    return found


def _longest(still: npt.NDArray[np.bool_]) -> int:
    """The most that are true one after another."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    return int((ends[1::2] - ends[::2]).max(initial=0))
