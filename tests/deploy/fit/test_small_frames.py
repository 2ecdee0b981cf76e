"""What the smallest frames that can train say of their noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from zsn2m_deploy.fit.correlated import share_of_noise
from zsn2m_deploy.noise.colours import without_grey_texture
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.noise.guesses import first_guesses
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.noise.model import REACH, NoiseModel

SIGMA = 0.05


def most_of_it(noisy: Tensor) -> Tensor:
    """A network that removes 0.8 of all that is not grey."""
    return 0.5 + 0.2 * (noisy - 0.5)


def shared_by_neighbours(channels: int) -> NoiseModel:
    model = NoiseModel.white(np.zeros(channels), np.full(channels, SIGMA**2))
    model.correlation[range(channels), range(channels), REACH, REACH - 1 : REACH + 2 : 2] = 0.4
    return model


@pytest.mark.parametrize("size", [(16, 16), (16, 200), (24, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_frames_without_wide_blocks_are_judged_by_the_others(size: tuple[int, int], channels: int) -> None:
    """Their training ended with an error of NumPy's."""
    white = NoiseModel.white(np.zeros(channels), np.full(channels, SIGMA**2))
    for model in (white, shared_by_neighbours(channels)):
        grey = np.full((*size, channels), 0.5, np.float32)
        frame = torch.from_numpy(grey + draw_noise(model, grey, np.random.default_rng(2))).permute(2, 0, 1)
        found = share_of_noise(most_of_it, [frame], model, 0)
        assert found is None if model is white else found and found.share == 1


def test_crops_without_a_patch_leave_the_noise_of_colours_as_it_is() -> None:
    """So large are crops of 16 x 16 pixels; their training ended with an error of NumPy's, too."""
    crops = [torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))]
    network, model = pretrained(3), shared_by_neighbours(3)
    assert without_grey_texture(model, network, first_guesses(crops, network, 3), 0) is model
