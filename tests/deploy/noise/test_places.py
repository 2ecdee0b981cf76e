"""Noise that is stronger in some places of a frame than in others of the same brightness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.scenes import scene
from support.trainings import INSTANT, STILLS

from zsn2m_deploy import api
from zsn2m_deploy.noise import places
from zsn2m_deploy.noise.fields import Extent, NoiseFields
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.noise.places import Unevenness, unevenness
from zsn2m_deploy.noise.refine import not_above_texture
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.training import UNEVEN, train
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.texture import excess
from zsn2m_runtime.noise_record import HeavyTails

SIDE, SIGMA = 192, 0.05
WHITE = NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2))
LEFT_TO_RIGHT = np.linspace(0, 1, SIDE)[None]


def picture() -> np.ndarray:
    return scene(channels=1, side=SIDE, seed=1000).clean / 255


def found(
    strength: np.ndarray | float, model: NoiseModel = WHITE, clean: np.ndarray | None = None
) -> Unevenness | None:
    """What is found of a frame with noise of `strength`, (h, w) or one for all, times SIGMA."""
    clean = picture() if clean is None else clean
    noise = SIGMA * strength * np.random.default_rng(1001).standard_normal((SIDE, SIDE))
    return unevenness(pretrained(1), [torch.from_numpy((clean + noise).astype(np.float32))[None]], model, 0)


def test_even_noise_is_even() -> None:
    assert found(1.0) is None


def test_a_wrong_level_is_no_unevenness() -> None:
    assert found(1.7) is None


def test_noise_that_a_line_over_brightness_misses_is_even() -> None:
    """Speckle: its variance goes with the square of brightness, and the model has one for all."""
    clean = picture()
    assert found(0.2 + 2 * clean**2, clean=clean) is None


@pytest.mark.parametrize(
    ("strength", "where"),
    [
        (0.4 + 1.2 * LEFT_TO_RIGHT, "right"),
        (np.where(LEFT_TO_RIGHT < 0.5, 1.5, 0.3), "left"),
        (0.4 + 1.2 * LEFT_TO_RIGHT.T, "bottom"),
    ],
)
def test_it_is_found_with_its_place_and_strengths(strength: np.ndarray, where: str) -> None:
    uneven = found(np.broadcast_to(strength, (SIDE, SIDE)))
    assert uneven is not None
    assert where in uneven.where
    least, most = np.quantile(strength, (0.125, 0.875))  # means of the outer ones of four cells
    assert uneven.strengths[0] == pytest.approx(least, rel=0.3)
    assert uneven.strengths[-1] == pytest.approx(most, rel=0.3)


def textured(kind: str, seed: int) -> np.ndarray:
    """A picture with texture in its right half alone."""
    white = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    scales = {"fine": [0.7], "of all scales": [0.6, 1.5, 4.0]}[kind]
    layers = [cv2.GaussianBlur(white, (0, 0), scale) for scale in scales]
    texture = sum(layer / layer.std() for layer in layers)
    right = LEFT_TO_RIGHT > 0.5
    return scene(channels=1, side=SIDE, seed=seed).clean / 255 + 0.06 * texture / np.std(texture) * right


@pytest.mark.parametrize(("kind", "seed"), [("fine", 1000), ("fine", 1001), ("of all scales", 1000)])
def test_texture_of_a_part_is_no_strong_noise(kind: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nearly clean frame was told to have been vignetted, and lost its texture."""
    faint = 0.01
    model = NoiseModel.white(np.zeros(1), np.full(1, faint**2))
    noisy = textured(kind, seed) + faint * np.random.default_rng(seed + 50).standard_normal((SIDE, SIDE))
    frame = torch.from_numpy(noisy.astype(np.float32))[None]
    assert unevenness(pretrained(1), [frame], model, 0) is None
    monkeypatch.setattr(places, "_is_texture", lambda cells: False)
    assert unevenness(pretrained(1), [frame], model, 0) is not None


@pytest.mark.parametrize(("kind", "seed"), [("fine", 1000), ("of all scales", 1002)])
def test_strong_noise_is_found_on_texture(kind: str, seed: int) -> None:
    white = np.random.default_rng(seed + 50).standard_normal((SIDE, SIDE))
    noisy = textured(kind, seed) + SIGMA * np.where(LEFT_TO_RIGHT < 0.5, 0.3, 3) * white
    frame = torch.from_numpy(noisy.astype(np.float32))[None]
    assert unevenness(pretrained(1), [frame], WHITE, 0) is not None


def test_blank_places_say_nothing() -> None:
    """Nor does what fills them, which has no noise."""
    noisy = picture() + SIGMA * np.random.default_rng(1003).standard_normal((SIDE, SIDE))
    noisy[:, : SIDE // 3] = picture()[:, : SIDE // 3]
    shown = np.broadcast_to(LEFT_TO_RIGHT * SIDE >= SIDE // 3, (SIDE, SIDE))
    planes = torch.from_numpy(np.stack([noisy, shown]).astype(np.float32))
    assert unevenness(pretrained(1), [planes[:1]], WHITE, 0) is not None
    assert unevenness(pretrained(1), [planes], WHITE, 0) is None


def test_texture_everywhere_is_no_uneven_noise() -> None:
    """Its strength changes over some 20 pixels, and over the frame."""
    rough = cv2.GaussianBlur(np.random.default_rng(1004).standard_normal((SIDE, SIDE)), (0, 0), 8)
    rough = np.exp(0.9 * rough / rough.std())
    assert found(rough * np.where(LEFT_TO_RIGHT < 0.5, 1.5, 0.3)) is None


def test_beside_regular_detail_it_must_differ_by_far() -> None:
    """Some of that passes for noise, more here than there."""
    regular = replace(WHITE, regular=True)
    twice, four_times = (np.where(LEFT_TO_RIGHT < 0.5, 2.0, least).repeat(SIDE, axis=0) for least in (1.0, 0.5))
    assert found(twice) is not None
    assert found(twice, regular) is None
    assert found(four_times, regular) is not None


def test_small_frames_cannot_be_told() -> None:
    frame = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 24, 17)).astype(np.float32))
    assert unevenness(pretrained(1), [frame], WHITE, 0) is None


def test_noise_is_drawn_as_often_as_cells_have_it() -> None:
    generator = torch.Generator().manual_seed(0)
    strengths = (0.5, 0.5, 0.5, 1.9, 2.0)
    fields = NoiseFields(WHITE, 1.0, 0, torch.device("cpu"), generator, Extent(strengths=strengths))
    grey = torch.full((128, 1, 64, 64), 0.5)
    drawn = (fields.corrupt(grey) - grey).std(dim=(1, 2, 3)) / SIGMA
    assert float((drawn < 0.55).double().mean()) == pytest.approx(0.5, abs=0.12)
    assert float((drawn > 1.8).double().mean()) == pytest.approx(0.25, abs=0.12)
    assert drawn.max() < 2.2


def stitched() -> np.ndarray:
    """Two exposures side by side, 8 bits: noise of 4 and of 16."""
    clean, rng = 255 * picture(), np.random.default_rng(1002)
    noise = np.where(LEFT_TO_RIGHT < 0.5, 4.0, 16.0) * rng.standard_normal((SIDE, SIDE))
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def test_training_learns_all_strengths_and_says_so() -> None:
    config = STILLS.updated({"sensor": {"schedule": {"iterations": 2, "crop_side": 64}}})
    trained = train([stitched()], config)
    assert trained.groups[0].strengths is not None
    assert trained.unmodelled == UNEVEN
    assert any("not even over the frame" in text for text in trained.warnings)
    assert trained.config.sensor.weight_recorrupted == 0  # pairs would take the strength of another place
    assert trained.noise.tails is None
    with_tails = replace(trained.noise, tails=HeavyTails(share=0.1, factor=4, power=2.5))
    assert replace(trained.groups[0], noise=with_tails).strengths is None  # they have the strong noise already


def test_a_report_judges_by_no_level(tmp_path: Path) -> None:
    """The figures of one level said that detail was lost where the noise is stronger."""
    bundle = api.train_and_export(stitched(), tmp_path / "stitched.zsn2m", INSTANT)
    said = bundle.manifest.training.warnings
    assert [text.split(":")[0] for text in said] == ["the noise is not even over the frame"]
    assert "look closer" in bundle.manifest.training.summary["verdict"]
    assert "not even" in bundle.manifest.training.summary["self-check"]


def half_textured(seed: int) -> np.ndarray:
    """Noise of 15 in the left half, and texture without noise in the right one, 8 bits."""
    noise = 15 * np.random.default_rng(seed).standard_normal((SIDE, SIDE)) * (LEFT_TO_RIGHT < 0.5)
    return np.clip(np.rint(255 * textured("of all scales", seed) + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(1000, 1004))
def test_texture_of_a_clean_half_does_not_hide_the_noise_of_the_other(seed: int) -> None:
    """It counted as noise that neighbours share, all over the frame, and 2 % of what the network removes went."""
    (group,) = train([half_textured(seed)], INSTANT).groups
    assert not group.noise.correlated
    assert group.uneven is not None
    assert "left" in group.uneven.where


@pytest.mark.parametrize("width", [0.5, 0.8])
def test_noise_that_neighbours_share_stays_so_however_uneven(width: float) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(1003).standard_normal((SIDE, SIDE)), (0, 0), width)
    noise = np.where(LEFT_TO_RIGHT < 0.5, 4.0, 16.0) * smooth / smooth.std()
    frame = np.clip(np.rint(255 * picture() + noise), 0, 255).astype(np.uint8)
    (group,) = train([frame], INSTANT).groups
    assert group.noise.correlated
    assert group.uneven is None


def test_noise_of_which_none_is_found_beside_texture_is_not_none_at_all() -> None:
    """No noise is no noise to divide by: the network came out as NaN."""
    model = NoiseModel.white(np.zeros(1), np.full(1, 0.05**2))
    texture = 0.05 * np.sin(np.arange(SIDE) * 2.5) * np.ones((SIDE, 1))
    noisy = torch.from_numpy((0.5 + texture).astype(np.float32))[None, None]
    assert excess(model, [noisy[0].movedim(0, 2).numpy()], [None]) == pytest.approx(0, abs=1e-6)
    found = not_above_texture(model, [FirstGuess(noisy, noisy, None)])
    assert 1e-4 < found.floor[0] / model.floor[0] < 0.01
