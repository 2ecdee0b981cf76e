"""Skewed and clipped noise."""

from __future__ import annotations

import numpy as np
import pytest

from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.noise.model import REACH, NoiseModel
from zsn2m_runtime.noise.tails import bend_of, curved, shape_of, skew_of

NORMAL = np.random.default_rng(0).standard_normal((400, 16, 16, 1))


@pytest.mark.parametrize("bend", [-0.3, 0.0, 0.1, 0.35])
def test_the_curve_keeps_median_and_variance_and_has_the_skewness(bend: float) -> None:
    values = curved(NORMAL, bend)
    assert np.median(values) == pytest.approx(0, abs=0.01)
    assert values.std() == pytest.approx(1, rel=0.03)
    measured = np.mean((values - values.mean()) ** 3) / values.std() ** 3
    assert measured == pytest.approx(float(skew_of(bend)), abs=0.08)
    assert bend_of(float(skew_of(bend))) == pytest.approx(bend, abs=5e-3)


WHITE = NoiseModel.white(np.zeros(1), np.ones(1)).correlation
INSIDE = np.zeros(1)  # share of the samples at an end


def correlated(lag_1: float) -> tuple[np.ndarray, np.ndarray]:
    """Normal noise whose neighbours share some of it, and its correlation."""
    outer, centre = correlation_taps(lag_1)
    taps = np.outer([outer, centre, outer], [outer, centre, outer])
    unit = np.random.default_rng(1).standard_normal((400, 18, 18))
    drawn = sum(taps[i, j] * unit[:, i : i + 16, j : j + 16] for i in range(3) for j in range(3))
    correlation = np.zeros_like(WHITE)
    for i in range(-2, 3):
        for j in range(-2, 3):
            rows, columns = slice(max(0, i), min(3, 3 + i)), slice(max(0, j), min(3, 3 + j))
            moved = taps[max(0, -i) : min(3, 3 - i), max(0, -j) : min(3, 3 - j)]
            correlation[0, 0, REACH + i, REACH + j] = (taps[rows, columns] * moved).sum()
    return np.asarray(drawn)[..., None], correlation


@pytest.mark.parametrize("lag_1", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("bend", [-0.2, 0.0, 0.25])
def test_skewness_is_found(bend: float, lag_1: float) -> None:
    normal, correlation = correlated(lag_1)
    found = shape_of(curved(normal, bend), correlation, INSIDE, INSIDE)
    assert found.skew == pytest.approx([float(skew_of(bend))], abs=0.1)
    assert found.skew_error < 0.04
    assert found.gain.tolist() == [1.0]


def test_structure_wider_than_a_pixel_is_no_skewness() -> None:
    slots = np.where(np.arange(16) % 8 < 2, -3.0, 1.0)[:, None, None] + NORMAL
    centred = slots - slots.mean()
    assert np.mean(centred**3) / np.mean(centred**2) ** 1.5 < -0.5
    assert shape_of(slots, WHITE, INSIDE, INSIDE).skew.tolist() == [0.0]
    assert shape_of(slots + 2 * curved(NORMAL, 0.1), WHITE, INSIDE, INSIDE).skew.tolist() == [0.0]


def test_skewness_that_parts_of_a_frame_disagree_on_is_none() -> None:
    pieces = zip(np.split(NORMAL, 4), (0.3, -0.3, 0.2, 0.0), strict=True)
    found = shape_of(np.concatenate([curved(piece, bend) for piece, bend in pieces]), WHITE, INSIDE, INSIDE)
    assert found.skew.tolist() == [0.0]
    assert found.skew_error > 0.1
    alone = shape_of(curved(NORMAL[:1], 0.3), WHITE, INSIDE, INSIDE)
    assert alone.skew.tolist() == [0.0]
    assert np.isinf(alone.skew_error).all()


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("bend", [0.0, 0.25])
def test_clipped_samples_do_not_hide_skewness_and_strength(bend: float, side: int) -> None:
    values = curved(NORMAL, bend)
    clipped = np.maximum(values, -0.8) if side < 0 else np.minimum(values, 0.8)
    at_end = np.array([np.mean(clipped == side * 0.8)])
    ends = (at_end, INSIDE) if side < 0 else (INSIDE, at_end)
    found = shape_of(clipped / clipped.std(), WHITE, *ends)
    assert found.skew == pytest.approx([float(skew_of(bend))], abs=0.25)
    assert found.gain == pytest.approx([1 / clipped.std()], rel=0.1)
    assert np.isnan(found.kurtosis[0])


def test_kurtosis_is_that_of_the_noise() -> None:
    rng = np.random.default_rng(2)
    tails = np.where(rng.random(NORMAL.shape) < 0.05, 5.0, 1.0) * NORMAL  # 3 * (0.95 + 0.05 * 625) / 2.2 ** 2
    for values, expected in ((NORMAL, 3.0), (rng.uniform(-1, 1, NORMAL.shape), 1.8), (tails, 19.96)):
        kurtosis, error = shape_of(values, WHITE, INSIDE, INSIDE).kurtosis
        assert abs(kurtosis - expected) < 4 * error
        assert error < 0.05 * expected


def test_silent_patches_do_no_harm() -> None:
    found = shape_of(np.zeros((3, 16, 16, 2)), np.zeros((2, 2, 9, 9)), np.array([0.0, 1.0]), np.zeros(2))
    assert found.skew.tolist() == [0.0, 0.0]
    assert found.gain.tolist() == [1.0, 1.0]
    assert found.kurtosis[0] == 3.0
