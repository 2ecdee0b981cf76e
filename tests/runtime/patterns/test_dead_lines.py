"""Dead columns and rows are found by their numbers; noise, white areas, lines of graphics and borders are none."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise_record import DeadLinesRecord
from zsn2m_runtime.patterns.dead_lines import (
    dead_lines_in_words,
    find_dead_lines,
    replaced_in_words,
    shared_dead_lines,
    without_own_dead_lines,
)
from zsn2m_runtime.patterns.words import dead_lines_left

SHAPE = (96, 128)


def noisy(level: float = 120.0, sigma: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(4)
    ramp = level + 40 * np.sin(np.arange(SHAPE[1]) / 9)
    return np.rint((ramp + rng.normal(0, sigma, SHAPE)).clip(0, 255)).astype(np.uint8)


def test_they_are_found_by_number() -> None:
    frame = noisy()
    frame[:, 40], frame[:, 60:62], frame[30:, 100], frame[20] = 0, 255, 255, 0
    found = find_dead_lines(frame)
    assert found == {"columns": [40, 60, 61, 100], "rows": [20]}
    said = dead_lines_in_words(found)
    assert said is not None and "4 columns (41, 61, 62, 101" in said and "1 row (21" in said


def test_lines_that_cross_are_found() -> None:
    frame = noisy()
    frame[[20, 50]], frame[:, [30, 60, 90]], frame[70] = 0, 255, 128
    assert find_dead_lines(frame) == {"columns": [30, 60, 90], "rows": [20, 50, 70]}


def test_stuck_lines_with_noise_of_reading_are_found_and_lines_of_the_picture_are_not() -> None:
    frame, rng = noisy().astype(float), np.random.default_rng(1)
    frame[:, 40] = 90 + rng.normal(0, 1, SHAPE[0])
    frame[:, 60] -= 80  # of the picture: it has its noise
    frame[:, 80] = (rng.normal(0, 8, SHAPE[0])).clip(0)  # the same, black
    assert find_dead_lines(np.rint(frame).clip(0, 255).astype(np.uint8)) == {"columns": [40]}


def test_dead_in_half_of_the_frames_is_dead() -> None:
    sound, one, both = noisy(), noisy(), noisy()
    one[:, 40], both[:, [40, 70]] = 0, 0
    found = shared_dead_lines([sound, one, both, sound])
    assert found is not None
    assert (found.columns, found.rows, found.height, found.width) == ((40,), (), *SHAPE)
    assert "1 column (41, from 1)" in replaced_in_words(found)
    assert replaced_in_words(found).endswith("in frames 128 pixels wide")
    assert shared_dead_lines([sound, sound, one]) is None
    assert shared_dead_lines([one, both[:, :-1]]) is None


def test_those_of_one_channel_count() -> None:
    frame = np.repeat(noisy()[..., None], 3, axis=2)
    frame[:, 40, 1] = 0
    assert find_dead_lines(frame) == {"columns": [40]}


def test_sound_frames_have_none() -> None:
    half_white = noisy()
    half_white[:, 50:90] = 255
    bordered = noisy()
    bordered[:, -5:] = 0
    drawn = np.full(SHAPE, 200, np.uint8)
    drawn[:, 40] = 0
    part = noisy()
    part[:30, 40] = 0
    for frame in (
        noisy(),
        noisy(level=250),
        half_white,
        bordered,
        drawn,
        part,
        np.random.default_rng(0).poisson(0.2, SHAPE),
    ):
        assert find_dead_lines(frame) == {}
        assert dead_lines_in_words(find_dead_lines(frame)) is None


def test_the_paper_between_letters_is_no_dead_line() -> None:
    """Columns between letters of one width, and rows between stars, have the noise of the ground alone."""
    rng = np.random.default_rng(3)
    page = np.full(SHAPE, 250.0)
    for row in range(8, 88, 14):
        for column in range(6, 120, 8):
            page[row : row + 9, column : column + 7] -= rng.choice([0, 210], (9, 7))
    noisy_page = np.rint((page + rng.normal(0, 5, SHAPE)).clip(0, 255)).astype(np.uint8)
    assert find_dead_lines(noisy_page) == {}
    noisy_page[:, 45] = np.rint(120 + rng.normal(0, 1, SHAPE[0]))  # a line that follows nothing is
    assert find_dead_lines(noisy_page) == {"columns": [45]}


@pytest.mark.parametrize("offset", [0.0, 2.0])
def test_a_line_with_noise_of_reading_is_found_where_nothing_is_to_be_seen(offset: float) -> None:
    rng = np.random.default_rng(1)
    frame = 1000 + 50 * rng.standard_normal((128, 128))
    frame[:, 60] = 1000 + offset + 10 * rng.standard_normal(128)
    assert find_dead_lines(np.rint(frame).astype(np.uint16)) == {"columns": [60]}


@pytest.mark.parametrize("shape", [(1, 128), (96, 1), (4, 128), (128, 4), (0, 128)])
def test_frames_too_thin_to_tell_have_none_and_nothing_is_warned_of(shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 9, shape, np.uint8)  # neighbours are often the same by chance
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_dead_lines(frame) == {}


def test_the_own_lines_of_a_frame_are_replaced_and_named() -> None:
    frame = noisy()
    frame[:, 40] = 0
    alive, found = without_own_dead_lines(frame)
    assert found == {"columns": [40]}
    assert find_dead_lines(alive) == {}
    assert np.array_equal(np.delete(alive, 40, 1), np.delete(frame, 40, 1))


@pytest.mark.parametrize("size", [SHAPE, (90, 128), (96, 120), (90, 120)])
@pytest.mark.parametrize(("columns", "rows"), [((40,), ()), ((), (20,)), ((40,), (20,))])
def test_those_that_stay_in_frames_of_another_size_are_said(
    columns: tuple[int, ...], rows: tuple[int, ...], size: tuple[int, int]
) -> None:
    known = DeadLinesRecord(columns=columns, rows=rows, height=SHAPE[0], width=SHAPE[1])
    frame = np.indices(size).sum(axis=0).astype(float)
    frame[:, list(columns)], frame[list(rows)] = 999, 999
    made, said = without_dead_lines(frame, known), " ".join(dead_lines_left(known, frame))
    assert ("dead columns" in said) == any((made[:10, one] == 999).all() for one in columns)
    assert ("dead rows" in said) == any((made[one, :10] == 999).all() for one in rows)
