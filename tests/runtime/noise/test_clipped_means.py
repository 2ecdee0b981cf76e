"""What clipping adds to a mean: by a table near the ends of the range, as by the whole formula."""

from __future__ import annotations

import numpy as np
import pytest

from zsn2m_runtime.noise.clipping import Clipping, rise_of_mean, rises_of_mean
from zsn2m_runtime.noise.rising_line import RisingLine


@pytest.mark.parametrize(("low", "high"), [(0.0, 255.0), (500.0, 4095.0), (0.0, None), (None, 255.0)])
@pytest.mark.parametrize(("slope", "floor"), [(0.0, 100.0), (3.0, 1.0), (0.2, 0.01)])
@pytest.mark.parametrize("strength", [0.25, 1.0, 4.0])
def test_it_is_looked_up_by_the_level_alone(
    low: float | None, high: float | None, slope: float, floor: float, strength: float
) -> None:
    line = RisingLine(*np.array([slope, floor - slope * (low or 0.0), 1e-3], np.float32))
    level = np.linspace(low or 0.0, high or 255.0, 50_001, dtype=np.float32)[None]
    found = np.zeros_like(level)
    for rise in rises_of_mean(line, strength, (low, high)):
        rise.add(level, found)
    deviation = line.deviation(level, strength)
    right = rise_of_mean(level, deviation, (low, high))
    assert np.abs(right).max() > 0.3 * deviation.min()
    assert (np.abs(found - right) / deviation).max() < (0.015 if slope else 0.001)


def test_means_beyond_an_end_are_as_at_it_and_others_are_left() -> None:
    line = RisingLine(*np.array([0.0, 100.0, 1e-3], np.float32))
    (rise,) = rises_of_mean(line, 1.0, (0.0, None))
    found = np.full((1, 3), 7, np.float32)
    rise.add(np.array([[40.0, 35.0, 200.0]], np.float32), found)
    assert (found == 7).all()
    rise.add(np.array([[-2.0, 0.0, 200.0]], np.float32), found)
    assert found[0, 0] == found[0, 1] and found[0, 2] == 7


@pytest.mark.parametrize(("slope", "floor"), [(8.19, 201228.3), (0.0, 100.0), (0.2, 0.01)])
def test_what_clipping_will_add_to_light_is_what_it_added(slope: float, floor: float) -> None:
    line = RisingLine(*np.array([slope, floor, 1e-3], np.float32))
    clipping = Clipping((line,), 1.2, (0.0, 4095.0))
    light = np.linspace(0, 4095, 20_001, dtype=np.float32)
    more = clipping.rise_at(0, light)
    deviation = line.deviation(light, 1.2)
    assert np.abs(np.diff(light + more)).max() < light[1] + 1e-3 * deviation.max()  # rises without steps
    assert (np.abs(clipping.rise(0, light + more) - more) / deviation).max() < 0.02
    if not slope:
        assert more[0] == pytest.approx(deviation[0] / np.sqrt(2 * np.pi), rel=0.01)


def test_nothing_is_added_farther_than_clipping_reaches() -> None:
    for slope, floor in ((8.19, 201228.3), (0.0, 100.0), (3.0, 1.0), (0.2, 0.01)):
        line = RisingLine(*np.array([slope, floor, 1e-3], np.float32))
        for strength in (0.7, 1.0, 1.4966568):
            for rise in rises_of_mean(line, strength, (0.0, 4095.0)):
                near = rise.end + rise.reach / 4
                found = np.zeros((1, 2), np.float32)
                rise.add(np.array([[near, rise.end + 1.01 * rise.reach]], np.float32), found)
                assert found[0, 0] != 0 and found[0, 1] == 0
