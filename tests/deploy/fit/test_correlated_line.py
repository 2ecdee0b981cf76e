"""The line of noise that pixels share, by what a network removes: known where noise and network are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from tests.deploy.fit.test_correlated import shared_by_neighbours, texture_everywhere
from zsn2m_deploy.fit.correlated_line import fit_correlated_line
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.noise.fields import NoiseFields
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_runtime.noise.model import NoiseModel

SIDE = 256
SLOPE, FLOOR = -0.003, 0.004  # of the variance: stronger where it is dark, as behind a tone curve


def blurring(share: float = 1.0, window: int = 15) -> Callable[[Tensor], Tensor]:
    """A network that removes a share of all that differs from the mean around."""

    def network(noisy: Tensor) -> Tensor:
        mean = avg_pool2d(noisy, window, 1, window // 2, count_include_pad=False)
        return noisy + share * (mean - noisy)

    return network


def falling(channels: int = 3) -> NoiseModel:
    model = shared_by_neighbours(channels)
    return replace(model, slope=np.full(channels, SLOPE), floor=np.full(channels, FLOOR), span=(0.0, 1.0))


def ramp(model: NoiseModel) -> Tensor:
    clean = np.linspace(0.1, 0.9, SIDE, dtype=np.float32)[None, :, None].repeat(SIDE, 0).repeat(model.channels, 2)
    noisy = clean + draw_noise(model, clean, np.random.default_rng(1))
    return torch.from_numpy(noisy).permute(2, 0, 1)[None]


def guesses(noisy: Tensor, network: Callable[[Tensor], Tensor]) -> list[FirstGuess]:
    return [FirstGuess(noisy, network(noisy))]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.6])
def test_the_line_is_found_from_a_level_that_is_wrong_and_even(factor: float) -> None:
    true, network = falling(), blurring()
    wrong = replace(true, slope=np.zeros(3), floor=np.full(3, factor * (FLOOR + SLOPE / 2)))
    found = fit_correlated_line(wrong, network, guesses(ramp(true), network), 0)
    levels = np.array([0.2, 0.5, 0.8])[:, None].repeat(3, axis=1)
    np.testing.assert_allclose(found.variance(levels), true.variance(levels), rtol=0.12)
    strengths = drawn_strengths(found)
    assert 1 <= strengths.min() < 1.1 < 1.9 < strengths.max() <= 2
    assert drawn_strengths(wrong).min() > 1.25


def drawn_strengths(model: NoiseModel) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return NoiseFields(model, 1.0, 0, torch.device("cpu"), generator).strengths(200)


def test_blank_places_say_nothing() -> None:
    true, network = falling(), blurring()
    noisy = ramp(true)
    noisy[..., : SIDE // 2, :] = 0.5
    shown = torch.ones(1, 1, SIDE, SIDE)
    shown[..., : SIDE // 2, :] = 0
    wrong = replace(true, slope=np.zeros(3), floor=np.full(3, 0.5 * FLOOR))
    found = fit_correlated_line(wrong, network, [FirstGuess(noisy, network(noisy), shown)], 0)
    middle = np.full((1, 3), 0.5)
    np.testing.assert_allclose(found.variance(middle), true.variance(middle), rtol=0.12)


def test_clipped_places_say_nothing() -> None:
    """Their noise is gone, which bent the line: by 50 % at three quarters of the brightness."""
    true, network = replace(shared_by_neighbours(), ends=(0.0, 1.0)), blurring()
    noisy = ramp(true)
    noisy[..., : SIDE // 3, :] -= 0.8
    found = fit_correlated_line(true, network, guesses(noisy.clamp(0, 1), network), 0)
    levels = np.array([0.3, 0.75])[:, None].repeat(3, axis=1)
    np.testing.assert_allclose(found.variance(levels), true.variance(levels), rtol=0.15)


def test_texture_that_is_removed_too_does_not_raise_the_level() -> None:
    model, network = shared_by_neighbours(), blurring()
    noisy = texture_everywhere(model, 2.0)[None]
    assert fit_correlated_line(model, network, guesses(noisy, network), 0) is model


@pytest.mark.parametrize(("channels", "share"), [(1, 1.0), (3, 0.3)])
def test_grey_frames_and_networks_that_remove_little_say_nothing(channels: int, share: float) -> None:
    model, network = falling(channels), blurring(share)
    half = replace(model, slope=0.5 * model.slope, floor=0.5 * model.floor)
    assert fit_correlated_line(half, network, guesses(ramp(model), network), 0) is half
