"""What a pretrained network says of a frame's noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from zsn2m_deploy.calibrating import LARGEST_FACTOR, Look, calibrated, confirmed, look_at, overestimated
from zsn2m_deploy.prior.noise import unit_noise
from zsn2m_deploy.prior.scenes import dead_leaves, random_palette
from zsn2m_deploy.prior.weights import pretrained
from zsn2m_runtime.noise_model import REACH, NoiseModel

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


def looks(model: NoiseModel) -> list[Look]:
    """The pretrained network's looks at noisy crops of two sizes."""
    generator = np.random.default_rng(5)
    crops = []
    for side in (128, 96):
        scene = dead_leaves(generator, side, random_palette(generator))
        clean = scene if model.channels == 3 else scene.mean(axis=2, keepdims=True)
        noisy = clean + SIGMA * unit_noise(model, (side, side), generator)
        crops.append(torch.from_numpy(noisy.astype(np.float32)).movedim(2, 0)[None])
    return look_at(crops, pretrained(model.channels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("guess", [0.95, 1.4, 1.9])
def test_a_wrong_level_is_put_right(channels: int, guess: float) -> None:
    found = calibrated(white(channels, guess * SIGMA), pretrained(channels), looks(white(channels)), 0)
    assert np.sqrt(found.floor) == pytest.approx(np.full(channels, SIGMA), rel=0.1)


def test_a_level_is_not_raised_by_much() -> None:
    found = calibrated(white(3, 0.5 * SIGMA), pretrained(3), looks(white(3)), 0)
    assert np.sqrt(found.floor) == pytest.approx(np.full(3, 0.5 * SIGMA * LARGEST_FACTOR), rel=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_correlation_that_textures_left_goes_and_that_of_the_noise_stays(channels: int) -> None:
    model = correlated(channels, 0.25)
    assert model.correlated
    assert not confirmed(model, looks(white(channels))).correlated
    assert confirmed(model, looks(model)) is model


def test_grey_pictures_in_three_channels_keep_what_channels_share_and_lose_what_textures_left() -> None:
    model = correlated(3, 0.25)
    correlation = model.correlation.copy()
    correlation[:, :, REACH, REACH] = 1.0
    grey = [Look(*(part.expand(-1, 3, -1, -1) for part in look)) for look in looks(white(1))]
    found = confirmed(NoiseModel(model.slope, model.floor, correlation), grey)
    assert not found.correlated
    assert found.between_channels == 1.0
    level = calibrated(found, pretrained(3), look_at([look.noisy for look in grey], pretrained(3)), 0)
    assert np.sqrt(level.floor) == pytest.approx(np.full(3, SIGMA), rel=0.12)


def test_a_border_without_noise_does_not_lower_the_level() -> None:
    bordered = [look.noisy.clamp(0, 1).clone() for look in looks(white(3))]
    for crop in bordered:
        crop[..., :48] = 0.0
    model = replace(white(3), ends=(0.0, 1.0))
    found = calibrated(model, pretrained(3), look_at(bordered, pretrained(3)), 0)
    assert np.sqrt(found.floor) == pytest.approx(np.full(3, SIGMA), rel=0.1)
    assert not overestimated(model, pretrained(3), look_at(bordered, pretrained(3)), 0)


@pytest.mark.parametrize("dark_noise", [1.0, 0.2])
def test_an_estimate_with_noise_where_the_frame_has_none_is_noticed(dark_noise: float) -> None:
    clean = torch.linspace(0, 1, 64).expand(2, 3, 64, 64)
    noise = 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean + torch.where(clean < 0.2, dark_noise, 1.0) * noise
    model = NoiseModel.white(np.zeros(3), np.full(3, 0.01))
    assert overestimated(model, lambda _: clean, [Look(noisy, clean)], 0) is (dark_noise < 0.5)


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_noise_that_a_network_lets_through_is_not_missed(share: float) -> None:
    noise = 0.1 * torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    clean = torch.linspace(0, 1, 64).expand(2, 3, 64, 64)
    model = NoiseModel.white(np.zeros(3), np.full(3, 0.01))

    def network(noisy: torch.Tensor) -> torch.Tensor:  # lets three quarters of the amplitude through
        return clean + 0.75 * (noisy - clean)

    noisy = clean + share**0.5 * noise
    looks = look_at([noisy], network)  # removes 1 / 16 of the power, of 1 / 4 that Stein's formula asks for
    assert overestimated(model, network, looks, 0)
    exact = [Look(noisy, clean + 0.75 * (noisy - clean) - 0.43 * share**0.5 * noise.roll(1, 3))]
    assert overestimated(model, network, exact, 0) is (share < 0.5)
