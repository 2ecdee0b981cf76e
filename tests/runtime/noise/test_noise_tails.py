"""Skewed and clipped noise."""

from __future__ import annotations

import numpy as np
import pytest

from zsn2m_runtime.noise.tails import bend_of, curved, skew_and_gain, skew_of

NORMAL = np.random.default_rng(0).standard_normal((400, 16, 16, 1))


@pytest.mark.parametrize("bend", [-0.3, 0.0, 0.1, 0.35])
def test_the_curve_keeps_median_and_variance_and_has_the_skewness(bend: float) -> None:
    values = curved(NORMAL, bend)
    assert np.median(values) == pytest.approx(0, abs=0.01)
    assert values.std() == pytest.approx(1, rel=0.03)
    measured = np.mean((values - values.mean()) ** 3) / values.std() ** 3
    assert measured == pytest.approx(float(skew_of(bend)), abs=0.08)
    assert bend_of(float(skew_of(bend))) == pytest.approx(bend, abs=5e-3)


@pytest.mark.parametrize("bend", [-0.2, 0.0, 0.25])
def test_skewness_is_found(bend: float) -> None:
    skew, gain = skew_and_gain(curved(NORMAL, bend), np.zeros(1), np.zeros(1))
    assert skew == pytest.approx([float(skew_of(bend))], abs=0.1)
    assert gain.tolist() == [1.0]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("bend", [0.0, 0.25])
def test_clipped_samples_do_not_hide_skewness_and_strength(bend: float, side: int) -> None:
    values = curved(NORMAL, bend)
    clipped = np.maximum(values, -0.8) if side < 0 else np.minimum(values, 0.8)
    at_end = np.array([np.mean(clipped == side * 0.8)])
    ends = (at_end, np.zeros(1)) if side < 0 else (np.zeros(1), at_end)
    skew, gain = skew_and_gain(clipped / clipped.std(), *ends)
    assert skew == pytest.approx([float(skew_of(bend))], abs=0.25)
    assert gain == pytest.approx([1 / clipped.std()], rel=0.1)


def test_silent_patches_do_no_harm() -> None:
    skew, gain = skew_and_gain(np.zeros((3, 16, 16, 2)), np.array([0.0, 1.0]), np.zeros(2))
    assert skew.tolist() == [0.0, 0.0]
    assert gain.tolist() == [1.0, 1.0]
