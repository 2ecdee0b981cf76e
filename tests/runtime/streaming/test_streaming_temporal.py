"""The temporal blend of still scenes, after cuts and in changing light; a Gaussian stands in for the denoiser."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from support.sequences import (
    FRAMES,
    HIGH,
    LOSS,
    SETTLED,
    SIDE,
    SIGMA,
    Dtype,
    blend,
    deviation,
    scene,
)

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import SAMPLE_DTYPES
from zsn2m_runtime.streaming import temporal
from zsn2m_runtime.streaming.temporal import Temporal


@pytest.mark.parametrize(("dtype", "channels"), [("uint8", 3), ("uint8", 1), ("uint16", 3), ("float32", 1)])
def test_flicker_of_a_still_scene_is_at_least_halved(dtype: Dtype, channels: int) -> None:
    result = blend([scene(channels)] * FRAMES, dtype)
    assert result.flicker() < 0.5
    assert result.gain() > 0.3  # most of the error is the filter's own


@pytest.mark.parametrize("sigma", [SIGMA / 6, 2 * SIGMA])
def test_flicker_is_halved_at_any_noise_level_whatever_the_manifest_says(sigma: float) -> None:
    assert blend([scene()] * FRAMES, sigma=sigma).flicker() < 0.5


def test_flicker_under_correlated_noise_is_at_least_halved() -> None:
    assert blend([scene()] * FRAMES, correlated=True).flicker() < 0.5


def test_black_bars_do_not_pass_for_a_picture_without_noise() -> None:
    step = Temporal(Sensor(dtype="uint8", channels=3, range=(0.0, 255.0), noise_sigma=20.0))
    bar = slice(0, SIDE // 3)
    denoised = blend([scene()] * FRAMES).denoised.copy()
    denoised[:, bar] = 0
    noisy = np.random.default_rng(4).normal(denoised, 20).clip(0, 255).round().astype(np.uint8)
    noisy[:, bar] = 0
    result = np.stack([step(*pair) for pair in zip(noisy, denoised, strict=True)])
    assert not result[:, bar].any()
    assert np.mean(deviation(result[SETTLED:])) < 0.5 * np.mean(deviation(denoised[SETTLED:]))


def test_noise_is_found_again_after_a_part_of_the_picture_was_frozen() -> None:
    generator = np.random.default_rng(3)
    step = Temporal(Sensor(dtype="uint8", channels=1, range=(0.0, 255.0), noise_sigma=10.0))
    frames, results = [], []
    for index in range(60):
        noisy = generator.normal(120, 20, (64, 64)).round().astype(np.uint8)
        if 0 < index < 5:
            noisy[:32] = frames[0][:32]
        frames.append(noisy)
        results.append(step(noisy, cv2.GaussianBlur(noisy, (0, 0), 1.0)))
    denoised = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in frames])
    assert np.mean(deviation(np.stack(results[-SETTLED:]))) < 0.5 * np.mean(deviation(denoised[-SETTLED:]))


def test_the_latest_frame_of_a_still_scene_has_the_weight_of_one_in_nine() -> None:
    result = blend([np.full((SIDE, SIDE), 0.5, np.float32)] * 2 * FRAMES, "float32")
    new = (result.denoised[-1] - result.blended[-2]).ravel()
    taken = (result.blended[-1] - result.blended[-2]).ravel()
    assert np.polyfit(new, taken, 1)[0] == pytest.approx(1 / (temporal.HISTORY + 1), abs=0.02)


def test_light_that_grows_does_not_wrap_what_is_white_already() -> None:
    bright = scene().copy()
    bright[:40] = 0.97
    result = blend([bright] * SETTLED + [bright * np.float32(1.1)] * 2, sigma=0.05)
    assert result.blended[:, :36].min() > 200


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("frame", [1, 10])
def test_the_first_frame_after_a_cut_is_the_denoised_frame(frame: int, dtype: Dtype) -> None:
    result = blend([scene()] * frame + [scene()[:, ::-1]] * 3, dtype)
    assert np.array_equal(result.blended[frame], result.denoised[frame])
    assert not np.array_equal(result.blended[frame - 1], result.denoised[frame - 1]) or frame == 1
    assert result.gain(frames=slice(frame + 1, None)) > -LOSS


def test_the_blend_begins_again_soon_after_a_cut() -> None:
    result = blend([scene()] * SETTLED + [scene()[:, ::-1]] * 5)
    assert result.gain(frames=slice(-1, None)) > 0.2


@pytest.mark.parametrize("correlated", [False, True])
def test_a_cut_to_a_similar_scene_is_seen_under_strong_noise(correlated: bool) -> None:
    result = blend([scene()] * 10 + [scene()[::-1]] * 2, sigma=2 * SIGMA, correlated=correlated)
    assert np.array_equal(result.blended[10], result.denoised[10])


@pytest.mark.parametrize("sigma", [SIGMA / 4, SIGMA])
@pytest.mark.parametrize(
    "light",
    [
        pytest.param(lambda index: 1 + 0.05 * (index % 2), id="alternating"),
        pytest.param(lambda index: 1 + 0.05 * np.sin(index / 3), id="slow"),
        pytest.param(lambda index: 1.05 if index >= SETTLED else 1.0, id="step"),
    ],
)
def test_light_that_changes_by_a_twentieth_costs_no_frame_anything(light: Any, sigma: float) -> None:
    result = blend([scene() * np.float32(light(index)) for index in range(FRAMES)], sigma=sigma)
    assert min(result.gain(frames=slice(index, index + 1)) for index in range(1, FRAMES)) > -LOSS


def test_a_step_of_light_does_not_end_the_blend() -> None:
    lit = scene() * np.float32(1.05)
    result = blend([scene()] * SETTLED + [lit] * SETTLED)
    assert result.gain(frames=slice(SETTLED, SETTLED + 1)) > 0.2
    assert abs(float(np.mean(result.blended[SETTLED] - result.clean[SETTLED]))) < 0.3  # levels; the step is of 6


def test_integers_are_rounded() -> None:
    result = blend([np.full((SIDE, SIDE), 0.5, np.float32)] * FRAMES)
    shift = result.blended[SETTLED:].astype(np.float64) - result.denoised[SETTLED:]
    assert abs(float(shift.mean())) < 0.2  # rounded down it would be half a level


def test_a_frame_shown_twice_gives_the_same_result_and_is_not_taken_for_noise_free() -> None:
    scenes = blend([scene()] * FRAMES)
    step = Temporal(Sensor(dtype="uint8", channels=3, range=(0.0, 255.0), noise_sigma=20.0))
    results = []
    for denoised in scenes.denoised:
        noisy = denoised[::-1]  # any frame of about as much contrast
        results.append(step(noisy, denoised))
        assert np.array_equal(step(noisy, denoised), results[-1])
    assert np.mean(deviation(np.stack(results[SETTLED:]))) < 0.5 * np.mean(deviation(scenes.denoised[SETTLED:]))


def test_another_size_starts_anew() -> None:
    step = Temporal(Sensor(dtype="uint8", channels=1, range=(0.0, 255.0), noise_sigma=10.0))
    generator = np.random.default_rng(0)
    sizes = [(40, 50), (40, 50), (50, 40), (40, 50)]
    frames = [generator.integers(90, 110, size, np.uint8) for size in sizes]
    results = [step(frame, cv2.blur(frame, (3, 3))) for frame in frames]
    assert not np.array_equal(results[1], cv2.blur(frames[1], (3, 3)))
    assert all(np.array_equal(results[index], cv2.blur(frames[index], (3, 3))) for index in (0, 2, 3))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5, 3), (1, 1, 3), (17, 31), (300, 1, 3)])
@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
def test_any_size_comes_back_in_shape_type_and_range(shape: tuple[int, ...], dtype: Dtype) -> None:
    low, high = 0.25 * HIGH[dtype], 0.75 * HIGH[dtype]
    step = Temporal(Sensor(dtype=dtype, channels=3 if len(shape) == 3 else 1, range=(low, high), noise_sigma=1.0))
    generator = np.random.default_rng(1)
    for spread in (0.2, 0.2, 0.0, 0.0, 0.4):
        noisy, denoised = (
            (HIGH[dtype] * generator.uniform(0.5 - part, 0.5 + part, shape)).clip(low, high).astype(dtype)
            for part in (spread, spread / 4)
        )
        result = step(noisy, denoised)
        assert (result.shape, result.dtype) == (denoised.shape, denoised.dtype)
        assert np.isfinite(result).all()
        assert low - 1 <= result.min() and result.max() <= high  # unsigned frames have the next lower whole value


def test_memory_does_not_grow() -> None:
    generator = np.random.default_rng(2)
    step = Temporal(Sensor(dtype="uint8", channels=3, range=(0.0, 255.0), noise_sigma=10.0))
    held = []
    for _ in range(20):
        frame = generator.integers(90, 110, (64, 96, 3), np.uint8)
        step(frame, cv2.blur(frame, (3, 3)))
        held.append(sum(value.nbytes for value in vars(step).values() if isinstance(value, np.ndarray)))
    assert len(set(held)) == 1
    assert held[0] <= 3 * frame.size * np.dtype(np.float32).itemsize
