"""Noise of pages of small print, drawn: no patch is flat, and the paper between the lines is near white."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from support.known_noise import Array, whole

from zsn2m_deploy.noise.guesses import FirstGuess, first_guesses
from zsn2m_deploy.noise.refine import not_above_flat_places, refine_noise
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.words import Presence
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import NoiseModel

INK = 30.0
SIDE = 256
WITHIN = 0.2  # of the level before clipping


def page(paper: float) -> Array:
    """Lines of random words in a smoothed stroke font, 14 pixels apart; (256, 256)."""
    generator = np.random.default_rng(0)
    drawn = np.full((SIDE, SIDE), paper, np.uint8)
    for base in range(16, SIDE - 8, 14):
        words = ("".join(generator.choice(list("acegimnorstu"), generator.integers(2, 9))) for _ in range(9))
        cv2.putText(drawn, " ".join(words), (6, base), cv2.FONT_HERSHEY_SIMPLEX, 0.36, INK, 1, cv2.LINE_AA)
    return drawn.astype(np.float64)


def noisy_page(paper: float, sigma: float) -> Array:
    return whole(page(paper) + np.random.default_rng(7).normal(0, sigma, (SIDE, SIDE)))


def refined(frame: Array) -> NoiseModel:
    """The noise as training finds it, sensor units."""
    low, high = value_span([frame])
    scale = high - low
    crop = torch.from_numpy((frame.astype(np.float32) - low) / scale)[None, None]
    network = pretrained(1)
    taken = estimate_noise([frame]).rescaled(low, scale)
    return refine_noise(taken, network, first_guesses([crop], network), 0).rescaled(-low / scale, 1 / scale)


@pytest.mark.parametrize("sigma", [5, 10, 15, 20])
@pytest.mark.parametrize("paper", [225, 235, 245, 250])
def test_the_level_is_that_of_the_paper_between_the_lines(paper: float, sigma: float) -> None:
    frame = noisy_page(paper, sigma)
    found = refined(frame)
    assert np.sqrt(found.variance(np.array([[INK], [paper]]))) == pytest.approx(sigma, rel=WITHIN)
    assert presence_of(frame, found) is not Presence.NONE


def test_flat_places_keep_noise_that_rises_with_brightness() -> None:
    """Flat at two brightnesses, so that the noise of both is seen; a network that gives the clean picture."""
    clean = torch.full((1, 1, 128, 128), 0.2)
    clean[..., 64:] = 0.8
    normal = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean + (0.01 * clean).sqrt() * normal
    strong = NoiseModel.white(np.zeros(1), np.full(1, 0.05))
    found = not_above_flat_places(strong, strong, lambda _: clean, [FirstGuess(noisy, clean)], 0)
    at = np.array([[0.2], [0.8]])
    assert found.variance(at) == pytest.approx(0.01 * at, rel=0.1)


def test_flat_places_that_agree_change_nothing() -> None:
    clean = torch.full((1, 1, 128, 128), 0.5)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    right = NoiseModel.white(np.zeros(1), np.full(1, 0.012))
    assert not_above_flat_places(right, right, lambda _: clean, [FirstGuess(noisy, clean)], 0) is right
