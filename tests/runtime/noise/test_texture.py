"""Noise of drawn mosaics that are rough, steep, flat or half blank; its gain and read noise are known."""

from __future__ import annotations

import numpy as np
import pytest
from support.rough import SIDE, Array, noisy_mosaic, rough_mosaic

from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.noise import estimate
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.texture import shared_line
from zsn2m_runtime.sample_types import Mask

GAIN, READ = 0.002, 0.01
WITHIN = 0.15  # of the deviation; on Kodak within 0.1 mostly: docs/results/noise.md#noise-of-mosaics


def planes(mosaic: Array) -> Array:
    return planes_of(Frame(np.asarray(mosaic, np.float32)), "RGGB").pixels


def deviation(slope: float, floor: float, clean: Array) -> float:
    return float(np.sqrt((slope * clean + floor).mean()))


def steep() -> Array:
    across = np.abs(np.linspace(0, 12, SIDE) % 2 - 1)
    return np.broadcast_to(0.05 + 0.8 * across, (SIDE, SIDE))


@pytest.mark.parametrize("seed", [1000, 1001, 1002])
def test_noise_of_a_rough_mosaic_is_found_where_patches_take_texture_for_it(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    clean = rough_mosaic(seed)
    noisy, truth = planes(noisy_mosaic(clean, GAIN, READ, seed)), deviation(GAIN, READ**2, clean)
    found = estimate_noise([noisy])
    assert found.alike and not found.correlated
    assert found.sigma([planes(clean)]) == pytest.approx(truth, rel=WITHIN)
    monkeypatch.setattr(estimate, "shared_line", lambda *_: None)
    assert estimate_noise([noisy]).sigma([planes(clean)]) > 1.4 * truth


@pytest.mark.parametrize("clean", [np.full((SIDE, SIDE), 0.3), steep()], ids=["flat", "steep"])
@pytest.mark.parametrize("gain", [0.0, GAIN])
def test_noise_of_smooth_mosaics(clean: Array, gain: float) -> None:
    rng = np.random.default_rng(0)
    noisy = noisy_mosaic(clean, gain, READ, 0) if gain else clean + rng.normal(0, READ, clean.shape)
    line = shared_line([planes(noisy)], [None])
    assert line is not None
    assert deviation(*line, clean) == pytest.approx(deviation(gain, READ**2, clean), rel=WITHIN)


def test_blank_and_clipped_places_say_nothing() -> None:
    clean = rough_mosaic(1001)
    noisy = planes(noisy_mosaic(clean, GAIN, READ, 1001))
    blank: Mask = np.zeros(noisy.shape[:2], bool)
    blank[: SIDE // 8] = True
    noisy[blank] = 0.5
    noisy[:, : SIDE // 16] = noisy.min()
    line = shared_line([noisy], [blank])
    assert line is not None
    assert deviation(*line, clean) == pytest.approx(deviation(GAIN, READ**2, clean), rel=WITHIN)


def test_large_mosaics_are_looked_at_in_parts() -> None:
    clean = np.tile(rough_mosaic(1000), (6, 6))
    line = shared_line([planes(noisy_mosaic(clean, GAIN, READ, 1))], [None])
    assert line is not None
    assert deviation(*line, clean) == pytest.approx(deviation(GAIN, READ**2, clean), rel=WITHIN)


def test_a_small_mosaic_says_too_little() -> None:
    assert shared_line([planes(rough_mosaic(1000))[:40, :40]], [None]) is None
