"""What a person is told of a frame's noise."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.facts import BAR, distribution_in_words, noise_facts, noise_in_words, noise_plot
from zsn2m_runtime.noise.model import REACH, NoiseModel
from zsn2m_runtime.noise.rounding import Rounding

RAMP = np.linspace(0, 100, 40 * 30 * 3).reshape(40, 30, 3).astype(np.float32)


def model(slope: float = 0.0, floor: float = 4.0, beside: float = 0.0, channels: float = 0.0) -> NoiseModel:
    made = NoiseModel.white(np.full(3, slope), np.full(3, floor))
    for channel in range(3):
        made.correlation[channel, channel, REACH, REACH + 1] = beside
        for other in range(3):
            if other != channel:
                made.correlation[channel, other, REACH, REACH] = channels
    return made


def test_the_curve_follows_the_model() -> None:
    facts = noise_facts([RAMP], model(slope=0.5, floor=4.0))
    assert facts.depends_on_brightness
    for point in facts.curve:
        assert point.sigma == pytest.approx(np.sqrt(0.5 * point.brightness + 4.0))
        assert point.channels == pytest.approx([point.sigma] * 3)
    assert facts.curve[0].brightness == pytest.approx(0, abs=1)
    assert facts.curve[-1].brightness == pytest.approx(100, abs=1)
    assert facts.sigma == pytest.approx(np.sqrt(0.5 * 50 + 4), rel=0.01)


@pytest.mark.parametrize(("slope", "depends"), [(0.0, False), (0.004, False), (0.02, True)])
def test_a_change_within_the_error_of_estimates_is_none(slope: float, depends: bool) -> None:
    facts = noise_facts([RAMP], model(slope=slope, floor=4.0))  # 5 and 18 % more where it is brightest
    assert facts.depends_on_brightness == depends
    assert ("where dark" in noise_in_words(facts)) == depends


def test_words_name_what_matters_and_nothing_else() -> None:
    plain = noise_in_words(noise_facts([RAMP], model()))
    assert "noise of 2 " in plain and "independent" in plain
    assert "where dark" in noise_in_words(noise_facts([RAMP], model(slope=0.5)))
    shared = noise_in_words(noise_facts([RAMP], model(beside=0.4, channels=0.3)))
    assert "0.40 beside, 0.00 below" in shared
    assert "shared by the channels (0.30)" in shared


def test_clipping_is_counted_at_the_ends_of_the_range_or_of_the_frame() -> None:
    frame = np.full((10, 10), 7, np.uint16)
    frame[0] = 0
    frame[1, :5] = 9
    clipping = noise_facts([frame], NoiseModel.white(np.zeros(1), np.ones(1))).clipping
    assert (clipping.low, clipping.high, clipping.low_share, clipping.high_share) == (0, 9, 0.1, 0.05)
    clipping = noise_facts([frame], NoiseModel.white(np.zeros(1), np.ones(1)), (0.0, 4095.0)).clipping
    assert (clipping.low_share, clipping.high_share) == (0.1, 0.0)
    words = noise_in_words(noise_facts([frame], NoiseModel.white(np.zeros(1), np.ones(1))))
    assert words.endswith("clipped (10 % low, 5 % high)")


def test_the_plot_has_a_bar_for_each_brightness() -> None:
    facts = noise_facts([RAMP], model(slope=0.5))
    lines = noise_plot(facts).splitlines()
    assert len(lines) == len(facts.curve)
    bars = [line.count("#") for line in lines]
    assert bars == sorted(bars)
    assert max(bars) == BAR
    assert noise_plot(facts).isascii()


@pytest.mark.parametrize("frame", [np.full((16, 16), 5, np.uint8), np.zeros((16, 17, 3), np.float32)])
def test_a_constant_frame_has_facts_that_json_can_hold(frame: np.ndarray) -> None:
    channels = 1 if frame.ndim == 2 else 3
    facts = noise_facts([frame], NoiseModel.white(np.zeros(channels), np.zeros(channels)))
    json.dumps(facts.as_json(), allow_nan=False)
    assert len(noise_plot(facts).splitlines()) == len(facts.curve)


GREY = np.linspace(100, 160, 128 * 160).reshape(128, 160)
UNITS = np.random.default_rng(0).standard_normal(GREY.shape)


@pytest.mark.parametrize(
    ("noise", "heavy"),
    [
        (UNITS, False),
        (np.where(np.random.default_rng(1).random(GREY.shape) < 0.05, 5.0, 1.0) * UNITS, True),
        (np.random.default_rng(2).poisson(0.7, GREY.shape) - 0.7, False),  # a kurtosis of 4.4, from skewness
    ],
)
def test_words_tell_heavy_tails_from_those_of_photons(noise: np.ndarray, heavy: bool) -> None:
    frame = (GREY + 4 * noise).astype(np.float32)
    words = distribution_in_words(noise_facts([frame], estimate_noise([frame])))
    assert ("heavy tails" in words) == heavy
    assert "kurtosis" in words


def test_words_say_what_cannot_be_told() -> None:
    unknown = replace(model(), skew_error=np.full(1, np.inf))
    facts = noise_facts([RAMP], unknown)
    assert (facts.skew_error, facts.kurtosis) == ((None,) * 3, None)
    words = distribution_in_words(facts)
    assert "cannot be told" in words and "kurtosis" not in words
    json.dumps(facts.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("sigma", "step", "dtype", "word"),
    [
        (0.4, 1, np.uint8, "of the step"),
        (1.5, 1, np.uint8, "whole numbers"),
        (1.5, 1e-3, np.float32, None),
        (3.0, 1, np.uint8, None),
        (3.0, 6, np.uint8, "of the step"),  # few photons, stretched
        (0.0, 1, np.uint8, None),
    ],
)
def test_noise_of_few_steps_is_named(sigma: float, step: float, dtype: type, word: str | None) -> None:
    frame = (np.rint((GREY + max(sigma, 1) * UNITS) / step) * step).astype(dtype)
    facts = noise_facts([frame], NoiseModel.white(np.zeros(1), np.full(1, sigma**2)))
    if step >= 1:
        assert facts.rounding.step == step
        assert facts.rounding.values == pytest.approx(len(np.unique(frame)), rel=0.15)
    assert (facts.rounding.in_words is not None) == (word is not None)
    assert (word or "") in (facts.rounding.in_words or "")
    assert (facts.rounding.in_words or "") in noise_in_words(facts)


@pytest.mark.parametrize(("sigma", "costs"), [(0.3, 8.5), (0.5, 5.3), (1.0, 2.0), (2.0, 0.6)])
def test_what_rounding_a_result_costs_is_that_of_measured_results(sigma: float, costs: float) -> None:
    """Of docs/results/noise.md#noise-of-few-steps, tuning half; and of a result whose error is that of the model."""
    rounding = Rounding(12, 1.0, sigma, True)
    assert rounding.costs == pytest.approx(costs, abs=0.35)
    assert f"costs about {rounding.costs:.1f} dB" in str(rounding.in_words) or sigma >= 2
    rng = np.random.default_rng(0)
    clean = rng.uniform(0, 100, 200_000)
    result = clean + rng.normal(0, sigma / np.sqrt(7.2), clean.shape)
    errors = [np.square(found - clean).mean() for found in (np.rint(result), result)]
    assert 10 * np.log10(errors[0] / errors[1]) == pytest.approx(rounding.costs, abs=0.1)
