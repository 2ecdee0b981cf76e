"""Heavy tails: found where they are drawn, with share and factor; not in normal noise, photons, texture or stars."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.scenes import scene
from support.trainings import INSTANT, STILLS

from zsn2m_deploy import api
from zsn2m_deploy.adapt.loss import pairs_are_independent
from zsn2m_deploy.bundle.export import export
from zsn2m_deploy.noise import heavy_tails
from zsn2m_deploy.noise.fields import NoiseFields
from zsn2m_deploy.noise.guesses import FirstGuess, first_guesses
from zsn2m_deploy.noise.heavy_tails import with_heavy_tails
from zsn2m_deploy.preparation import HEAVY_TAILS
from zsn2m_deploy.pretrain import confirm
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import HeavyTails

SIDE = 192
SIGMA = 0.05
WHITE = NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2))


def picture(seed: int = 1000) -> np.ndarray:
    return scene(channels=1, side=SIDE, seed=seed).clean / 255


PIXELS = SIDE * SIDE


def looked_at(noise: np.ndarray, clean: np.ndarray | None = None) -> list[FirstGuess]:
    clean = picture() if clean is None else clean
    frame = torch.from_numpy((clean + noise).astype(np.float32))[None, None]
    return first_guesses([frame], pretrained(1))


def normal(seed: int = 1001) -> np.ndarray:
    return SIGMA * np.random.default_rng(seed).standard_normal((SIDE, SIDE))


def mixture(share: float, factor: float, seed: int = 1002) -> np.ndarray:
    return normal() * np.where(np.random.default_rng(seed).random((SIDE, SIDE)) < share, factor, 1)


@pytest.mark.parametrize(("share", "factor"), [(0.02, 5.0), (0.1, 4.0), (0.01, 10.0)])
def test_a_mixture_is_measured(share: float, factor: float) -> None:
    found = with_heavy_tails(WHITE, looked_at(mixture(share, factor)), PIXELS)
    assert found.tails is not None
    assert found.tails.share == pytest.approx(share, rel=0.4)
    assert found.tails.factor == pytest.approx(factor, rel=0.25)
    assert found.floor[0] == pytest.approx(SIGMA**2, rel=0.15)
    assert found.normal.floor[0] == pytest.approx((1 + share * (factor**2 - 1)) * SIGMA**2, rel=0.35)


def test_beside_regular_detail_they_are_found_and_normal_noise_has_none() -> None:
    model = replace(WHITE, regular=True)
    stripes = picture() + 0.15 * (np.arange(SIDE) % 4 < 2) * (np.arange(SIDE)[:, None] < SIDE // 3)
    assert with_heavy_tails(model, looked_at(mixture(0.05, 6), stripes), PIXELS).tails is not None
    assert with_heavy_tails(model, looked_at(normal(), stripes), PIXELS).tails is None


def test_weak_tails_are_found_though_hardly_anything_is_far_off() -> None:
    drawn = [mixture(0.03, 2.0, seed) for seed in range(1010, 1014)]
    assert np.mean(np.abs(drawn) > 4 * SIGMA) < 2e-3
    guesses = [guess for noise in drawn for guess in looked_at(noise)]
    found = with_heavy_tails(WHITE, guesses, len(drawn) * PIXELS)
    assert found.tails is not None
    assert found.normal.floor[0] == pytest.approx(1.09 * SIGMA**2, rel=0.15)  # 1 + 0.03 (2^2 - 1)


def test_students_t_is_found_with_its_core() -> None:
    drawn = 0.03 * np.random.default_rng(1003).standard_t(3, (SIDE, SIDE))
    found = with_heavy_tails(NoiseModel.white(np.zeros(1), np.full(1, 3 * 0.03**2)), looked_at(drawn), PIXELS)
    assert found.tails is not None
    assert 0.02 < found.tails.share < 0.12
    assert found.floor[0] == pytest.approx((0.76 / 0.6745 * 0.03) ** 2, rel=0.15)  # 0.765: the median of its size


def test_normal_noise_photons_and_texture_have_none() -> None:
    assert with_heavy_tails(WHITE, looked_at(normal()), PIXELS).tails is None
    counted = np.random.default_rng(1004).poisson(40 * picture()) / 40
    photons = NoiseModel.white(np.full(1, 1 / 40), np.full(1, 1e-4))
    assert with_heavy_tails(photons, looked_at(counted - picture()), PIXELS).tails is None
    rough = picture() + 0.1 * scene("white", 1, seed=1005, side=SIDE).noise / 12
    assert with_heavy_tails(WHITE, looked_at(normal(), np.clip(rough, 0, 1)), PIXELS).tails is None


@pytest.mark.parametrize(("blur", "strength"), [(0.6, 0.02), (0.8, 0.04), (1.0, 0.02)])
def test_texture_of_a_nearly_clean_frame_is_no_tails(
    blur: float, strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept the network from being weakened: tails have no estimate of the error."""
    random, faint = np.random.default_rng(1001), 0.006
    texture = cv2.GaussianBlur(random.standard_normal((SIDE, SIDE)), (0, 0), blur)
    place = cv2.GaussianBlur(random.standard_normal((SIDE, SIDE)), (0, 0), 12) > 0
    guesses = looked_at(
        faint * random.standard_normal((SIDE, SIDE)), picture(1001) + strength * place * texture / texture.std()
    )
    model = NoiseModel.white(np.zeros(1), np.full(1, faint**2))
    assert with_heavy_tails(model, guesses, PIXELS).tails is None
    monkeypatch.setattr(heavy_tails, "ALIKE", 1.0)
    assert with_heavy_tails(model, guesses, PIXELS).tails is not None


def test_points_of_light_have_none() -> None:
    clean = np.full((SIDE, SIDE), 0.1)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    generator = np.random.default_rng(1006)
    for row, column in generator.uniform(0, SIDE, (300, 2)):
        clean = clean + 0.6 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2)
    assert with_heavy_tails(WHITE, looked_at(normal(), clean.clip(0, 1)), PIXELS).tails is None
    hot = normal()
    hot[generator.random(hot.shape) < 0.01] += 0.7  # above alone: light, as far as anybody can tell
    assert with_heavy_tails(WHITE, looked_at(hot), PIXELS).tails is None


def test_few_flat_samples_say_nothing() -> None:
    small = [FirstGuess(guess.noisy[..., :40, :40], guess.clean[..., :40, :40]) for guess in looked_at(mixture(0.1, 5))]
    assert with_heavy_tails(WHITE, small, PIXELS).tails is None


def test_drawn_noise_has_the_tails_of_its_model() -> None:
    model = NoiseModel(
        WHITE.slope, WHITE.floor, WHITE.correlation, tails=HeavyTails(share=0.05, factor=6, power=1 + 0.05 * 35)
    )
    fields = NoiseFields(model, 1.0, 1007, torch.device("cpu"), torch.Generator().manual_seed(1007))
    drawn = torch.cat([fields.corrupt(torch.full((8, 1, 128, 128), 0.5)) for _ in range(8)]) - 0.5
    assert float(drawn.square().mean()) == pytest.approx(model.normal.floor[0], rel=0.05)
    beyond = float((drawn.abs() > 4 * SIGMA).double().mean())
    assert beyond == pytest.approx(0.05 * 2 * float(torch.special.ndtr(torch.tensor(-4 / 6))), rel=0.1)


def test_pairs_are_for_normal_tails() -> None:
    guesses = looked_at(normal())
    assert pairs_are_independent(WHITE, guesses)
    assert not pairs_are_independent(with_heavy_tails(WHITE, looked_at(mixture(0.05, 5)), PIXELS), guesses)


@pytest.mark.slow
def test_adapting_to_heavy_tails_leaves_fewer_specks(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene(channels=1, side=128, seed=1008)
    noisy = (made.clean + 8 * np.random.default_rng(1008).standard_t(3, made.clean.shape)).astype(np.float32)
    config = STILLS.updated({"sensor": {"schedule": {"iterations": 40, "crop_side": 64}}})

    def adapted() -> tuple[float, float]:
        """Specks as a share of the pixels, and the mean squared error."""
        trained = train([noisy], config)
        found = trained.noise.tails is not None
        assert (trained.unmodelled == HEAVY_TAILS) is found
        assert (trained.config.sensor.weight_recorrupted == 0) is found
        with torch.no_grad():
            planes = (torch.from_numpy(noisy)[None, None] - trained.offset) / trained.scale
            clean = trained.networks["sensor"](planes)[0, 0].numpy() * trained.scale + trained.offset
        off = np.abs(clean - cv2.medianBlur(clean, 3)) > 8
        return float((off & (np.abs(clean - made.clean) > 25)).mean()), float(np.square(clean - made.clean).mean())

    specks, error = adapted()
    monkeypatch.setattr(confirm, "with_heavy_tails", lambda model, *_: model)
    specks_before, error_before = adapted()
    assert specks < 0.7 * specks_before
    assert error < 0.8 * error_before


def test_a_hot_and_a_dead_pixel_of_a_small_frame_are_no_tails() -> None:
    noise = SIGMA * np.random.default_rng(1009).standard_normal((24, 24))
    noise[5, 6], noise[17, 11] = 0.5, -0.5
    frame = torch.from_numpy((0.5 + noise).astype(np.float32))[None, None]
    guesses = first_guesses([frame.repeat(16, 1, 1, 1)] * 8, pretrained(1))
    assert with_heavy_tails(WHITE, guesses, 24 * 24).tails is None
    assert with_heavy_tails(WHITE, guesses, PIXELS).tails is not None  # so often they would be some


@pytest.mark.parametrize("level", [60.0, 190.0])
def test_impulses_move_no_mean(level: float) -> None:
    generator = np.random.default_rng(1010)
    clean = level + 10 * np.sin(np.arange(96) / 9)[None] + np.zeros((96, 96))
    noisy = clean + generator.normal(0, 6, clean.shape)
    hit = generator.random(clean.shape) < 0.04
    noisy[hit] = generator.choice([0.0, 255.0], hit.sum())
    config = STILLS.updated(
        {"sensor": {"correct_impulses": False, "scenes": 8, "schedule": {"iterations": 60, "crop_side": 64}}}
    )
    trained = train([np.rint(noisy).clip(0, 255).astype(np.uint8)], config)
    assert trained.noise.tails is not None
    with torch.no_grad():
        planes = (torch.from_numpy(noisy.astype(np.float32))[None, None] - trained.offset) / trained.scale
        result = trained.networks["sensor"](planes)[0, 0].numpy() * trained.scale + trained.offset
    assert abs(float(np.median(result - clean))) < 1.0


def test_a_flat_frame_with_tails_trains() -> None:
    generator = np.random.default_rng(1011)
    noise = 5 * generator.standard_normal((96, 96)) * np.where(generator.random((96, 96)) < 0.1, 10, 1)
    config = STILLS.updated({"sensor": {"scenes": 4, "schedule": {"iterations": 20, "crop_side": 64}}})
    trained = train([(128 + noise).astype(np.float32)], config)
    assert trained.noise.tails is not None
    assert trained.noise.sigma([np.full((9, 9), 128.0)]) == pytest.approx(5, rel=0.25)


def test_tails_are_in_the_manifest_and_the_report(tmp_path: Path) -> None:
    made = scene(channels=3, side=128, seed=1012)
    noisy = made.clean + 6 * np.random.default_rng(1012).standard_t(3, made.clean.shape)
    noisy = np.rint(noisy).clip(0, 255).astype(np.uint8)
    instant = INSTANT
    bundle = api.train_and_export(noisy, tmp_path / "a.zsn2m", instant)
    record = bundle.manifest.noise
    assert record is not None
    assert record.tails is not None
    assert 1.5 < record.tails.factor < 8
    facts = json.loads((bundle.path / "report.json").read_text())
    assert facts["noise"]["tails"]["share"] == record.tails.share
    assert facts["self_check"]["psnr"] is None
    assert "heavy tails" in facts["self_check"]["reason"]
    assert "with heavy tails" in facts["chosen"]
    assert [text for text in facts["warnings"] if "heavy tails" in text and "--preset default" in text]
    assert export(bundle.path).manifest.noise == record
