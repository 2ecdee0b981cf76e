"""Dead columns and rows are found by their numbers; noise, white areas, lines of graphics and borders are none."""

from __future__ import annotations

import numpy as np

from zsn2m_runtime.patterns.dead_lines import dead_lines_in_words, find_dead_lines

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
