"""The correlation of noise, from patches that may hold texture: known where the noise is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zsn2m_runtime.noise.model import REACH, Doubles
from zsn2m_runtime.noise.patches import SIDE
from zsn2m_runtime.noise.spectrum import covariance_of, has_coarse_noise, spectra_of

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
    covariance = covariance_of(spectra_of(patches(blur)))
    assert neighbours(covariance) == pytest.approx(expected, abs=0.05)
    assert covariance[0, 0, REACH, REACH] == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_coarse_texture_passes_for_noise_no_more_than_by_its_growth(blur: float) -> None:
    noise, texture = patches(blur, shared=0.3), patches(1.6, shared=1.0)[::-1]
    plain, found = (covariance_of(spectra_of(unit)) for unit in (noise, noise + 1.5 * texture))
    assert found[0, 0, REACH, REACH] < 1.9 * plain[0, 0, REACH, REACH]  # with the texture 3.25
    alike = found[0, 1, REACH, REACH] / found[0, 0, REACH, REACH]
    assert alike == pytest.approx(0.3, abs=0.12)  # with the texture 0.78


def test_channels_share_what_they_do_where_there_is_no_texture() -> None:
    covariance = covariance_of(spectra_of(patches(0.5, shared=0.6)))
    assert covariance[0, 1, REACH, REACH] / covariance[0, 0, REACH, REACH] == pytest.approx(0.6, abs=0.05)


def grey(blur: float) -> Doubles:
    return patches(blur)[..., :1]


def test_coarse_noise_beside_independent_one_is_told_from_texture() -> None:
    both = spectra_of(grey(0.0) + grey(1.5)[::-1])
    assert has_coarse_noise(both, 0.3)
    assert not has_coarse_noise(both, 0.05)  # few patches: texture may be like that
    assert not has_coarse_noise(both[:30], 0.3)
    for other in (grey(0.0), grey(0.7), grey(1.5)):  # nothing of it is taken for texture
        assert not has_coarse_noise(spectra_of(other), 0.3)
    rows = np.arange(SIDE)[:, None, None]
    waves = np.sin(2 * np.pi * rows / 6 + np.random.default_rng(1).uniform(0, 6, (COUNT, 1, 1, 1)))
    assert not has_coarse_noise(spectra_of(grey(0.0) + 2 * waves), 0.3)


def test_where_patches_have_noise_alone_all_of_it_counts() -> None:
    both = spectra_of((grey(0.0) + grey(1.5)[::-1]) / np.sqrt(2))  # neighbours share 0.45
    cut, whole = covariance_of(both), covariance_of(both, noise_alone=True)
    assert neighbours(cut) < 0.15 < 0.22 < neighbours(whole) < 0.45
    assert cut[0, 0, REACH, REACH] < 0.65 < 0.7 < whole[0, 0, REACH, REACH] < 1
