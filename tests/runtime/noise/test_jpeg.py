"""JPEG: its quality found in pixels, and the level that noise had before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenes import scene

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.facts import noise_facts, noise_in_words
from zsn2m_runtime.noise.jpeg import RAISED, assumed_way, compressed, demosaicked, jpeg_of, with_jpeg_noise
from zsn2m_runtime.noise.jpeg_grid import Compression, find_jpeg
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels

SIDE = 192


def picture(seed: int) -> Pixels:
    """A drawn scene that is about as colourful as photographs are."""
    clean = scene(side=SIDE, seed=seed).clean
    return np.asarray(0.8 * clean.mean(axis=2, keepdims=True) + 0.2 * clean)


def camera(sigma: float, quality: int, seed: int = 0) -> Pixels:
    """Such a scene as a camera gives it."""
    noise = demosaicked((SIDE, SIDE), np.random.default_rng(seed))
    return compressed(picture(seed) + sigma * noise, quality).astype(np.uint8)


@pytest.mark.parametrize("quality", [40, 60, 75, 85, 90, 95])
@pytest.mark.parametrize("sigma", [0.0, 10.0])
def test_the_quality_is_found_in_any_piece_of_a_frame(quality: int, sigma: float) -> None:
    frame = camera(sigma, quality)
    once = Compression(quality)
    assert find_jpeg(frame) == once
    assert find_jpeg(frame[3:, 5:]) == once


def test_no_jpeg_is_found_in_other_frames() -> None:
    made = scene(side=SIDE, seed=1)
    for frame in (made.clean, made.noisy, np.full((64, 64, 3), 128.0)):
        assert find_jpeg(np.rint(frame).clip(0, 255).astype(np.uint8)) is None


@pytest.mark.parametrize(("sigma", "quality"), [(6.0, 75), (6.0, 90), (15.0, 75), (15.0, 90)])
def test_the_level_before_the_jpeg_is_found(sigma: float, quality: int) -> None:
    frame = camera(sigma, quality, seed=3)
    found = with_jpeg_noise(estimate_noise([frame]), [frame], jpeg_of([frame]))
    assert found.jpeg is not None
    assert found.jpeg.quality == quality
    assert found.jpeg.sigma == pytest.approx(sigma, rel=0.4)  # on cameras by 1.18 lower, which it makes up for
    noise = frame - picture(3)
    assert found.sigma([frame]) == pytest.approx(noise.std(), rel=0.35)
    assert found.between_channels == pytest.approx(np.corrcoef(noise.reshape(-1, 3).T)[0, 1:].mean(), abs=0.2)


def test_noise_that_came_another_way_keeps_its_model() -> None:
    independent = compressed(picture(3) + 12 * np.random.default_rng(3).standard_normal((SIDE, SIDE, 3)), 75)
    rounded = np.rint(scene("correlated", side=SIDE, seed=3).noisy).clip(0, 255)
    coloured = camera(10, 75, seed=3)
    planes = np.concatenate([coloured, coloured[..., :1]], axis=2)  # as those of a mosaic
    others = (coloured[..., 1], planes, coloured / 255)
    for frame in (independent.astype(np.uint8), rounded.astype(np.uint8), *others):
        noise = estimate_noise([frame])
        assert with_jpeg_noise(noise, [frame], jpeg_of([frame])) is noise


@pytest.mark.parametrize("sigma", [4.0, 12.0])
def test_an_assumed_way_leaves_as_much_noise_as_the_model_has(sigma: float) -> None:
    model = NoiseModel.white(np.zeros(3), np.full(3, sigma**2))
    frame = compressed(picture(3), 90).astype(np.uint8)
    way = assumed_way(model, [frame], 90)
    left = compressed(picture(3) + way.sigma * demosaicked((SIDE, SIDE), np.random.default_rng(1)), 90) - frame
    assert left.std() == pytest.approx(sigma, rel=0.2)
    assert assumed_way(replace(model, jpeg=way), [frame], 90) is way


def test_colours_that_change_everywhere_raise_the_level_by_no_more_than_its_limit() -> None:
    noise = demosaicked((SIDE, SIDE), np.random.default_rng(2))
    frame = compressed(scene(side=SIDE, seed=2).clean + 6 * noise, 75).astype(np.uint8)
    by_patches = estimate_noise([frame])
    raised = with_jpeg_noise(by_patches, [frame], jpeg_of([frame]))
    assert 1.5 < raised.sigma([frame]) / by_patches.sigma([frame]) < 1.1 * RAISED


def test_blank_areas_and_two_qualities_are_left_alone() -> None:
    frame, other = camera(10, 75, seed=4), camera(10, 90, seed=4)
    noise = estimate_noise([frame])
    assert with_jpeg_noise(noise, [frame], jpeg_of([frame])).jpeg is not None
    assert with_jpeg_noise(noise, [frame, other], jpeg_of([frame, other])) is noise
    assert with_jpeg_noise(noise, [frame], jpeg_of([frame]), [np.zeros(frame.shape[:2], bool)]) is noise


def test_demosaicked_noise_wraps_and_is_shared_at_fine_detail() -> None:
    noise = demosaicked((97, 64), np.random.default_rng(5))
    assert noise.var(axis=(0, 1)) == pytest.approx(1)
    beside = (noise * np.roll(noise, 1, axis=1)).mean(axis=(0, 2))
    assert beside[0] == pytest.approx(beside.mean(), abs=0.3)  # across the seam as elsewhere
    assert beside.mean() > 0.4


def test_it_is_said_and_recorded() -> None:
    frame = camera(10, 75, seed=6)
    found = with_jpeg_noise(estimate_noise([frame]), [frame], jpeg_of([frame]))
    facts = noise_facts([frame], found)
    assert "JPEG of quality 75" in noise_in_words(facts)
    assert facts.as_json()["jpeg"]["quality"] == 75
    assert found.record().jpeg == found.jpeg
    plain = noise_facts([frame], replace(found, jpeg=None))
    assert "JPEG" not in noise_in_words(plain)


def test_black_and_white_move_with_the_units() -> None:
    frame = camera(10, 75, seed=7)
    found = with_jpeg_noise(estimate_noise([frame]), [frame], jpeg_of([frame])).rescaled(51, 102)
    assert found.jpeg is not None
    assert (found.jpeg.black, found.jpeg.white) == pytest.approx((-0.5, 2.0))
    back = found.rescaled(-0.5, 1 / 102)
    assert back.jpeg is not None
    assert (back.jpeg.black, back.jpeg.white) == pytest.approx((0, 255), abs=1e-9)
    assert NoiseModel.white(np.zeros(3), np.ones(3)).rescaled(1, 2).jpeg is None
