"""The correlation of noise, from patches that may hold texture: known where the noise is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zsn2m_runtime.noise.model import REACH, Doubles
from zsn2m_runtime.noise.patches import SIDE
from zsn2m_runtime.noise.spectrum import covariance_of

COUNT = 600  # patches


def patches(blur: float, channels: int = 2, shared: float = 0.0) -> Doubles:
    """Noise of a variance of 1, blurred, of which channels share a part."""
    rng = np.random.default_rng(0)
    side = SIDE + 16
    own, common = rng.standard_normal((COUNT, side, side, channels)), rng.standard_normal((COUNT, side, side, 1))
    noise = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    if blur:
        noise = np.stack([cv2.GaussianBlur(one, (0, 0), blur) for one in noise])
    noise /= noise.std()
    return np.asarray(noise[:, 8:-8, 8:-8] - noise[:, 8:-8, 8:-8].mean(axis=(1, 2), keepdims=True))


def neighbours(covariance: Doubles) -> float:
    own = covariance[0, 0] / covariance[0, 0, REACH, REACH]
    return float(own[REACH, REACH + 1] + own[REACH + 1, REACH]) / 2


@pytest.mark.parametrize(("blur", "expected"), [(0.0, 0.0), (0.5, 0.29), (0.7, 0.57), (1.0, 0.77)])
def test_correlation_is_that_of_the_noise(blur: float, expected: float) -> None:
    covariance = covariance_of(patches(blur))
    assert neighbours(covariance) == pytest.approx(expected, abs=0.05)
    assert covariance[0, 0, REACH, REACH] == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_coarse_texture_passes_for_noise_no_more_than_by_its_growth(blur: float) -> None:
    noise, texture = patches(blur, shared=0.3), patches(1.6, shared=1.0)[::-1]
    plain, found = covariance_of(noise), covariance_of(noise + 1.5 * texture)
    assert found[0, 0, REACH, REACH] < 1.9 * plain[0, 0, REACH, REACH]  # with the texture 3.25
    alike = found[0, 1, REACH, REACH] / found[0, 0, REACH, REACH]
    assert alike == pytest.approx(0.3, abs=0.12)  # with the texture 0.78


def test_channels_share_what_they_do_where_there_is_no_texture() -> None:
    covariance = covariance_of(patches(0.5, shared=0.6))
    assert covariance[0, 1, REACH, REACH] / covariance[0, 0, REACH, REACH] == pytest.approx(0.6, abs=0.05)
