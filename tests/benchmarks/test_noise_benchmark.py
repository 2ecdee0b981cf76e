"""The truth that noise estimates are compared with."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks import noise, noise_cases
from zsn2m_runtime.noise.model import REACH, NoiseModel

SCENE = np.repeat(np.linspace(60, 200, 192)[None, :, None], 3, axis=2).repeat(192, axis=0)
MEASURED = {  # of noise that benchmarks.noise_cases draws on SCENE
    "Gaussian 25": {"level": 25, "neighbours": 0, "channels": 0, "kurtosis": 3, "skewness": 0, "rows": 0},
    "Poisson 25": {"level": np.sqrt(130 * 255 / 25)},
    "neighbours 0.4": {"level": 25, "neighbours": 0.4, "channels": 0},
    "channels 0.5": {"neighbours": 0, "channels": 0.5},
    "skewness -0.5": {"level": 20, "skewness": -0.5},
    "rows 0.4": {"level": 15 * np.sqrt(1.16), "rows": 0.4 / np.sqrt(1.16)},
    "5 % five times": {"level": 10 * np.sqrt(0.95 + 0.05 * 25), "kurtosis": 20},
}


@pytest.mark.parametrize("kind", MEASURED)
def test_truth_is_what_was_drawn(kind: str) -> None:
    found = noise.truth(noise_cases.DRAWN[kind](SCENE, np.random.default_rng(0)), SCENE)
    for measure, expected in MEASURED[kind].items():
        assert found[measure] == pytest.approx(np.full(len(found[measure]), expected), rel=0.04, abs=0.04), measure


def test_clipped_samples_tell_the_level_alone() -> None:
    found = noise.truth(noise_cases.DRAWN["dark, clipped"](SCENE, np.random.default_rng(0)), noise_cases.DARK * SCENE)
    assert 10 < found["level"][0] < 15
    assert all(np.isnan(found[measure]).all() for measure in ("neighbours", "channels", "kurtosis", "skewness", "rows"))


def test_a_model_of_the_drawn_noise_has_no_error_and_another_one_has() -> None:
    noisy = noise_cases.DRAWN["dark, clipped"](SCENE, np.random.default_rng(0))
    right = replace(NoiseModel.white(np.zeros(3), np.full(3, 15.0**2)), ends=(0.0, np.inf))
    assert noise.errors(right, noisy, noise_cases.DARK * SCENE)["level"] < 0.01
    assert noise.errors(replace(right, ends=(-np.inf, np.inf)), noisy, noise_cases.DARK * SCENE)["level"] > 0.15

    noisy = noise_cases.DRAWN["channels 0.5"](SCENE, np.random.default_rng(0))
    white = NoiseModel.white(np.zeros(3), np.full(3, 25.0**2))
    shared = white.correlation.copy()
    shared[:, :, REACH, REACH] = 0.5 + 0.5 * np.eye(3)
    assert noise.errors(white, noisy, SCENE)["channels"] == pytest.approx(0.5, abs=0.02)
    assert max(noise.errors(replace(white, correlation=shared), noisy, SCENE).values()) < 0.04


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_a_camera_that_moved_by_part_of_a_pixel_is_no_noise(shift: float) -> None:
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.uniform(0, 255, (192, 192, 3)), (0, 0), 2) * 3 - 250
    moved = cv2.warpAffine(scene, np.array([[1, 0, shift], [0, 1, -shift]]), (192, 192), flags=cv2.INTER_CUBIC)
    noisy = moved + 4 * rng.standard_normal(scene.shape)
    as_taken, registered = scene[8:-8, 8:-8], noise_cases.registered(noisy[8:-8, 8:-8], scene[8:-8, 8:-8])
    found = noise.truth(noisy[8:-8, 8:-8], registered)["level"][0]
    assert found == pytest.approx(4, rel=0.03)
    if shift:
        assert noise.truth(noisy[8:-8, 8:-8], as_taken)["level"][0] > 6
