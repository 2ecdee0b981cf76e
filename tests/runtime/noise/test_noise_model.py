"""Noise models: what they say, what is drawn from them, and what is found again in a frame."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.random_noise import random_noise_model

from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel
from zsn2m_runtime.noise_record import JpegNoise

SIZE = (192, 256)


def correlated(lag_1: float, sigma: float, channels: int = 3, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Noise of a known correlation, made without our own sampler."""
    outer, centre = correlation_taps(lag_1)
    unit = np.random.default_rng(7).standard_normal((size[0] + 2, size[1] + 2, channels))
    unit = outer * (unit[:-2] + unit[2:]) + centre * unit[1:-1]
    return sigma * (outer * (unit[:, :-2] + unit[:, 2:]) + centre * unit[:, 1:-1])


def scene(channels: int = 3) -> np.ndarray:
    """Discs of many sizes, hard-edged, on a gradient, and a textured corner."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    picture = 60 + 0.3 * columns
    generator = np.random.default_rng(1)
    for _ in range(40):
        y, x, radius, value = generator.uniform((0, 0, 3, 20), (*SIZE, 30, 235))
        picture[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = value
    picture[:64, :64] += 30 * generator.standard_normal((64, 64))
    return np.repeat(picture[..., None], channels, axis=2)


@pytest.mark.parametrize("sigma", [2.0, 10.0, 40.0])
@pytest.mark.parametrize("lag_1", [0.0, 0.2, 0.4])
def test_level_and_correlation_are_found_in_a_frame(lag_1: float, sigma: float) -> None:
    noisy = (scene() + correlated(lag_1, sigma)).astype(np.float32)
    found = estimate_noise([noisy])
    assert found.sigma([noisy]) == pytest.approx(sigma, rel=0.1)
    assert found.neighbours == pytest.approx((lag_1, lag_1), abs=0.06)
    assert found.correlated is (lag_1 > 0)


def test_noise_that_channels_share_is_found() -> None:
    unit = correlated(0.0, 10.0, 4)
    shared = 0.8 * unit[..., :3] + 0.6 * unit[..., 3:]
    found = estimate_noise([(scene() + shared).astype(np.float32)])
    assert found.correlation[0, 1, REACH, REACH] == pytest.approx(0.36, abs=0.08)
    assert not found.correlated


def test_dependence_on_brightness_is_found() -> None:
    clean = scene(1)[..., 0]
    noisy = 100 + np.random.default_rng(0).poisson(clean.clip(0) / 0.5) * 0.5
    found = estimate_noise([noisy.astype(np.uint16)])
    assert found.slope == pytest.approx([0.5], rel=0.15)
    deviation = np.sqrt(found.variance(np.array([200.0])))
    assert deviation == pytest.approx([50.0**0.5], rel=0.1)  # 0.5 times 100 above the black level


def test_a_grey_frame_alone_and_three_times_say_the_same() -> None:
    noisy = (scene(1)[..., 0] + correlated(0.2, 10, 1)[..., 0]).astype(np.uint8)
    once, thrice = estimate_noise([noisy]), estimate_noise([noisy] * 3)
    assert once.floor == pytest.approx(thrice.floor, rel=0.02)
    assert once.correlation == pytest.approx(thrice.correlation, abs=0.01)


def test_units_do_not_matter() -> None:
    noisy = (scene() + correlated(0.2, 10)).astype(np.float32)
    there, here = estimate_noise([noisy]), estimate_noise([noisy * 1e-9 - 3e-8])
    back = here.rescaled(3e-8 * -1, 1e-9)
    assert back.floor == pytest.approx(there.floor, rel=1e-3)
    assert back.slope == pytest.approx(there.slope, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("shape", [(16, 16), (17, 33, 3), (24, 16, 3)])
def test_the_smallest_frames_have_an_estimate(shape: tuple[int, ...]) -> None:
    noisy = (100 + 10 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    assert estimate_noise([noisy]).sigma([noisy]) == pytest.approx(10, rel=0.5)


def test_a_frame_without_noise_has_next_to_none() -> None:
    found = estimate_noise([np.full((64, 64), 7, np.uint8)])
    assert found.sigma([np.full((64, 64), 7, np.uint8)]) < 1e-3
    assert np.isfinite(found.correlation).all()


def test_a_frame_below_one_patch_is_refused() -> None:
    with pytest.raises(InputError, match=r"at least 16 x 16 pixels, but got 40 x 15"):
        estimate_noise([np.zeros((15, 40), np.uint8)])


def test_drawn_noise_is_as_the_model_says() -> None:
    generator = np.random.default_rng(0)
    for model in (random_noise_model(generator, 3) for _ in range(6)):
        clean = np.full((256, 256, 3), 0.5, np.float32)
        noise = draw_noise(model, clean, generator).astype(np.float64)
        assert noise.std(axis=(0, 1)) == pytest.approx(np.sqrt(model.variance(clean[0, 0])), rel=0.06)
        unit = noise / noise.std(axis=(0, 1))
        for row, column in ((0, 1), (1, 0), (2, -1), (0, 0)):
            moved = np.roll(unit, (-row, -column), (0, 1))
            found = np.einsum("yxi,yxj->ij", moved, unit) / 256**2
            assert found == pytest.approx(model.correlation[..., REACH + row, REACH + column], abs=0.06)


def test_random_models_are_of_both_kinds() -> None:
    generator = np.random.default_rng(0)
    models = [random_noise_model(generator, 1) for _ in range(60)]
    assert {model.correlated for model in models} == {True, False}
    assert {bool(model.slope.any()) for model in models} == {True, False}
    levels = [float(np.sqrt(model.variance(np.array([0.5]))[0])) for model in models]
    assert min(levels) < 0.03 < 0.15 < max(levels)


def test_a_shifted_and_scaled_frame_has_the_same_noise() -> None:
    model = NoiseModel.white(np.array([0.3]), np.array([4.0]))
    assert model.rescaled(100, 50).variance(np.array([0.5])) == pytest.approx(model.variance(np.array([125.0])) / 2500)


def test_every_channel_is_looked_at_for_clipping() -> None:
    generator = np.random.default_rng(0)
    frame = np.full((1024, 1024, 3), 250.0) + generator.normal(0, 25, (1024, 1024, 3))
    frame[..., 0] -= 100  # red is whole
    assert estimate_noise([frame.clip(0, 255).round().astype(np.uint8)]).ends == (-np.inf, 255.0)


@pytest.mark.parametrize("value", [37, 100, 211])
def test_a_constant_channel_has_no_correlation(value: int) -> None:
    frame = np.random.default_rng(0).normal(120, 10, (128, 128, 3))
    frame[..., 0] = value
    found = estimate_noise([frame.clip(0, 255).round().astype(np.uint8)])
    assert max(map(abs, found.neighbours)) < 0.05


def test_many_frames_are_looked_at_in_as_many_places_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from zsn2m_runtime.noise import estimate as noise_estimate

    seen = []
    real = noise_estimate.joined
    monkeypatch.setattr(noise_estimate, "joined", lambda parts: (seen.append(sum(map(_count, parts))), real(parts))[1])
    frames = [np.random.default_rng(seed).normal(100, 10, (256, 256)).astype(np.float32) for seed in range(40)]
    found = estimate_noise(frames)
    assert seen[0] <= noise_estimate.MOST_PATCHES * 1.05
    assert np.sqrt(found.floor) == pytest.approx(10, rel=0.05)


def _count(patches: object) -> int:
    return len(patches.level)  # type: ignore[attr-defined]


def of_a_mosaic(generator: np.random.Generator) -> np.ndarray:
    """Independent noise of a Bayer mosaic's pixels, (h, w, 3), each missing sample the mean of the nearest."""
    noise = generator.standard_normal(SIZE)
    planes = np.zeros((*SIZE, 3))
    planes[::2, ::2, 0], planes[1::2, 1::2, 2] = noise[::2, ::2], noise[1::2, 1::2]
    planes[::2, 1::2, 1], planes[1::2, ::2, 1] = noise[::2, 1::2], noise[1::2, ::2]
    square, cross = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4, np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    return np.stack([cv2.filter2D(planes[..., c], -1, (square, cross, square)[c]) for c in range(3)], axis=2)


@pytest.mark.parametrize("seed", range(4))
def test_a_mosaic_behind_noise_is_known_by_its_colours(seed: int) -> None:
    generator = np.random.default_rng(seed)
    mosaic = of_a_mosaic(generator)
    blurred = cv2.GaussianBlur(generator.standard_normal((*SIZE, 3)), (0, 0), 0.7)
    for unit, expected in ((mosaic, True), (cv2.GaussianBlur(mosaic, (0, 0), 0.5), True), (blurred, False)):
        noisy = (scene() + 10 * unit / unit.std()).astype(np.float32)
        found = estimate_noise([noisy])
        assert found.correlated
        assert found.demosaicked is expected
        assert not replace(found, jpeg=JpegNoise(quality=90, sigma=1, black=0, white=1)).demosaicked


def test_white_noise_and_grey_frames_have_no_mosaic_behind_them() -> None:
    assert not NoiseModel.white(np.zeros(3), np.ones(3)).demosaicked
    assert not estimate_noise([(scene(1) + correlated(0.4, 10.0, 1)).astype(np.float32)]).demosaicked
