"""Percentiles against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from zsn2m_runtime.streaming.latency import Latency


@pytest.mark.parametrize("percent", [1, 50, 95, 99, 100])
def test_percentiles_are_those_of_all_durations_to_a_hundredth(percent: float) -> None:
    durations = np.random.default_rng(0).lognormal(-4, 1.5, 5000)
    latency = Latency()
    for duration in durations:
        latency.add(float(duration))
    expected = np.percentile(durations, percent, method="inverted_cdf")
    assert latency.percentile(percent) == pytest.approx(expected, rel=0.012)
    assert latency.count == 5000
    assert latency.total == pytest.approx(durations.sum())


def test_durations_beyond_the_scale_count_at_its_ends() -> None:
    latency = Latency()
    for duration in (0.0, -1.0, 1e9):
        latency.add(duration)
    assert latency.percentile(50) == pytest.approx(1e-6)
    assert latency.percentile(100) == pytest.approx(1e5)


def test_nothing_measured_has_no_percentiles() -> None:
    assert Latency().summary() == {"mean": None, "p50": None, "p95": None, "p99": None}


def test_a_summary_is_in_milliseconds() -> None:
    latency = Latency()
    latency.add(0.25)
    assert latency.summary() == {name: pytest.approx(250, rel=0.012) for name in ("mean", "p50", "p95", "p99")}
