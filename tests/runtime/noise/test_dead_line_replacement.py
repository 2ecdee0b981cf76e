"""Dead lines get what is between the sound ones beside them; frames of another size stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise_record import DeadLinesRecord

HEIGHT, WIDTH = 6, 9


def between(dead: set[int], length: int) -> np.ndarray:
    """Slow and plain: on a ramp of slope 10 the value of each line."""
    values = []
    for line in range(length):
        lower = [k for k in range(line, -1, -1) if k not in dead]
        upper = [k for k in range(line, length) if k not in dead]
        values.append(10.0 * (line if lower and upper else (lower or upper)[0]))
    return np.array(values)


@pytest.mark.parametrize("dead", [(4,), (3, 4), (0,), (0, 1), (8,), (7, 8), (0, 4, 5, 8), (1, 3, 5, 7)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_columns_and_rows_are_filled_between_sound_ones(dead: tuple[int, ...], channels: tuple[int, ...]) -> None:
    ramp = np.broadcast_to(10.0 * np.arange(WIDTH).reshape(-1, *[1] * len(channels)), (HEIGHT, WIDTH, *channels))
    frame = ramp.copy()
    frame[:, list(dead)] = 255
    columns = DeadLinesRecord(columns=dead, height=HEIGHT, width=WIDTH)
    expected = np.broadcast_to(between(set(dead), WIDTH).reshape(-1, *[1] * len(channels)), ramp.shape)
    np.testing.assert_allclose(without_dead_lines(frame, columns), expected, atol=1e-5)
    rows = DeadLinesRecord(rows=dead, height=WIDTH, width=HEIGHT)
    np.testing.assert_allclose(without_dead_lines(frame.swapaxes(0, 1), rows), expected.swapaxes(0, 1), atol=1e-5)


def test_whole_numbers_stay_whole_and_the_frame_is_not_changed() -> None:
    frame = np.array([[10, 255, 13]] * 2, np.uint8)
    made = without_dead_lines(frame, DeadLinesRecord(columns=(1,), height=2, width=3))
    assert made.dtype == np.uint8
    assert made[0].tolist() == [10, 12, 13]
    assert frame[0, 1] == 255


def test_frames_of_other_sizes_and_without_dead_lines_stay() -> None:
    frame = np.arange(54, dtype=np.uint16).reshape(HEIGHT, WIDTH)
    assert without_dead_lines(frame, None) is frame
    assert without_dead_lines(frame, DeadLinesRecord(columns=(1,), rows=(2,), height=5, width=8)) is frame


@pytest.mark.parametrize("numbers", [(-1,), (3,), (0, 1, 2)])
def test_numbers_outside_and_all_lines_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="numbers from 0 to 2"):
        DeadLinesRecord(columns=numbers, height=9, width=3)
