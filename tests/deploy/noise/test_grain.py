"""Grain that all channels share: found beside other noise, put together with that of colours, judged as grey noise."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from support.scenes import scene
from torch import Tensor

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.correlated import share_of_noise
from zsn2m_deploy.fit.fitter import Fitter
from zsn2m_deploy.fit.grain import share_of_grain
from zsn2m_deploy.fit.run import FrameGroup, Notes, Run
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.noise.grain import guessed_with, has_grain, of_mean, with_grain
from zsn2m_deploy.noise.guesses import first_guesses
from zsn2m_deploy.pretrain.confirm import confirm_noise
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel

SIDE, SIGMA = 192, 0.05
CHOSEN = [1000, 1001, 1002]


def clean_of(seed: int) -> np.ndarray:
    return scene(channels=3, side=SIDE, seed=seed).clean.astype(np.float64) / 255


def unit(seed: int, coarse: float, channels: int = 1) -> np.ndarray:
    """Noise of a deviation of 1 that is as coarse as a Gaussian. Shape: (h, w, c)."""
    white = np.random.default_rng(seed).standard_normal((SIDE, SIDE, channels))
    noise = cv2.GaussianBlur(white, (0, 0), coarse).reshape(white.shape) if coarse else white
    return np.asarray(noise / noise.std())


def planes(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frame.astype(np.float32).transpose(2, 0, 1)))


def grain_model(sigma: float, seed: int = 0, coarse: float = 1.0) -> NoiseModel:
    """Of one channel, with the covariance of drawn grain."""
    field = np.pad(unit(seed, coarse)[..., 0], REACH, mode="wrap")
    near = [
        [
            np.mean(field[REACH + y :, REACH + x :][:SIDE, :SIDE] * field[REACH:-REACH, REACH:-REACH])
            for x in range(-4, 5)
        ]
        for y in range(-4, 5)
    ]
    return NoiseModel(np.zeros(1), np.full(1, sigma**2), (np.array(near) / near[REACH][REACH])[None, None])


def run_of(frame: Tensor) -> Run:
    noise = estimate_noise([frame.movedim(0, 2).numpy()])
    fitter = Fitter(torch.device("cpu"), "fp32", None)
    return Run([frame], (FrameGroup((0,), noise),), 0.0, 1.0, fitter, torch.Generator().manual_seed(0), Notes())


def test_together_the_mean_has_the_grain_and_colours_their_noise() -> None:
    rng = np.random.default_rng(0)
    levels = rng.uniform(0.2, 0.8, (500, 3))
    colours = NoiseModel.white(np.array([2e-3, 1e-3, 3e-3]), np.array([1e-4, 2e-4, 3e-4]))
    grain = replace(grain_model(SIGMA), slope=np.array([1e-3]))
    found = with_grain(colours, grain, levels)
    mean = of_mean(found, levels)
    assert np.allclose(mean.correlation, grain.correlation, atol=1e-6)
    assert mean.sigma([levels]) == pytest.approx(grain.sigma([levels.mean(axis=1)]), rel=0.02)
    drawn = draw_noise(found, np.full((SIDE, SIDE, 3), 0.5), rng)
    expected = draw_noise(colours, np.full((SIDE, SIDE, 3), 0.5), rng)
    for difference in ((1, -1, 0), (0, 1, -1)):
        assert (drawn @ difference).std() == pytest.approx((expected @ difference).std(), rel=0.03)
    assert drawn.mean(axis=2).std() == pytest.approx(
        float(np.sqrt(grain.variance(np.full((1, 1), 0.5))[0, 0])), rel=0.05
    )


@pytest.mark.parametrize("seed", CHOSEN)
@pytest.mark.parametrize(("coarse", "least"), [(1.0, 0.6), (1.4, 0.4)])  # the coarser, the more passes for picture
def test_grain_is_found_and_its_noise_is_that_of_the_mean(coarse: float, least: float, seed: int) -> None:
    frame = planes((clean_of(seed) + SIGMA * unit(seed, coarse)).clip(0, 1))
    group = confirm_noise(run_of(frame), TrainConfig(device="cpu")).groups[0]
    assert group.grain is not None and group.noise.correlated
    assert group.noise.between_channels > 0.85
    assert least * SIGMA < group.noise.sigma([frame.movedim(0, 2).numpy()]) < 1.2 * SIGMA
    assert group.rescaled(0.0, 2.0).grain.sigma([np.ones((1, 1))]) == pytest.approx(  # type: ignore[union-attr]
        group.grain.sigma([np.full((1, 1), 2.0)]) / 2
    )


@pytest.mark.parametrize("seed", CHOSEN)
@pytest.mark.parametrize("kind", ["white", "shared and white", "coarse, of each channel", "none"])
def test_other_noise_is_no_grain(kind: str, seed: int) -> None:
    noise = {
        "white": unit(seed, 0, 3),
        "shared and white": unit(seed, 0),
        "coarse, of each channel": unit(seed, 1.0, 3),
        "none": np.zeros(1),
    }[kind]
    frame = planes((clean_of(seed) + SIGMA * noise).clip(0, 1))
    assert not has_grain(first_guesses([frame[None]], pretrained(3)), pretrained(1))
    assert confirm_noise(run_of(frame), TrainConfig(device="cpu")).groups[0].grain is None


def test_crops_of_several_sizes_count_together() -> None:
    frame = planes((clean_of(CHOSEN[0]) + SIGMA * unit(CHOSEN[0], 1.0)).clip(0, 1))
    crops = [frame[None, :, :128, :96], frame[None, :, 64:, :]]
    assert has_grain(first_guesses(crops, pretrained(3)), pretrained(1))


def test_what_is_blank_says_nothing() -> None:
    seed = CHOSEN[0]
    frame = planes((clean_of(seed) + SIGMA * unit(seed, 1.0)).clip(0, 1))
    shown = torch.zeros(1, SIDE, SIDE)
    crop = torch.cat((frame, shown))[None]
    assert not has_grain(first_guesses([crop], pretrained(3), 3), pretrained(1))
    assert has_grain(first_guesses([torch.cat((frame, shown + 1))[None]], pretrained(3), 3), pretrained(1))


def test_a_guess_takes_its_mean_from_the_grey_network() -> None:
    frame = planes(clean_of(0) + SIGMA * unit(0, 1.0))
    guesses = first_guesses([frame[None]], pretrained(3))
    (found,) = guessed_with(pretrained(1), guesses)
    with torch.no_grad():
        mean = pretrained(1)(frame[None].mean(dim=1, keepdim=True))
    assert torch.allclose(found.clean.mean(dim=1, keepdim=True), mean, atol=1e-6)
    old = guesses[0].clean
    assert torch.allclose(found.clean[:, 0] - found.clean[:, 1], old[:, 0] - old[:, 1], atol=1e-6)


def test_a_network_is_judged_by_the_mean_as_a_grey_one() -> None:
    """One that leaves the differences of colours as they are, however strong they are."""
    grey = pretrained(1)

    def network(noisy: Tensor) -> Tensor:
        mean = noisy.mean(dim=1, keepdim=True)
        return noisy - mean + grey(mean)

    noise = grain_model(SIGMA)
    frame = planes(clean_of(CHOSEN[1]) + SIGMA * unit(1, 1.0))
    found = share_of_grain(network, [frame], noise, 0)
    expected = share_of_noise(grey, [frame.mean(dim=0, keepdim=True)], noise, 0)
    assert found is not None and expected is not None
    assert found.share == pytest.approx(expected.share, abs=1e-3)
    assert found.left == pytest.approx(expected.left, abs=1e-3)
