"""The share of what a network removes that is noise, where pixels share it: known where the network is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from zsn2m_deploy.fit.correlated import share_of_noise
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel

SIDE, SIGMA = 128, 0.05


def shared_by_neighbours(channels: int = 3) -> NoiseModel:
    model = NoiseModel.white(np.zeros(channels), np.full(channels, SIGMA**2))
    correlation = model.correlation.copy()
    for channel in range(channels):
        for down in (-1, 0, 1):
            for along in (-1, 0, 1):
                correlation[channel, channel, REACH + down, REACH + along] = 0.5 ** (abs(down) + abs(along))
    return replace(model, correlation=correlation)


def frame_with_texture(model: NoiseModel, power: float, seed: int = 3) -> Tensor:
    """Grey of 0.5 with noise, and on its lower half a texture of so many times the power of the noise, on average."""
    grey, rng = np.full((SIDE, SIDE, model.channels), 0.5, np.float32), np.random.default_rng(seed)
    noisy = grey + draw_noise(model, grey, rng)
    noisy[SIDE // 2 :] += np.sqrt(2 * power) * SIGMA * rng.choice([-1, 1], (SIDE // 2, SIDE, 1))
    return torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1)


def towards_grey(share: float) -> Callable[[Tensor], Tensor]:
    """A network that removes a share of all that is not grey."""
    return lambda noisy: 0.5 + (1 - share) * (noisy - 0.5)


@pytest.mark.parametrize(("removed", "texture", "expected"), [(0.9, 1.0, 0.556), (0.5, 3.0, 0.5), (0.5, 0.0, 1.0)])
def test_the_share_leaves_the_smallest_error(removed: float, texture: float, expected: float) -> None:
    model = shared_by_neighbours()
    found = share_of_noise(towards_grey(removed), [frame_with_texture(model, texture)], model, 0)
    assert found == pytest.approx(expected, abs=0.06)


def test_nothing_is_said_of_noise_stronger_than_its_model() -> None:
    model = shared_by_neighbours()
    frame = frame_with_texture(model, 0.0)
    weaker = replace(model, floor=model.floor / 2)
    assert share_of_noise(towards_grey(1.0), [frame], weaker, 0) is None


def test_of_white_noise_the_other_estimate_is_taken() -> None:
    model = NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2))
    assert share_of_noise(towards_grey(1.0), [frame_with_texture(model, 1.0)], model, 0) is None
