"""Colours that are clipped in one channel everywhere, as of leaves: the others tell texture from noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.correlated_frames import shared_by_neighbours, texture_everywhere
from torch import Tensor

from zsn2m_deploy.fit.correlated import NoiseShare, share_of_noise
from zsn2m_runtime.noise.model import NoiseModel


def found_in(frame: Tensor, model: NoiseModel, clipped: list[int], lighter: float = 0.1) -> NoiseShare:
    """Of a network that removes nine tenths of all that is not grey, and lightens channels that are black."""
    saturated = frame.clone()
    saturated[clipped] = 0

    def towards_grey(noisy: Tensor) -> Tensor:
        result = 0.5 + 0.1 * (noisy - 0.5)
        result[:, clipped] = noisy[:, clipped] + lighter
        return result

    found = share_of_noise(towards_grey, [saturated], replace(model, ends=(0.0, 1.0)), 0)
    assert found is not None
    return found


@pytest.mark.parametrize("clipped", [[2], [0, 2]])
def test_texture_is_told_by_the_channels_that_are_not_clipped(clipped: list[int]) -> None:
    model = shared_by_neighbours()
    frame, passed_for_noise = texture_everywhere(model, 3.0), replace(model, floor=4 * model.floor)
    found = found_in(frame, passed_for_noise, clipped)
    assert found.unknown
    assert found.share == pytest.approx(found_in(frame, passed_for_noise, []).share, abs=0.15)
    assert found.share < 0.5


def test_noise_of_such_colours_goes() -> None:
    model = shared_by_neighbours()
    found = found_in(texture_everywhere(model, 0.0), model, [2], lighter=0.0)
    assert found.share > 0.9
    assert not found.unknown
