"""Coarse noise that channels share: said where a network of colours keeps it; not of other noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from support.scenes import scene

from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.report.shared_noise import kept_by_colours, presence_in_mean, taken_of_mean
from zsn2m_deploy.report.words import Presence
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.noise.estimate import estimate_noise

SIDE = 192


def clean_of(seed: int) -> np.ndarray:
    return scene(channels=3, side=SIDE, seed=seed).clean.astype(np.float64)


def by_colours(frame: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        result = 255 * pretrained(3)(torch.from_numpy(to_nchw(frame)) / 255)
    return from_nchw(result.numpy(), np.dtype(np.uint8), (0.0, 255.0))


def whole(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [1000, 1001, 1002])
@pytest.mark.parametrize("coarse", [1.0, 1.4])
def test_grain_that_stays_is_said(coarse: float, seed: int) -> None:
    grain = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal((SIDE, SIDE)), (0, 0), coarse)
    frame = whole(clean_of(seed) + 12 * (grain / grain.std())[..., None])
    kept = kept_by_colours(frame, by_colours(frame), taken_of_mean(frame))
    assert kept is not None
    assert 4 < kept.sigma < 16
    assert "film grain" in kept.in_words(adapts=True)
    assert kept_by_colours(frame, whole(clean_of(seed)), taken_of_mean(frame)) is None  # it went


@pytest.mark.parametrize("seed", [1000, 1001, 1002])
@pytest.mark.parametrize("kind", ["white", "shared", "coarse colours", "none"])
def test_other_noise_is_not(kind: str, seed: int) -> None:
    white = np.random.default_rng(seed).standard_normal((SIDE, SIDE, 3))
    noise = {
        "white": 12 * white,
        "shared": np.repeat(12 * white[..., :1], 3, axis=2),
        "coarse colours": 36 * cv2.GaussianBlur(white, (0, 0), 1.0),
        "none": 0 * white,
    }[kind]
    frame = whole(clean_of(seed) + noise)
    assert kept_by_colours(frame, by_colours(frame), taken_of_mean(frame)) is None


def test_grey_and_constant_frames_have_none() -> None:
    grey = whole(clean_of(1000)[..., 0])
    assert kept_by_colours(grey, grey, taken_of_mean(grey)) is None
    flat = np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert kept_by_colours(flat, flat, taken_of_mean(flat)) is None


@pytest.mark.parametrize("seed", [1000, 1001, 1002])
def test_the_mean_is_asked_where_channels_share_noise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), 1.0)
    clean = whole(clean_of(seed))
    frames = {
        Presence.NOISE: whole(clean + 12 * (grain / grain.std())[..., None]),
        Presence.NONE: clean,
    }
    for expected, frame in frames.items():
        assert presence_in_mean(frame, estimate_noise([frame]), taken_of_mean(frame)) is expected
