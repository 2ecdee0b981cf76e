"""Noise for crops: that of a camera's JPEG is drawn through mosaic and JPEG."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.scenes import scene
from support.trainings import STILLS

from zsn2m_deploy import api
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.noise.fields import JPEG_STRENGTHS, NoiseFields
from zsn2m_deploy.preparation import JPEG_LEFT
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.jpeg import compressed, demosaicked
from zsn2m_runtime.noise.jpeg_grid import Compression, find_jpeg
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import JpegNoise

BLACK, WHITE = -0.25, 0.75
JPEG = JpegNoise(quality=75, sigma=0.06, black=BLACK, white=WHITE)
MODEL = replace(NoiseModel.white(np.zeros(3), np.ones(3)), jpeg=JPEG)


def drawn(stronger: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.from_numpy(scene(side=128, seed=1000).clean).movedim(2, 0) / 255 * (WHITE - BLACK) + BLACK
    crops = clean[None].repeat(6, 1, 1, 1)
    fields = NoiseFields(MODEL, stronger, 1000, torch.device("cpu"), torch.Generator().manual_seed(1000))
    return crops, fields.corrupt(crops)


def test_crops_are_jpegs_of_the_quality() -> None:
    _, noisy = drawn()
    for crop in noisy:
        levels = ((crop - BLACK) / (WHITE - BLACK) * 255).movedim(0, 2).numpy()
        assert levels == pytest.approx(np.rint(levels), abs=1e-3)
        assert find_jpeg(np.rint(levels)) == Compression(75)


def test_crops_are_as_noisy_as_the_model_says() -> None:
    crops, noisy = drawn()
    level = 255 * JPEG.sigma * np.sqrt(np.prod(JPEG_STRENGTHS))
    clean = scene(side=128, seed=1000).clean
    expected = compressed(clean + level * demosaicked((128, 128), np.random.default_rng(1)), 75) - clean
    assert 255 * float((noisy - crops).std()) == pytest.approx(expected.std(), rel=0.25)
    stronger = drawn(2.0)[1]
    assert float((stronger - crops).std()) == pytest.approx(2 * float((noisy - crops).std()), rel=0.15)


def test_a_jpeg_is_in_the_manifest_and_the_report(tmp_path: Path) -> None:
    made = 0.8 * scene(side=128, seed=1001).clean.mean(axis=2, keepdims=True) + 0.2 * scene(side=128, seed=1001).clean
    noisy = compressed(made + 12 * demosaicked((128, 128), np.random.default_rng(1001)), 85).astype(np.uint8)
    few = STILLS.updated({"sensor": {"scenes": 2, "schedule": {"iterations": 2, "crop_side": 64}}})
    bundle = api.train_and_export(noisy, tmp_path / "a.zsn2m", few)
    record = bundle.manifest.noise
    assert record is not None
    assert record.jpeg is not None
    assert record.jpeg.quality == 85
    assert (record.jpeg.black, record.jpeg.white) == pytest.approx((0, 255), abs=1e-6)
    assert record.jpeg.sigma == pytest.approx(12, rel=0.4)
    facts = json.loads((bundle.path / "report.json").read_text())
    assert facts["noise"]["jpeg"]["quality"] == 85
    assert "JPEG of quality 85" in facts["chosen"]


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpegs_have_no_psnr_in_their_reports(channels: int) -> None:
    made = scene(channels=channels, side=128, seed=1002)
    noisy = np.clip(np.rint(made.clean + 1.2 * made.noise), 0, 255).astype(np.uint8)
    instant = TrainConfig.from_preset("instant").updated({"video": False})
    reasons = [train([frame], instant).unmodelled for frame in (noisy, as_jpeg(noisy, 70), as_jpeg(noisy, 95))]
    assert reasons == [None, JPEG_LEFT, JPEG_LEFT if channels == 3 else None]
