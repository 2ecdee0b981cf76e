"""How much of what passes for noise is texture, of noise with known parameters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.scenes import scene

from zsn2m_deploy.report.risk import risk
from zsn2m_deploy.report.texture import texture_share
from zsn2m_deploy.report.trials import run_trials
from zsn2m_runtime.noise.model import Doubles, NoiseModel

SIDE = 192
SIGMA = 10.0


def smooth(planes: Doubles) -> Doubles:
    """Removes nearly all of the noise, and all fine detail."""
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), 4)).reshape(planes.shape)


def flat(channels: int) -> Doubles:
    return np.full((SIDE, SIDE, channels), 128.0)


def white(channels: int, sigma: float, seed: int = 0) -> Doubles:
    return sigma * np.random.default_rng(seed).standard_normal((SIDE, SIDE, channels))


def grain(channels: int, sigma: float) -> Doubles:
    """Texture that channels share and that has little of the finest frequencies."""
    planes = np.asarray(cv2.GaussianBlur(white(1, 1.0, 5)[..., 0], (0, 0), 0.7))
    return np.repeat((sigma / planes.std() * planes)[..., None], channels, axis=2)


def model(channels: int, sigma: float) -> NoiseModel:
    return NoiseModel.white(np.zeros(channels), np.full(channels, sigma**2))


def found(noisy: Doubles, noise: NoiseModel, weight: Doubles | None = None) -> float:
    denoised, whole = smooth(noisy), (-np.inf, np.inf)
    trials = run_trials(noisy, denoised, smooth, noise, whole)
    return texture_share(noisy - denoised, trials, denoised, noise, np.ones_like(noisy) if weight is None else weight)


@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_has_none(channels: int) -> None:
    assert found(flat(channels) + white(channels, SIGMA), model(channels, SIGMA)) < 0.02


@pytest.mark.parametrize("channels", [1, 3])
def test_texture_that_passes_for_noise_is_found(channels: int) -> None:
    """A level that counts texture as noise is too high by its power: here 20 % of it."""
    level = SIGMA / np.sqrt(0.8)
    share = found(flat(channels) + white(channels, SIGMA) + grain(channels, SIGMA / 2), model(channels, level))
    assert share == pytest.approx(0.2, abs=0.04)


def test_beside_strong_texture_flat_places_say_the_level() -> None:
    """Half of the frame has detail, and texture as white as noise, which the level counts."""
    ramp = np.broadcast_to(np.linspace(88.0, 168.0, SIDE)[:, None, None], (SIDE, SIDE, 1))
    texture = white(1, SIGMA, 7) + 20 * np.sin(np.arange(SIDE) * 2 * np.pi / 24)[:, None, None]
    texture[:, : SIDE // 2] = 0
    share = found(ramp + white(1, SIGMA) + texture, model(1, SIGMA * np.sqrt(1.5)))
    assert share == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(("channels", "at_least", "at_most"), [(1, 0.25, 0.6), (3, -0.01, 0.03)])
def test_noise_that_neighbours_share_a_little(channels: int, at_least: float, at_most: float) -> None:
    """Of grey frames it may be texture, of colours it is not: channels do not share it."""
    noise = np.asarray(cv2.GaussianBlur(white(channels, 1.0), (0, 0), 0.45)).reshape(SIDE, SIDE, channels)
    noise *= SIGMA / noise.std()
    plain = white(channels, 1.0, 1)
    unit = noise / SIGMA
    told = np.sqrt(np.square(noise - smooth(noise)).mean() / np.square(plain - smooth(plain)).mean())  # by what goes
    assert (unit[:, 1:] * unit[:, :-1]).mean() == pytest.approx(0.16, abs=0.03)
    assert at_least <= found(flat(channels) + noise, model(channels, float(told))) <= at_most


def test_channels_that_share_noise_say_nothing() -> None:
    """Of a grey frame stored in colours all channels are the same; then the finest frequencies count."""
    same = model(3, SIGMA)
    same.correlation[:, :, 4, 4] = 1.0
    assert same.shared
    noise = np.repeat(white(1, SIGMA), 3, axis=2)
    assert found(flat(3) + noise, same) < 0.02
    coarse = np.repeat(grain(1, SIGMA), 3, axis=2)
    assert found(flat(3) + coarse, same) > 0.3


def test_places_that_do_not_count_say_nothing() -> None:
    noisy = flat(1) + white(1, SIGMA)
    noisy[:96] = 128.0  # blank: nothing is removed there
    weight = np.ones_like(noisy)
    weight[:96] = 0
    assert found(noisy, model(1, SIGMA), weight) < 0.04
    assert found(noisy, model(1, SIGMA)) > 0.4
    assert found(noisy, model(1, SIGMA), np.zeros_like(noisy)) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_error_at_worst_holds_the_texture_that_was_lost(channels: int) -> None:
    texture = grain(channels, SIGMA / 2)
    clean = flat(channels) + texture
    noisy = clean + white(channels, SIGMA)
    level = model(channels, SIGMA / np.sqrt(0.8))  # as told by a network that takes it for noise
    denoised = smooth(noisy)
    error = float(np.square(denoised - clean).mean())
    trials = run_trials(noisy, denoised, smooth, level, (-np.inf, np.inf))
    estimate = risk(noisy, denoised, trials, level, np.ones_like(noisy))
    assert estimate.best < error < estimate.worst
    assert estimate.likely == pytest.approx(error, rel=0.25)
    assert estimate.noise == pytest.approx(SIGMA**2, rel=0.05)


def test_the_finest_quantisation_is_noise() -> None:
    """Steps of 17 on noise of 10 add 17^2 / 12, which is white."""
    made = scene(channels=1, side=SIDE, sigma=10.0)
    noisy = 17 * np.rint(made.noisy[..., None].astype(np.float64) / 17)
    level = model(1, float(np.sqrt(100 + 17**2 / 12)))
    clean = made.clean[..., None].astype(np.float64)
    denoised = np.asarray(cv2.GaussianBlur(noisy, (0, 0), 0.8))[..., None]

    def blurred(planes: Doubles) -> Doubles:
        return np.asarray(cv2.GaussianBlur(planes, (0, 0), 0.8)).reshape(planes.shape)

    trials = run_trials(noisy, denoised, blurred, level, (-np.inf, np.inf))
    estimate = risk(noisy, denoised, trials, level, np.ones_like(noisy))
    assert estimate.best < float(np.square(denoised - clean).mean()) < estimate.worst
