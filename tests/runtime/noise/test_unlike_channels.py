"""Noise that is much stronger in some channels: known where it is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.colour_noise import colour_noise
from support.known_noise import scene

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import NoiseModel

SIZE = (256, 256)
TEXTURE = 6.0  # deviation of grey texture, in which no patch is flat


def drawn(*sigmas: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*SIZE, 3)) * sigmas


def found_in(noise: np.ndarray, texture: float = TEXTURE) -> NoiseModel:
    return estimate_noise([(scene(3, texture, size=SIZE) + noise).astype(np.float32)])


def sigmas_of(model: NoiseModel) -> np.ndarray:
    return np.asarray(np.sqrt(model.variance(scene(3, size=SIZE)).mean(axis=(0, 1))))


@pytest.mark.parametrize("sigmas", [(6, 0, 0), (0, 15, 0), (6, 6, 0), (15, 4, 2), (0, 0, 3)])
def test_each_channel_has_its_own_noise_on_texture(sigmas: tuple[float, float, float]) -> None:
    """Grey texture of 6 counted as noise of all channels, shared by neighbours."""
    found = found_in(drawn(*sigmas))
    assert found.apart is not None
    assert not (found.correlated or found.shared)
    assert sigmas_of(found) == pytest.approx(sigmas, abs=0.07 * max(sigmas))
    assert (found.loud == (np.array(sigmas) >= max(sigmas) / 4)).all()


@pytest.mark.parametrize("texture", [0.0, TEXTURE])
@pytest.mark.parametrize(
    "noise",
    [
        drawn(6, 6, 6),
        drawn(6, 4, 5),
        drawn(0, 0, 0),
        colour_noise(SIZE, 0.0),
        cv2.GaussianBlur(drawn(20, 20, 5), (0, 0), 0.8),
        drawn(6, 6, 6).mean(axis=2, keepdims=True) * (1, 1, 0.5),
    ],
    ids=["even", "nearly even", "none", "of colours", "smoothed", "shared"],
)
def test_other_noise_is_not_apart(noise: np.ndarray, texture: float) -> None:
    found = found_in(noise, texture)
    assert found.apart is None
    assert found.loud.all()


def test_a_mosaic_is_no_reason() -> None:
    """Demosaicking takes fine noise out of red and blue, and leaves it in green."""
    raw = (128 + 12 * np.random.default_rng(0).standard_normal(SIZE)).clip(0, 255).astype(np.uint8)
    assert found_in(cv2.cvtColor(raw, cv2.COLOR_BayerBG2RGB).astype(np.float64) - 128).apart is None


def test_the_noise_of_a_strong_channel_may_grow_with_brightness() -> None:
    clean = scene(3, TEXTURE, size=SIZE)
    noise = drawn(1, 0, 0) * np.sqrt(0.8 * clean.clip(0))
    found = estimate_noise([(clean + noise).astype(np.float32)])
    assert found.apart is not None
    assert found.slope[0] == pytest.approx(0.8, rel=0.3)
    assert found.slope[1:] == pytest.approx(0, abs=1e-9)
