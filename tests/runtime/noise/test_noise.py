"""The noise estimate and the span of values against synthetic frames whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.tolerances import SIGMA

from zsn2m_runtime.noise.level import estimate_sigma, value_span


def noisy_ramp(
    shape: tuple[int, ...], sigma: float, dtype: str = "float32", middle: float = 128.0, seed: int = 0
) -> np.ndarray[Any, Any]:
    """A ramp of +-20 % around a middle value with white Gaussian noise, far from both ends of the dtype."""
    generator = np.random.default_rng(seed)
    ramp = middle * np.linspace(0.8, 1.2, shape[1], dtype=np.float32)
    clean = np.broadcast_to(ramp[:, None] if len(shape) == 3 else ramp, shape)
    noisy = clean + sigma * generator.standard_normal(shape, dtype=np.float32)
    return (np.rint(noisy) if dtype != "float32" else noisy).astype(dtype)


@pytest.mark.parametrize("shape", [(256, 256), (255, 301), (256, 256, 3)])
@pytest.mark.parametrize(
    ("dtype", "sigma", "middle"),
    [("uint8", 6, 128), ("uint8", 20, 128), ("uint16", 900, 30000), ("float32", 0.05, 0.5)],
)
def test_sigma_of_white_noise(shape: tuple[int, ...], dtype: str, sigma: float, middle: float) -> None:
    assert estimate_sigma(noisy_ramp(shape, sigma, dtype, middle)) == pytest.approx(sigma, rel=SIGMA)


@pytest.mark.parametrize("shape", [(2600, 2200), (1500, 1700, 3)])  # above a million pixels a grid of blocks is read
def test_sigma_of_big_frames(shape: tuple[int, ...]) -> None:
    assert estimate_sigma(noisy_ramp(shape, 9, "uint16", 2000)) == pytest.approx(9, rel=SIGMA)


def test_sigma_is_the_mean_over_the_channels() -> None:
    planes = [noisy_ramp((256, 256), sigma, seed=sigma) for sigma in (3, 6, 12)]
    assert estimate_sigma(np.dstack(planes)) == pytest.approx(7, rel=SIGMA)


def test_sigma_is_not_the_frames_own_structure() -> None:
    frame = noisy_ramp((256, 256), 4)
    frame[:, 128:] += 90  # an edge
    frame[::40, ::40] = 255  # hot pixels
    assert estimate_sigma(frame) == pytest.approx(4, rel=SIGMA)
    assert frame.std() > 8 * 4  # what a plain standard deviation would have said


def test_sigma_of_correlated_noise_is_too_low() -> None:
    noise = np.random.default_rng(0).normal(0, 10, (257, 257))
    blurred = (noise[1:, 1:] + noise[1:, :-1] + noise[:-1, 1:] + noise[:-1, :-1]).astype(np.float32) / 4
    assert estimate_sigma(blurred) < 0.75 * blurred.std()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1, 3)])
def test_sigma_of_frames_too_small_to_tell_is_zero(shape: tuple[int, ...]) -> None:
    assert estimate_sigma(np.full(shape, 200, np.uint8)) == 0.0


def test_sigma_does_not_wrap_around_in_unsigned_samples() -> None:
    assert estimate_sigma(np.array([[0, 255], [255, 0]], np.uint8)) == pytest.approx(255 / 0.6745, rel=1e-3)


@pytest.mark.parametrize("shape", [(200, 300), (200, 300, 3)])
def test_span_is_robust_to_hot_and_dead_pixels(shape: tuple[int, ...]) -> None:
    frame = np.random.default_rng(0).integers(1000, 1101, shape).astype(np.uint16)
    flat = frame.reshape(-1)
    flat[::2000], flat[1::2000] = 65535, 0  # 0.05 % each
    assert value_span([frame]) == (1000, 1100)


def test_span_sees_more_than_a_tenth_of_a_percent() -> None:
    frame = np.full((100, 100), 1000, np.uint16)
    frame[0, :30] = 5000  # 0.3 %: a small bright object, not hot pixels
    assert value_span([frame]) == (1000, 5000)


def test_span_is_over_all_frames() -> None:
    dark, bright = np.full((20, 20), 3, np.uint8), np.full((40, 40, 3), 250, np.uint8)
    assert value_span([dark, bright]) == (3, 250)


def test_span_of_a_big_frame_is_read_from_a_sample() -> None:
    frame = np.tile(np.linspace(-1, 1, 1999, dtype=np.float32), (2500, 1))
    low, high = value_span([frame])
    assert low == pytest.approx(-0.998, abs=2e-3)
    assert high == pytest.approx(0.998, abs=2e-3)


@pytest.mark.parametrize("side", [90, 1800])
def test_value_span_looks_at_every_channel(side: int) -> None:
    frame = np.zeros((side, side, 3), np.uint8)
    frame[:, side // 2 :] = (100, 150, 200)
    assert value_span([frame]) == (0.0, 200.0)
    assert value_span([np.ascontiguousarray(frame[:, :, ::-1])]) == (0.0, 200.0)
