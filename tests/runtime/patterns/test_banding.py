"""Slow bands: found with their period and amplitude beside noise, shading and texture; nothing where there are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zsn2m_runtime.noise_record import Axis
from zsn2m_runtime.patterns.banding import find_bands
from zsn2m_runtime.sample_types import Pixels

AMPLITUDE = 6.0


def picture(seed: int, side: int = 256) -> Pixels:
    """Shading, edges at every angle, texture, and noise of 8."""
    rng = np.random.default_rng(seed)
    made = 60 + 120 * cv2.resize(rng.random((4, 4)), (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        corners = rng.uniform(0, side, (4, 2)).astype(np.int32)
        cv2.fillConvexPoly(made, cv2.convexHull(corners), float(rng.uniform(30, 220)))
    made += 6 * cv2.GaussianBlur(rng.standard_normal((side, side)), (0, 0), 1.5) / 0.19
    return np.asarray(np.repeat(made[..., None], 3, axis=2) + rng.normal(0, 8, (side, side, 3)), np.float32)


def wave(period: float, side: int = 256) -> Pixels:
    return np.asarray(AMPLITUDE * np.sin(2 * np.pi * np.arange(side) / period + 1), np.float32)[:, None, None]


@pytest.mark.parametrize("period", [7.0, 9.5, 12.0, 16.0])
@pytest.mark.parametrize("seed", range(3))
def test_bands_of_rows_are_found(period: float, seed: int) -> None:
    found = find_bands(picture(seed) + wave(period), "rows")
    assert found is not None
    assert found.period == pytest.approx(period, rel=0.03)
    assert found.amplitude == pytest.approx(AMPLITUDE, rel=0.35)
    assert "repeat" in found.in_words()


def test_bands_of_columns_are_found_by_their_axis() -> None:
    frame = (picture(0) + wave(12)).swapaxes(0, 1)
    assert find_bands(frame, "columns") is not None
    assert find_bands(frame, "rows") is None


@pytest.mark.parametrize("axis", ["rows", "columns"])
@pytest.mark.parametrize("seed", range(12))
def test_pictures_have_none(axis: Axis, seed: int) -> None:
    assert find_bands(picture(seed), axis) is None


def test_bands_of_a_half_are_none_of_the_frame() -> None:
    frame = picture(1)
    frame[:128] += 4 * wave(12)[:128]
    assert find_bands(frame, "rows") is None


@pytest.mark.parametrize(
    "frame", [np.zeros((256, 256), np.uint8), np.full((40, 300, 3), 9, np.uint16), np.ones((16, 16))]
)
def test_constant_and_small_frames_have_none(frame: Pixels) -> None:
    assert find_bands(frame, "rows") is None
