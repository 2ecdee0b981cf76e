"""What a pretrained network says of a frame's noise."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from support.trainings import INSTANT

from zsn2m_deploy.noise import refine
from zsn2m_deploy.noise.draw import unit_noise
from zsn2m_deploy.noise.guesses import FirstGuess, first_guesses
from zsn2m_deploy.noise.refine import confirm_correlation, fit_variance, refine_noise
from zsn2m_deploy.noise.variance import VarianceLine
from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel

SIGMA = 0.08


def white(channels: int, sigma: float = SIGMA) -> NoiseModel:
    return NoiseModel.white(np.zeros(channels), np.full(channels, sigma**2))


def correlated(channels: int, beside: float) -> NoiseModel:
    model = white(channels)
    correlation = model.correlation.copy()
    for channel in range(channels):
        for row, column in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            correlation[channel, channel, REACH + row, REACH + column] = beside
    return NoiseModel(model.slope, model.floor, correlation)


def sigma_at(model: NoiseModel, levels: torch.Tensor) -> np.ndarray:
    """The deviation that a model has at the pixels of crops, (c,)."""
    return np.sqrt(model.variance(levels.movedim(1, -1).numpy()).reshape(-1, model.channels).mean(axis=0))


def looks(model: NoiseModel) -> list[FirstGuess]:
    """The pretrained network's looks at noisy crops of two sizes."""
    generator = np.random.default_rng(5)
    crops = []
    for side in (128, 96):
        scene = dead_leaves(generator, side, random_palette(generator))
        clean = scene if model.channels == 3 else scene.mean(axis=2, keepdims=True)
        noisy = clean + SIGMA * unit_noise(model, (side, side), generator)
        crops.append(torch.from_numpy(noisy.astype(np.float32)).movedim(2, 0)[None])
    return first_guesses(crops, pretrained(model.channels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("guess", [0.5, 0.95, 1.9])
def test_a_wrong_level_is_put_right(channels: int, guess: float) -> None:
    seen = looks(white(channels))
    found = fit_variance(white(channels, guess * SIGMA), pretrained(channels), seen, 0)
    assert sigma_at(found, seen[0].clean) == pytest.approx(np.full(channels, SIGMA), rel=0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_correlation_that_textures_left_goes_and_that_of_the_noise_stays(channels: int) -> None:
    model = correlated(channels, 0.25)
    assert model.correlated
    assert not confirm_correlation(model, looks(white(channels))).correlated
    assert confirm_correlation(model, looks(model)) is model


def test_coarse_noise_beside_independent_one_stays_though_the_network_keeps_it() -> None:
    """Half of its power is that of a Gaussian of 1.5 pixels: it passed for texture, and so half of the noise stayed."""
    rng = np.random.default_rng(0)
    coarse = cv2.GaussianBlur(rng.standard_normal((192, 192)), (0, 0), 1.5)
    noise = (rng.standard_normal((192, 192)) + coarse / coarse.std()) * 6
    ramp = np.linspace(60, 180, 192)[:, None] + np.zeros(192)
    taken = estimate_noise([(ramp + noise).astype(np.float32)])
    assert taken.coarse
    assert taken.neighbours == pytest.approx((0.3, 0.3), abs=0.1)  # true 0.45
    assert taken.sigma([ramp]) == pytest.approx(noise.std(), rel=0.15)
    crop = torch.from_numpy((ramp + noise).astype(np.float32) / 255)[None, None]
    model, seen = taken.rescaled(0, 255), first_guesses([crop], pretrained(1))
    assert confirm_correlation(model, seen) is model
    assert not confirm_correlation(replace(model, coarse=False), seen).correlated


def test_grey_pictures_in_three_channels_keep_what_channels_share_and_lose_what_textures_left() -> None:
    model = correlated(3, 0.25)
    correlation = model.correlation.copy()
    correlation[:, :, REACH, REACH] = 1.0
    grey = [FirstGuess(*(part.expand(-1, 3, -1, -1) for part in look[:2])) for look in looks(white(1))]
    found = confirm_correlation(NoiseModel(model.slope, model.floor, correlation), grey)
    assert not found.correlated
    assert found.between_channels == 1.0
    seen = first_guesses([look.noisy for look in grey], pretrained(3))
    level = fit_variance(found, pretrained(3), seen, 0)
    assert sigma_at(level, seen[0].clean) == pytest.approx(np.full(3, SIGMA), rel=0.12)


@pytest.mark.parametrize(("channels", "period"), [(1, 2), (3, 2), (3, 4)])
def test_lines_are_left_to_the_picture(channels: int, period: int) -> None:
    """No patch is flat, so it is what is between the peaks of the spectrum that counts."""
    lines = np.where(np.arange(96) % period < period // 2, 60.0, 190.0) * np.ones((96, 1))
    noisy = np.atleast_3d(lines) + 10 * np.random.default_rng(period).normal(size=(96, 96, channels))
    taken = estimate_noise([noisy.astype(np.float32)])
    assert taken.regular
    assert taken.sigma([noisy]) == pytest.approx(10, rel=0.15)
    crop = torch.from_numpy(noisy.astype(np.float32) / 255).movedim(2, 0)[None]
    found = refine_noise(taken.rescaled(0, 255), pretrained(channels), first_guesses([crop], pretrained(channels)), 0)
    assert not found.correlated
    assert 255 * sigma_at(found, crop) == pytest.approx(np.full(channels, 10), rel=0.15)


def test_a_border_without_noise_does_not_lower_the_level() -> None:
    bordered = [look.noisy.clamp(0, 1).clone() for look in looks(white(3))]
    for crop in bordered:
        crop[..., :48] = 0.0
    model = replace(white(3), ends=(0.0, 1.0))
    seen = first_guesses(bordered, pretrained(3))
    found = fit_variance(model, pretrained(3), seen, 0)
    assert sigma_at(found, seen[0].clean[..., 48:]) == pytest.approx(np.full(3, SIGMA), rel=0.1)


@pytest.mark.parametrize("ends", [(-np.inf, np.inf), (0.0, 1.0)])
@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_the_noise_at_each_brightness_is_found_where_samples_are_clipped_too(
    ends: tuple[float, float], slope: float
) -> None:
    """A network that gives the clean picture; the guess is wrong at every brightness."""
    clean = torch.linspace(0, 1, 128).expand(4, 3, 128, 128)
    normal = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = (clean + (slope * clean + 0.02).sqrt() * normal).clamp(*ends)
    guess = replace(NoiseModel.white(np.zeros(3), np.full(3, 0.1)), ends=ends)
    found = fit_variance(guess, lambda _: clean, [FirstGuess(noisy, clean)], 0)
    at = np.array([[0.0] * 3, [0.5] * 3, [1.0] * 3])
    assert found.variance(at) == pytest.approx(slope * at + 0.02, rel=0.1)


def test_photons_are_not_taken_for_clipped_although_many_pixels_are_zero() -> None:
    gain = 0.2
    clean = torch.linspace(0.02, 1, 128).expand(4, 1, 128, 128)
    counted = gain * torch.poisson(clean / gain, generator=torch.Generator().manual_seed(0))
    guess = replace(NoiseModel.white(np.zeros(1), np.full(1, 0.15)), ends=(0.0, np.inf), skew=np.full(1, 0.4))
    found = fit_variance(guess, lambda _: clean, [FirstGuess(counted, clean)], 0)
    at = np.array([[0.1], [0.5], [1.0]])
    assert found.variance(at) == pytest.approx(gain * at, rel=0.06)


def test_noise_that_a_network_lets_through_is_counted() -> None:
    clean = torch.linspace(0, 1, 64).expand(2, 3, 64, 64)
    noise = SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    half = [FirstGuess(clean + noise, clean + 0.5 * noise + 0.5 * noise.roll(1, 3))]  # removes half of the power

    def network(noisy: torch.Tensor) -> torch.Tensor:
        return half[0].clean + 0.5 * (noisy - half[0].noisy)

    found = fit_variance(white(3, 2 * SIGMA), network, half, 0)
    assert np.sqrt(found.variance(np.full((1, 3), 0.5))) == pytest.approx(np.full((1, 3), SIGMA), rel=0.05)


def test_one_brightness_gives_no_slope() -> None:
    clean = torch.full((2, 1, 64, 64), 0.5)
    clean += 0.1 * SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    guess = NoiseModel.white(np.array([0.02]), np.array([0.01]))
    found = fit_variance(guess, lambda _: clean, [FirstGuess(noisy, clean)], 0)
    assert found.slope / found.floor == pytest.approx([2.0])
    assert found.variance(np.array([[0.5]])) == pytest.approx(np.array([[SIGMA**2]]), rel=0.06)


def test_a_frame_at_its_end_all_over_leaves_the_model_as_it_is() -> None:
    black = torch.zeros(1, 1, 64, 64)
    guess = replace(white(1), ends=(0.0, 1.0))
    found = fit_variance(guess, lambda _: black, [FirstGuess(black, black)], 0)
    assert (found.slope, found.floor) == (guess.slope, guess.floor)


def test_what_a_network_takes_for_noise_in_bright_objects_is_limited() -> None:
    """Beads that it flattens are structure: they hold more power than the patches' noise can have."""
    clean = torch.full((1, 1, 192, 192), 0.1)
    clean[..., ::24, ::24] = clean[..., 1::24, ::24] = 0.9
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    flattened = torch.where(clean > 0.5, clean - 0.2, clean)
    found = fit_variance(white(1, 0.02), lambda _: flattened, [FirstGuess(noisy, flattened)], 0)
    assert np.sqrt(found.variance(np.array([[0.1], [0.7]]))).max() < 0.03


def test_the_variance_is_above_zero_wherever_pixels_are() -> None:
    clean = torch.linspace(0, 1, 128).expand(2, 1, 128, 128)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean + 0.3 * clean.square() * noise  # grows so fast that a line through it falls below zero
    guess = replace(NoiseModel.white(np.full(1, 0.05), np.full(1, 1e-4)), span=(0.0, 0.2))
    found = fit_variance(guess, lambda _: clean, [FirstGuess(noisy, clean)], 0)
    assert VarianceLine(found, torch.device("cpu"))(clean).min() > 0


def test_a_channel_without_noise_or_picture_is_no_trouble() -> None:
    noisy = looks(white(3))[0].noisy.clone()
    noisy[:, 1] = 0.5
    nothing = replace(white(3), floor=np.array([SIGMA**2, 1e-12, SIGMA**2]))
    found = fit_variance(nothing, pretrained(3), first_guesses([noisy], pretrained(3)), 0)
    assert (found.slope[1], found.floor[1]) == (0, 1e-12)
    assert np.isfinite([found.slope, found.floor]).all()
    level = np.array([[0.4] * 3])
    assert np.sqrt(found.variance(level)[0, [0, 2]]) == pytest.approx(np.full(2, SIGMA), rel=0.2)
    exact = fit_variance(white(3), lambda frame: frame, [FirstGuess(noisy, noisy)], 0)
    assert np.isfinite([exact.slope, exact.floor]).all()


def test_the_mean_of_counts_of_few_photons_is_kept() -> None:
    y, x = np.mgrid[:96, :96] / 96
    light = 100 * (1 + 0.8 * np.sin(7 * x) * np.cos(5 * y))
    counts = (200 * np.random.default_rng(3).poisson(light / 200)).astype(np.float32)  # half a photon a pixel
    trained = train([counts], INSTANT)
    assert trained.noise.counted
    with torch.no_grad():
        planes = (torch.from_numpy(counts)[None, None] - trained.offset) / trained.scale
        result = trained.networks["sensor"](planes)[0, 0].numpy() * trained.scale + trained.offset
    assert result.mean() == pytest.approx(counts.mean(), rel=0.03)
    assert np.abs(result - light).mean() < 0.25 * np.abs(counts - light).mean()


@pytest.mark.parametrize(("channels", "flat", "lowered"), [(1, 0.1, True), (1, 0.5, False), (3, 0.1, False)])
def test_white_noise_is_lowered_to_what_is_beside_texture_where_hardly_any_place_is_flat(
    monkeypatch: pytest.MonkeyPatch, channels: int, flat: float, lowered: bool
) -> None:
    noisy = torch.from_numpy(np.random.default_rng(0).normal(0.5, 0.1, (1, channels, 128, 128)).astype(np.float32))
    monkeypatch.setattr(refine, "flat_share", lambda _: flat)
    twice = white(channels, 0.2)
    found = refine.not_above_texture(twice, [FirstGuess(noisy, torch.full_like(noisy, 0.5))])
    assert found.floor == pytest.approx([(0.1 if lowered else 0.2) ** 2] * channels, rel=0.1)
