"""Grey texture that passed for noise, told by what the pretrained network removes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.colour_noise import colour_noise, pairs, true_pairs

from zsn2m_deploy.noise.colours import without_grey_texture
from zsn2m_deploy.noise.guesses import FirstGuess, first_guesses
from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel

SIDE = 128
SIGMA = 0.06


def looks(noise: Doubles) -> list[FirstGuess]:
    rng = np.random.default_rng(5)
    crops = [dead_leaves(rng, SIDE, random_palette(rng)) + part for part in np.split(noise, 2)]
    return first_guesses(
        [torch.from_numpy(crop.astype(np.float32)).movedim(2, 0)[None] for crop in crops], pretrained(3)
    )


def model_of(noise: Doubles, grey: float = 0.0) -> NoiseModel:
    """White noise as it is, with so much of grey besides, in units of its deviation."""
    covariance = np.cov(noise.reshape(-1, 3).T) + (grey * noise.std()) ** 2
    variance = np.diag(covariance)
    model = NoiseModel.white(np.zeros(3), variance)
    correlation = model.correlation.copy()
    correlation[:, :, REACH, REACH] = covariance / np.sqrt(variance[:, None] * variance)
    return replace(model, correlation=correlation)


def test_grey_that_the_network_does_not_remove_goes() -> None:
    noise = colour_noise((2 * SIDE, SIDE), sigma=SIGMA)
    wrong = model_of(noise, grey=1.0)
    found = without_grey_texture(wrong, pretrained(3), looks(noise), 0)
    assert pairs(wrong.between)[0] > 0.2
    assert pairs(found.between) == pytest.approx(true_pairs(noise), abs=0.2)
    assert found.floor == pytest.approx(noise.var(axis=(0, 1)), rel=0.25)


def test_what_is_right_stays_nearly_so() -> None:
    noise = colour_noise((2 * SIDE, SIDE), sigma=SIGMA)
    found = without_grey_texture(model_of(noise), pretrained(3), looks(noise), 0)
    assert pairs(found.between) == pytest.approx(true_pairs(noise), abs=0.1)


def test_independent_noise_stays_independent() -> None:
    noise = SIGMA * np.random.default_rng(0).standard_normal((2 * SIDE, SIDE, 3))
    found = without_grey_texture(model_of(noise, grey=0.4), pretrained(3), looks(noise), 0)
    assert np.abs(pairs(found.between)).max() == 0


def test_grey_frames_and_mosaics_are_left_alone() -> None:
    grey = [
        FirstGuess(*(part[:, :1].expand(-1, 3, -1, -1) for part in look[:2])) for look in looks(np.zeros((256, 128, 3)))
    ]
    three, four = (NoiseModel.white(np.zeros(count), np.full(count, 0.01)) for count in (3, 4))
    assert without_grey_texture(three, pretrained(3), grey, 0) is three
    assert without_grey_texture(four, pretrained(3), grey, 0) is four
