"""VideoNet: its gate, what it is blind to, how far it sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from zsn2m_deploy.video.network import NoiseDeviation, VideoNet, deviation_at
from zsn2m_runtime.noise.model import NoiseModel


def _network(channels: int, seed: int = 0) -> VideoNet:
    torch.manual_seed(seed)
    return VideoNet(channels).eval().requires_grad_(False)


def _frames(channels: int, side: tuple[int, int] = (32, 48)) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    noisy, previous = (torch.rand(2, channels, *side, generator=generator) for _ in range(2))
    return noisy, previous, torch.full((2, 1, *side), 0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_results_have_the_shape_of_frames(channels: int) -> None:
    noisy, previous, deviation = _frames(channels)
    assert _network(channels)(noisy, previous, deviation).shape == noisy.shape


@pytest.mark.parametrize("channels", [1, 3])
def test_the_gate_blends_the_previous_result_with_the_frame(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = _network(channels)
    noisy, previous, deviation = _frames(channels)
    for logit, gate in ((-40.0, 0.0), (0.0, 0.5), (40.0, 1.0)):
        out = torch.full((1, 4 * channels + 4, 1, 1), 0.25)
        out[:, 4 * channels :] = logit * 0.1  # the deviation
        monkeypatch.setattr(network.out, "forward", lambda x, out=out: out.expand(len(x), -1, *x.shape[2:]))
        expected = gate * previous + (1 - gate) * noisy - 0.25
        torch.testing.assert_close(network(noisy, previous, deviation), expected)


def test_so_many_times_the_frames_and_the_deviation_give_so_many_times_the_result() -> None:
    network = _network(3)
    noisy, previous, deviation = _frames(3)
    expected = 7 * network(noisy, previous, deviation)
    torch.testing.assert_close(network(7 * noisy, 7 * previous, 7 * deviation), expected, rtol=1e-3, atol=1e-4)


def test_frames_without_noise_give_finite_results() -> None:
    noisy, previous, deviation = _frames(1)
    assert torch.isfinite(_network(1)(noisy, previous, 0 * deviation)).all()


def test_a_level_of_both_frames_is_a_level_of_the_result_and_a_difference_is_seen() -> None:
    network = _network(3)
    noisy, previous, deviation = _frames(3, (96, 96))
    level = torch.tensor([0.3, -0.1, 0.2])[:, None, None]
    inside = (..., slice(40, 56), slice(40, 56))  # farther from the border than the network sees
    before = network(noisy, previous, deviation)
    torch.testing.assert_close(network(noisy + level, previous + level, deviation)[inside], (before + level)[inside])
    darker = network(noisy, previous - 0.3, deviation) - before
    assert float(darker[inside].std()) > 1e-3  # more than a blend by a constant gate


def test_strength_and_brightness_change_the_result() -> None:
    network = _network(1)
    noisy, previous, deviation = _frames(1)
    assert not torch.allclose(network(noisy, previous, deviation), network(noisy, previous, 2 * deviation))


def test_deviation_follows_the_variance_line_of_the_mean_channel() -> None:
    level = torch.stack([torch.full((4, 4), value) for value in (0.0, 0.3, 0.6)])[None]
    slope, floor, least = (torch.tensor(value) for value in (0.01, 0.001, 0.002))
    found = deviation_at(level, slope, floor, least, torch.tensor(2.0))
    assert found.shape == (1, 1, 4, 4)
    torch.testing.assert_close(found, torch.full((1, 1, 4, 4), 2 * (0.01 * 0.3 + 0.001) ** 0.5))
    dark = deviation_at(torch.zeros(1, 3, 2, 2), slope, floor, least, torch.ones(1))
    torch.testing.assert_close(dark, torch.full((1, 1, 2, 2), 0.002**0.5))


def test_the_deviation_of_a_bundle_is_that_of_its_noise() -> None:
    noise = NoiseModel.white(np.array([0.1, 0.2, 0.0]), np.array([0.001, 0.002, 0.003]))
    level = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = 2 * (0.1 * level.mean(dim=1, keepdim=True) + 0.002).sqrt()
    torch.testing.assert_close(NoiseDeviation(noise)(level, torch.tensor([2.0])), expected)
