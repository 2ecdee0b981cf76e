"""Whether a frame has noise at all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.scenes import scene

from benchmarks.regular_cases import KINDS, Texture, draw
from benchmarks.split import FIRST_TEST_SEED
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.words import Presence
from zsn2m_runtime.noise.estimate import estimate_noise


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "one channel"])
def test_noise_is_told_from_regular_detail(kind: str, whole: bool) -> None:
    noisy, clean = draw(Texture(kind, 3.0, 2.0, FIRST_TEST_SEED + 7))
    if whole:
        noisy, clean = (np.rint(pixels.clip(0, 255)).astype(np.uint8) for pixels in (noisy, clean))
    of_noisy, of_clean = (estimate_noise([pixels]) for pixels in (noisy, clean))
    assert of_clean.regular and presence_of(clean, of_clean) is Presence.NONE
    assert presence_of(noisy, of_noisy) is not Presence.NONE


@pytest.mark.parametrize("kind", ["white", "sloped", "correlated"])
def test_noise_is_seen(kind: str) -> None:
    made = scene(kind)
    assert presence_of(made.noisy, made.model) is not Presence.NONE
    assert presence_of(made.noisy[:63, :95], made.model) is not Presence.NONE
    assert presence_of(np.clip(np.rint(made.noisy), 0, 255).astype(np.uint8), made.model) is not Presence.NONE


@pytest.mark.parametrize("way", ["enlarged", "blurred"])
@pytest.mark.parametrize("photons", [False, True])
def test_smooth_noise_is_no_picture(way: str, photons: bool) -> None:
    clean = scene().clean.astype(np.float64)
    random = np.random.default_rng(3)
    noisy = 4.0 * random.poisson(clean / 4) if photons else clean + random.normal(0, 14, clean.shape)
    smooth = cv2.resize(noisy, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    if way == "blurred":
        smooth = cv2.GaussianBlur(noisy, (0, 0), 1.0)
    frame = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    assert presence_of(frame, estimate_noise([frame])) is Presence.NOISE


@pytest.mark.parametrize("seed", [3, 5])
def test_film_grain_is_no_picture(seed: int) -> None:
    """It is strongest at middle grey, as no line over brightness has it, and was told to be no noise."""
    clean, random = scene(channels=1, seed=1).clean.astype(np.float64), np.random.default_rng(seed)
    grain = cv2.GaussianBlur(random.standard_normal(clean.shape), (0, 0), 1.3)
    noisy = clean + 0.125 * grain / grain.std() * np.sqrt(np.maximum(clean * (255 - clean), 400))
    frame = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    assert presence_of(frame, estimate_noise([frame])) is Presence.NOISE


@pytest.mark.parametrize("seed", [0, 6])
def test_coarse_grain_is_not_told_to_be_the_picture(seed: int) -> None:
    clean = scene(channels=1, seed=seed).clean.astype(np.float64)
    grain = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(clean.shape), (0, 0), 2.2)
    frame = np.clip(np.rint(clean + 12 * grain / grain.std()), 0, 255).astype(np.uint8)
    assert presence_of(frame, estimate_noise([frame])) is Presence.UNSURE
