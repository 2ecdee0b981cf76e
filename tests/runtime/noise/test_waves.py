"""Regular detail: its waves are found, noise and pictures have none, and the noise below it is measured."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.regular_cases import KINDS, Texture, draw, textures
from benchmarks.split import FIRST_TEST_SEED
from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.floor import share_of_waves
from zsn2m_runtime.noise.waves import find_waves, power_of

SIDE = 192
NEAR = 0.15  # of the truth

Array = np.ndarray


def wave(period: float, degrees: float, amplitude: float = 20.0, side: int = SIDE) -> Array:
    rows, columns = np.mgrid[:side, :side]
    angle = np.radians(degrees)
    return amplitude * np.cos(2 * np.pi / period * (columns * np.cos(angle) - rows * np.sin(angle)) + 0.5)


def noise(seed: int, sigma: float = 5.0, shape: tuple[int, ...] = (SIDE, SIDE, 1)) -> Array:
    return np.random.default_rng(seed).normal(100, sigma, shape)


def frame(*parts: Array) -> Array:
    return np.asarray(sum(part if part.ndim == 3 else part[..., None] for part in parts), np.float32)


@pytest.mark.parametrize("period", [2.0, 2.3, 2.7, 3.0, 3.5, 4.0, 5.0])
@pytest.mark.parametrize("degrees", [0.0, 37.0, 90.0, 121.0])
def test_a_wave_is_found_with_its_period_direction_and_amplitude(period: float, degrees: float) -> None:
    found = find_waves(frame(noise(FIRST_TEST_SEED), wave(period, degrees)))
    assert len(found) == 1
    assert found[0].period == pytest.approx(period, abs=0.005 * period)
    turned = abs(found[0].direction - degrees)
    assert min(turned, 180 - turned) < 0.5
    assert power_of(found) == pytest.approx(np.square(wave(period, degrees)).mean(), rel=0.15)


@pytest.mark.parametrize("seed", range(FIRST_TEST_SEED, FIRST_TEST_SEED + 6))
def test_no_noise_has_waves(seed: int) -> None:
    generator = np.random.default_rng(seed)
    ramp = np.linspace(2, 60, SIDE)[:, None, None]
    smooth = cv2.GaussianBlur(noise(seed)[..., 0], (0, 0), 1.0)
    rows = noise(seed) + generator.normal(0, 5, (SIDE, 1, 1))
    for plane in (noise(seed), generator.poisson(ramp + np.zeros((1, SIDE, 1))), smooth[..., None], rows):
        assert find_waves(np.asarray(plane, np.float32)) == ()


@pytest.mark.parametrize("seed", range(FIRST_TEST_SEED, FIRST_TEST_SEED + 6))
def test_scenes_and_rough_textures_have_none(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scene = 255 * dead_leaves(generator, SIDE, random_palette(generator))
    rough = cv2.GaussianBlur(generator.standard_normal((SIDE, SIDE)), (0, 0), 0.8) * 40
    found = find_waves(np.asarray(scene + rough[..., None] + noise(seed, 3.0), np.float32))
    assert power_of(found) < 0.08 * 9  # of the noise's variance: too little to count


@pytest.mark.parametrize("size", [(31, 192), (16, 16)])
def test_frames_too_small_have_none(size: tuple[int, int]) -> None:
    assert find_waves(np.asarray(noise(0, shape=(*size, 1)), np.float32)) == ()


def test_a_constant_frame_has_none() -> None:
    assert find_waves(np.full((64, 64, 1), 7, np.float32)) == ()


def test_a_wave_in_a_corner_of_a_large_frame_and_in_one_channel_is_found() -> None:
    large = noise(FIRST_TEST_SEED, shape=(700, 500, 3))
    large[500:, 300:, 1] += wave(3.0, 20, side=200)
    assert find_waves(np.asarray(large, np.float32))[0].period == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("texture", textures(FIRST_TEST_SEED + 50, 2), ids=str)
def test_the_noise_of_textures_is_measured(texture: Texture) -> None:
    noisy, _ = draw(texture)
    assert estimate_noise([noisy]).sigma([noisy]) == pytest.approx(texture.sigma, rel=2 * NEAR)


def test_most_estimates_are_near() -> None:
    ratios = []
    for texture in textures(FIRST_TEST_SEED + 60, 3):
        noisy, _ = draw(texture)
        ratios.append(estimate_noise([noisy]).sigma([noisy]) / texture.sigma)
    assert np.mean(np.abs(np.array(ratios) - 1) < NEAR) > 0.9


@pytest.mark.parametrize("scale", [1 / 255, 257.0])
def test_the_estimate_scales_with_the_frame(scale: float) -> None:
    noisy, _ = draw(Texture("hexagonal lattice", 3.0, 2.0, FIRST_TEST_SEED))
    found = estimate_noise([np.asarray(noisy * scale, np.float32)])
    assert found.regular
    assert found.sigma([noisy * scale]) / scale == pytest.approx(2.0, rel=NEAR)


def test_noise_that_grows_with_the_light_does_so_below_a_texture() -> None:
    generator = np.random.default_rng(FIRST_TEST_SEED)
    light = np.linspace(60, 2000, 256)[None] * (1 + 0.5 * wave(2.7, 30, 1.0, side=256))
    noisy = generator.poisson(light).astype(np.float32)
    found = estimate_noise([noisy])
    assert found.regular
    for level in (300.0, 1500.0):  # deviations
        assert float(found.variance(np.array([[level]]))[0, 0]) ** 0.5 == pytest.approx(level**0.5, rel=0.3)


def colours_beside_bars(everywhere: bool) -> np.ndarray:
    """A scene of colours without noise, with bars of four pixels in a quarter of it, or all over."""
    clean = np.full((256, 256, 3), (90.0, 120.0, 150.0)) + np.linspace(0, 40, 256)[:, None, None]
    bars = wave(4.0, 20.0, 40.0, side=256)[..., None]
    if not everywhere:
        bars[:, 64:] = 0
    return np.asarray(clean + bars)


@pytest.mark.parametrize("sigma", [5.0, 10.0])
def test_noise_that_neighbours_share_is_found_beside_a_texture_in_a_part_of_the_frame(sigma: float) -> None:
    unit = cv2.GaussianBlur(noise(FIRST_TEST_SEED, 1.0, (256, 256, 3)) - 100, (0, 0), 0.8)
    noisy = np.asarray(colours_beside_bars(everywhere=False) + sigma * unit / unit.std(), np.float32)
    found = estimate_noise([noisy])
    assert power_of(find_waves(noisy)) > 0.08 * sigma**2  # which alone would make it a frame of regular detail
    assert found.correlated
    assert not found.regular
    assert found.sigma([noisy]) == pytest.approx(sigma, rel=0.1)


def test_bars_all_over_are_regular_detail_whatever_the_noise_is() -> None:
    for unit in (noise(5, 1.0, (256, 256, 3)) - 100, cv2.GaussianBlur(noise(5, 1.0, (256, 256, 3)) - 100, (0, 0), 0.8)):
        noisy = np.asarray(colours_beside_bars(everywhere=True) + 5 * unit / unit.std(), np.float32)
        assert estimate_noise([noisy]).regular


def test_waves_in_patches_are_told_from_noise_and_measured() -> None:
    generator = np.random.default_rng(FIRST_TEST_SEED)
    plane = noise(FIRST_TEST_SEED, 5.0, (320, 320, 2)) - 100
    plane[..., 1] += wave(3.5, 33.0, 6.0, side=320)
    corners = generator.integers(0, 304, (300, 2))
    patches = np.stack([plane[top : top + 16, left : left + 16] for top, left in corners]).astype(np.float32)
    waves = find_waves(plane.astype(np.float32))
    assert share_of_waves(patches, waves) == pytest.approx(18 / (25 + 18), rel=0.2)  # a mean square of 6^2 / 2
    assert share_of_waves(patches[..., :1], waves) < 0.03


def near_white_page(seed: int, sigma: float) -> np.ndarray:
    """Lines of small print, 14 pixels apart, on paper of 250 with noise; (256, 256), clipped."""
    generator = np.random.default_rng(seed)
    drawn = np.full((256, 256), 250, np.uint8)
    for base in range(16, 248, 14):
        words = ("".join(generator.choice(list("acegimnorstu"), generator.integers(2, 9))) for _ in range(9))
        cv2.putText(drawn, " ".join(words), (6, base), cv2.FONT_HERSHEY_SIMPLEX, 0.36, 30.0, 1, cv2.LINE_AA)
    return np.rint(drawn + generator.normal(0, sigma, drawn.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(FIRST_TEST_SEED, FIRST_TEST_SEED + 8))
def test_patches_of_letters_on_near_white_paper_do_not_pass_for_flat_ones(seed: int) -> None:
    for sigma in (5.0, 8.0, 20.0):
        assert estimate_noise([near_white_page(seed, sigma)]).regular


def test_textures_without_peaks_of_their_own_count_as_they_did() -> None:
    generator = np.random.default_rng(FIRST_TEST_SEED)
    scene = 255 * dead_leaves(generator, SIDE, random_palette(generator)).mean(axis=2)
    assert not estimate_noise([np.asarray(scene + noise(1)[..., 0], np.float32)]).regular


def test_every_kind_is_drawn_again_alike() -> None:
    for kind in KINDS:
        first, second = (draw(Texture(kind, 2.7, 5.0, 3)) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])
        assert first[0].shape == first[1].shape
