"""VideoNet: what it is blind to, what it is told, and its weights for grey."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from zsn2m_deploy.video.network import VideoNet, deviation_at, line_of
from zsn2m_runtime.noise.model import NoiseModel


def _network(channels: int) -> VideoNet:
    torch.manual_seed(0)
    return VideoNet(channels).eval().requires_grad_(False)


def _frames(channels: int, side: tuple[int, int] = (32, 48)) -> tuple[Tensor, Tensor]:
    noisy = torch.rand(2, channels, *side, generator=torch.Generator().manual_seed(1))
    return noisy, torch.full((2, 1, *side), 0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_the_last_layer_gives_is_removed(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, (noisy, deviation) = _network(channels), _frames(channels)
    assert network(noisy, deviation).shape == noisy.shape
    out = torch.arange(4.0 * channels).view(1, -1, 1, 1)
    monkeypatch.setattr(network.out, "forward", lambda x: out.expand(len(x), -1, *x.shape[2:]))
    removed = torch.arange(4.0 * channels).view(channels, 2, 2).repeat(1, 16, 24)
    torch.testing.assert_close(network(noisy, deviation), noisy - removed)


def test_so_many_times_the_frame_and_the_deviation_give_so_many_times_the_result() -> None:
    network, (noisy, deviation) = _network(3), _frames(3)
    torch.testing.assert_close(network(7 * noisy, 7 * deviation), 7 * network(noisy, deviation), rtol=1e-3, atol=1e-4)


def test_a_level_of_the_frame_is_a_level_of_the_result() -> None:
    network, (noisy, deviation) = _network(3), _frames(3, (96, 96))
    level = torch.tensor([0.3, -0.1, 0.2])[:, None, None]
    inside = (..., slice(40, 56), slice(40, 56))  # farther from the border than the network sees
    before = network(noisy, deviation)
    torch.testing.assert_close(network(noisy + level, deviation)[inside], (before + level)[inside])


def test_the_deviation_changes_the_result() -> None:
    network, (noisy, deviation) = _network(1), _frames(1)
    assert not torch.allclose(network(noisy, deviation), network(noisy, 2 * deviation))


def test_deviation_follows_the_variance_line_of_the_mean_channel() -> None:
    level = torch.stack([torch.full((4, 4), value) for value in (0.0, 0.3, 0.6)])[None]
    line = torch.tensor([0.01, 0.001, 0.002])
    found = deviation_at(level, line, torch.tensor(2.0))
    assert found.shape == (1, 1, 4, 4)
    torch.testing.assert_close(found, torch.full((1, 1, 4, 4), 2 * (0.01 * 0.3 + 0.001) ** 0.5))
    dark = deviation_at(torch.zeros(1, 3, 2, 2), line, torch.ones(1))
    torch.testing.assert_close(dark, torch.full((1, 1, 2, 2), 0.002**0.5))


def test_the_line_of_a_bundle_is_that_of_its_noise() -> None:
    noise = NoiseModel.white(np.array([0.1, 0.2, 0.0]), np.array([0.001, 0.002, 0.003]))
    level = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = 2 * (0.1 * level.mean(dim=1, keepdim=True) + 0.002).sqrt()
    torch.testing.assert_close(deviation_at(level, line_of(noise), torch.tensor([2.0])), expected)


def test_a_network_of_grey_gives_what_the_one_for_colour_gives_on_grey_frames() -> None:
    colour, (noisy, deviation) = _network(3), _frames(1)
    expected = colour(noisy.expand(-1, 3, -1, -1), deviation).mean(dim=1, keepdim=True)
    torch.testing.assert_close(VideoNet.of_grey(colour)(noisy, deviation), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_weakened_network_removes_that_share(channels: int) -> None:
    network, (noisy, deviation) = _network(channels), _frames(channels)
    removed = noisy - network(noisy, deviation)
    network.weaken(0.25)
    torch.testing.assert_close(noisy - network(noisy, deviation), 0.25 * removed, rtol=1e-3, atol=1e-6)
