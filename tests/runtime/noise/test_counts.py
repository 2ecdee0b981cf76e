"""Counts of few photons: known by their values and by how neighbours differ; their variance is the gain times x."""

from __future__ import annotations

import numpy as np
import pytest

from zsn2m_runtime.noise.counts import counted_photons
from zsn2m_runtime.noise.estimate import estimate_noise


def light(side: int = 96) -> np.ndarray:
    """A smooth scene from 0.2 to 1.8, 1 on average."""
    y, x = np.mgrid[:side, :side] / side
    return 1 + 0.8 * np.sin(7 * x) * np.cos(5 * y)


def photons(mean: float, gain: float, seed: int = 0) -> np.ndarray:
    return gain * np.random.default_rng(seed).poisson(mean * light())


@pytest.mark.parametrize("mean", [0.1, 0.5, 2.0])
@pytest.mark.parametrize(("gain", "dtype"), [(1, np.uint8), (37, np.uint16), (255 / 7, np.float32)])
def test_they_are_known_with_their_gain(mean: float, gain: float, dtype: type) -> None:
    found = estimate_noise([photons(mean, gain).astype(dtype), photons(mean, gain, 1).astype(dtype)])
    assert found.counted
    np.testing.assert_allclose(found.slope, gain, rtol=1e-5)
    assert found.floor[0] == 0 and found.counts_photons[0] and found.ends == (-np.inf, np.inf)


def test_each_channel_has_to_count() -> None:
    colour = np.stack([photons(0.5, 1, seed) for seed in range(3)], axis=-1).astype(np.uint8)
    assert counted_photons([colour], [None]) is not None
    colour[..., 1] = np.rint(light()).astype(np.uint8)
    assert counted_photons([colour], [None]) is None


def test_blank_areas_do_not_count() -> None:
    frame, blank = photons(0.5, 1).astype(np.uint8), np.zeros((96, 96), bool)
    frame[:, :40], blank[:, :40] = 0, True
    assert counted_photons([frame], [blank]) is not None


@pytest.mark.parametrize(
    "frame",
    [
        photons(30.0, 1),  # many
        photons(0.5, 1) + 3,  # above a level that is not known
        np.rint(light() + 0.3 * np.random.default_rng(1).standard_normal((96, 96))).clip(0, 255),  # less noise
        2 * np.rint(light() + 2 * np.random.default_rng(1).standard_normal((96, 96))).clip(0, 255),  # more
        photons(0.5, 1) + 0.1 * np.random.default_rng(1).standard_normal((96, 96)),  # read noise
        photons(0.5, 1).repeat(2, axis=0)[:96],  # enlarged
        np.zeros((96, 96)),
        255 * (np.random.default_rng(1).random((96, 96)) < 0.06),  # dots
    ],
)
def test_other_frames_do_not_count(frame: np.ndarray) -> None:
    assert counted_photons([frame], [None]) is None
