"""The strength of the noise is found within a tenth, at once where it changes at once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.gain import Gain
from zsn2m_runtime.noise_record import NoiseRecord

Array = np.ndarray[Any, Any]

SIDE = 160


def record(slope: float, floor: float, channels: int = 3, neighbours: tuple[float, float] = (0.0, 0.0)) -> NoiseRecord:
    """Noise that is normal and of which the channels share nothing."""
    return NoiseRecord(
        slope=(slope,) * channels, floor=(floor,) * channels, span=(0.0, 255.0), skew=(0.0,) * channels,
        neighbours=neighbours, channels=0.0, correlated=neighbours != (0.0, 0.0),
    )  # fmt: skip


def scene(channels: int = 3) -> Array:
    """(1, c, h, w) from 0 to 255."""
    picture = clean_scene(SampleConfig(width=SIDE, height=SIDE)).transpose(2, 0, 1) * np.float32(150) + 50
    return np.ascontiguousarray(picture[None, :channels])


def noisy(clean: Array, slope: float, floor: float, strength: float, seed: int) -> Array:
    deviation = strength * np.sqrt(slope * clean + floor)
    return (clean + deviation * np.random.default_rng(seed).standard_normal(clean.shape)).astype(np.float32)


def result(clean: Array, seed: int) -> Array:
    """As a denoiser leaves it: a little soft, with a rest of smooth noise."""
    left = np.random.default_rng(seed).normal(0, 6, clean.shape[2:])
    planes = [cv2.GaussianBlur(plane, (0, 0), 0.5) + cv2.GaussianBlur(left, (0, 0), 1.5) for plane in clean[0]]
    return np.stack(planes)[None].astype(np.float32)


@pytest.mark.parametrize("strength", [0.25, 0.5, 2.0, 4.0])
@pytest.mark.parametrize(("slope", "floor"), [(0.0, 100.0), (1.0, 9.0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_another_gain_is_found_in_one_frame(slope: float, floor: float, strength: float, channels: int) -> None:
    clean, gain = scene(channels), Gain(record(slope, floor, channels))
    gain.see(result(clean, 0), noisy(clean, slope, floor, strength, 1))
    assert gain.strength == pytest.approx(strength, rel=0.1)


def test_the_gain_of_the_training_frames_is_exactly_1() -> None:
    clean, gain = scene(), Gain(record(0.0, 100.0))
    for seed in range(5):
        gain.see(result(clean, seed), noisy(clean, 0.0, 100.0, 1.0, 10 + seed))
        assert gain.strength == 1.0


def test_a_slow_change_is_followed() -> None:
    clean, gain = scene(), Gain(record(0.0, 100.0))
    strengths = 4 ** np.linspace(0, 1, 50)
    for seed, strength in enumerate(strengths):
        gain.see(result(clean, seed), noisy(clean, 0.0, 100.0, strength, 100 + seed))
        if strength > 1.4:
            assert gain.strength == pytest.approx(strength, rel=0.2)


def test_noise_that_neighbours_share_is_not_taken_for_weak() -> None:
    clean, generator = scene(), np.random.default_rng(2)
    noise = np.stack([cv2.blur(generator.normal(0, 20, (SIDE, SIDE + 1)), (2, 1))[:, 1:] for _ in range(3)])
    gain = Gain(record(0.0, float(noise.var()), neighbours=(0.5, 0.0)))
    gain.see(clean, (clean + 2 * noise).astype(np.float32))
    assert gain.strength == pytest.approx(2, rel=0.1)


def test_what_motion_gives_goes_through_and_a_cut_says_nothing() -> None:
    clean, gain = scene(), Gain(record(0.0, 100.0))
    before, now = result(clean, 0), noisy(clean, 0.0, 100.0, 3.0, 1)
    assert gain.following(lambda _previous, _noisy: None)(before, now) is None
    assert gain.strength == 1.0
    assert gain.following(None)(before, now) is before
    assert gain.strength == pytest.approx(3, rel=0.1)


def test_where_the_frame_stands_for_the_result_before_nothing_is_measured() -> None:
    clean, gain = scene(), Gain(record(0.0, 100.0))
    now = noisy(clean, 0.0, 100.0, 2.0, 1)
    before = result(clean, 0)
    before[..., 20:150, :110] = now[..., 20:150, :110]
    gain.see(before, now)
    assert gain.strength == pytest.approx(2, rel=0.1)
    gain.see(now, now)
    assert gain.strength == pytest.approx(2, rel=0.1)


def test_tiny_frames_say_nothing() -> None:
    gain, tiny = Gain(record(0.0, 100.0)), np.zeros((1, 3, 15, 40), np.float32)
    gain.see(tiny, tiny)
    assert gain.strength == 1.0


def test_frames_without_any_noise_give_a_strength_above_0() -> None:
    gain, clean = Gain(record(0.0, 100.0)), scene()
    gain.see(clean + 1, clean)
    assert 0 < gain.strength < 0.1
    gain.see(clean, noisy(clean, 0.0, 100.0, 2.0, 1))
    assert gain.strength == pytest.approx(2, rel=0.1)
