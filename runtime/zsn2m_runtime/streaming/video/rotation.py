"""The display matrix: how players turn the frames of a video that was filmed with a turned camera."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.video.frame_side_data import side_data_of

ONE = 2**16  # 1.0 in the matrix, whose numbers are 16.16 fixed point

Matrix = tuple[int, ...]


def display_matrix(frame: av.VideoFrame) -> Matrix | None:
    """The nine numbers of a frame's matrix, row by row; None: it is shown as stored."""
    found: Any = side_data_of(frame).get("DISPLAYMATRIX")
    if found is None:
        return None
    matrix = tuple(int(number) for number in np.frombuffer(found, np.int32))
    return None if _turns(matrix) == (ONE, 0, 0, ONE) else matrix


def swaps_sides(matrix: Matrix) -> bool:
    """Whether the width becomes the height."""
    return _turns(matrix)[0] == 0


def check_quarter_turns(matrix: Matrix, name: str) -> None:
    """Refuse a matrix that does more than quarter turns and mirroring.

    Raises:
        InputError: if it does.
    """
    a, b, c, d = (abs(number) for number in _turns(matrix))
    if (a, b, c, d) not in ((ONE, 0, 0, ONE), (0, ONE, ONE, 0)):
        raise InputError(
            f"{name}: expected frames that are shown upright or in quarter turns, but got the display matrix {matrix}; "
            f"write a .mp4, .mov or .mkv, which keep it"
        )


def upright(pixels: Pixels, matrix: Matrix) -> Pixels:
    """Pixels as players show them.

    Shape:
        pixels: (h, w) or (h, w, 3)
        returns: the same, or (w, h) or (w, h, 3)
    """
    a, b, c, d = _turns(matrix)  # a point (x, y) is shown at (a x + c y, b x + d y)
    if b:
        pixels, down, across = pixels.swapaxes(0, 1), b, c
    else:
        down, across = d, a
    axes = tuple(axis for axis, direction in enumerate((down, across)) if direction < 0)
    return np.ascontiguousarray(np.flip(pixels, axes))


def _turns(matrix: Matrix) -> Matrix:
    return matrix[0], matrix[1], matrix[3], matrix[4]
