"""The correlation of channels on textured frames: known where the noise is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.colour_noise import SIGMA, colour_noise, pairs, true_pairs
from support.known_noise import scene

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import Doubles, NoiseModel

SIZE = (256, 256)
TEXTURE = 6.0


def found_in(noise: Doubles, texture: float = TEXTURE) -> NoiseModel:
    return estimate_noise([(scene(3, texture, size=SIZE) + noise).astype(np.float32)])


@pytest.mark.parametrize("width", [0.0, 3.0, 6.0])
def test_what_channels_share_is_that_of_the_noise(width: float) -> None:
    noise = colour_noise(SIZE, width)
    found = found_in(noise, 0.0)
    assert pairs(found.between) == pytest.approx(true_pairs(noise), abs=0.1)
    assert found.shared
    assert found.correlated is (width > 0)


@pytest.mark.parametrize(("width", "within"), [(0.0, 0.25), (3.0, 0.6), (6.0, 0.65)])
def test_grey_texture_hardly_passes_for_what_channels_share(width: float, within: float) -> None:
    """By sums of channels, in patches of 16 pixels, red and green had -0.22, -0.03 and 0.67."""
    noise = colour_noise(SIZE, width)
    found = found_in(noise)
    assert pairs(found.between) == pytest.approx(true_pairs(noise), abs=within)
    assert pairs(found.between)[0] < -0.1


@pytest.mark.parametrize("width", [3.0, 6.0])
def test_coarse_noise_of_colours_has_its_whole_level(width: float) -> None:
    """Patches of 16 pixels hold half of it."""
    found = found_in(colour_noise(SIZE, width), 0.0)
    assert found.sigma([scene(3, size=SIZE)]) == pytest.approx(SIGMA, rel=0.15)
    assert found.neighbours_of_colours > 0.75


def test_colours_that_change_nearly_everywhere_hardly_pass_for_noise() -> None:
    """No patch of 32 pixels is flat, but narrower ones are; by the wide ones alone 5.8, and -0.3 of channels."""
    rng = np.random.default_rng(0)
    noise, texture = (
        np.stack([cv2.GaussianBlur(rng.standard_normal(SIZE), (0, 0), width) for _ in range(3)], axis=2)
        for width in (0.7, 2.0)
    )
    noise, texture = 4 * noise / noise.std(), 12 * texture / texture.std()
    for left in range(40, SIZE[1], 80):
        texture[:, left : left + 24] = 0
    frame = np.asarray(120 + texture + noise, np.float32)
    found = estimate_noise([frame])
    assert found.sigma([frame]) == pytest.approx(4, rel=0.1)
    assert pairs(found.between) == pytest.approx(true_pairs(noise), abs=0.2)


def test_independent_noise_on_grey_texture_is_not_shared() -> None:
    noise = SIGMA * np.random.default_rng(0).standard_normal((*SIZE, 3))
    found = found_in(noise)
    assert not found.shared
    assert found.neighbours_of_colours < 0.2


def test_grey_noise_has_no_colours() -> None:
    noise = SIGMA * np.random.default_rng(0).standard_normal((*SIZE, 1)) * np.ones(3)
    found = found_in(noise, 0.0)
    assert found.between_channels == pytest.approx(1, abs=0.02)
    assert found.neighbours_of_colours == 0


@pytest.mark.parametrize("coarse", [0.4, 1.3])
def test_grey_in_colours_has_the_noise_of_grey(coarse: float) -> None:
    grain = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(SIZE), (0, 0), coarse)
    grey = (scene(1, size=SIZE)[..., 0] + SIGMA * grain / grain.std()).clip(0, 255).astype(np.uint8)
    alone, three = estimate_noise([grey]), estimate_noise([np.repeat(grey[..., None], 3, axis=2)])
    assert three.sigma([grey[..., None].repeat(3, axis=2)]) == pytest.approx(alone.sigma([grey]))
    assert np.array_equal(three.correlation[0, 2], alone.correlation[0, 0])
    assert three.neighbours == pytest.approx(alone.neighbours) and three.between_channels == pytest.approx(1)


def test_grey_that_counts_photons_is_shared_by_all_channels() -> None:
    grey = np.random.default_rng(0).poisson(1.5, (128, 128)).astype(np.uint8)
    found = estimate_noise([np.repeat(grey[..., None], 3, axis=2)])
    assert found.counted and found.between_channels == pytest.approx(1)


def test_grey_in_colours_is_known_beside_blank_areas() -> None:
    grain = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(SIZE), (0, 0), 1.3)
    grey = (scene(1, size=SIZE)[..., 0] + SIGMA * grain / grain.std()).astype(np.float32)
    colours = np.repeat(grey[..., None], 3, axis=2)
    grey[:30], colours[:30] = np.nan, np.nan
    assert estimate_noise([colours]).sigma([colours[30:]]) == pytest.approx(estimate_noise([grey]).sigma([grey[30:]]))


def test_frames_too_small_for_wide_patches_are_looked_at_in_narrow_ones() -> None:
    noise = SIGMA * np.random.default_rng(0).standard_normal((40, 40, 3))
    found = estimate_noise([(scene(3, size=(40, 40)) + noise).astype(np.float32)])
    assert found.sigma([noise]) == pytest.approx(SIGMA, rel=0.3)
