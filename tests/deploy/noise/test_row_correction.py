"""Row noise goes in every model of a bundle: as the runtime's own arithmetic, in strips, in lower precisions, again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.mosaics import Array, noise, whole
from support.tolerances import STRIPS_SENSOR
from support.trainings import small

from zsn2m_deploy import api
from zsn2m_deploy.bundle.export import export
from zsn2m_deploy.noise.rows import RowCorrection
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.inference.strips import plan_strips
from zsn2m_runtime.model_record import MOST_REACH
from zsn2m_runtime.noise.rows import without_row_noise
from zsn2m_runtime.noise_record import Axis, RowNoise

SIDE, PIXEL, ROWS = 160, 8.0, 12.0
CONFIG = small(2, "adapt", sensor={"schedule": {"iterations": 2, "crop_side": 48}, "scenes": 1})


def clean(seed: int, channels: int = 1) -> Array:
    """A picture of blocks and slow waves."""
    y, x = np.mgrid[:SIDE, :SIDE]
    grey = 110 + 50 * np.sin(x / 23 + seed) * np.cos(y / 31) + 30 * ((x // 40 + y // 32 + seed) % 2)
    return np.asarray(grey if channels == 1 else np.stack([grey, 0.8 * grey + 20, 0.6 * grey + 50], axis=-1))


def striped(seed: int, axis: Axis = "rows", channels: int = 1) -> Array:
    picture = clean(seed, channels)
    shape = (SIDE, 1) if axis == "rows" else (1, SIDE)
    offsets = noise(seed + 1, (*shape, channels)[: picture.ndim], ROWS)
    return whole(picture + offsets + noise(seed, picture.shape, PIXEL))


def row_noise(axis: Axis = "rows", channels: int = 3, memory: float = 4.0) -> RowNoise:
    return RowNoise(axis=axis, sigma=ROWS, pixel_sigma=(8.0, 9.0, 7.0)[:channels], memory=memory)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return api.train_and_export(striped(1000), tmp_path_factory.mktemp("rows") / "a.zsn2m", CONFIG)


@pytest.mark.parametrize("axis", ["rows", "columns"])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 2), (37, 53), (150, 61)])
@pytest.mark.parametrize("ends", [None, (70.0, 120.0)])
def test_the_graph_s_correction_is_the_runtime_s(
    axis: Axis, size: tuple[int, int], ends: tuple[float, float] | None
) -> None:
    found, scale, offset = row_noise(axis).model_copy(update={"ends": ends}), 180.0, 20.0
    frame = np.rint(noise(1, (*size, 3), 30.0) + 100).clip(*(ends or (0, 255))).astype(np.float32)
    planes = torch.from_numpy((frame - offset) / scale).movedim(2, 0)[None]
    result = RowCorrection(found, offset, scale)(planes)[0].movedim(0, 2).numpy() * scale + offset
    np.testing.assert_allclose(result, without_row_noise(frame, (found,)), atol=2e-4)


@pytest.mark.parametrize("level", [270.0, -15.0])
def test_no_stripes_come_where_the_frame_is_clipped(level: float, bundle: Bundle) -> None:
    frame = clean(1000)
    frame[:, :60] = level
    noisy = whole(frame + noise(5, (SIDE, 1), ROWS) + noise(6, frame.shape, PIXEL))
    sky = np.s_[8:-8, 8:52]
    before, after = (part[sky].mean(axis=1).std() for part in (noisy, Denoiser(bundle.path, provider="cpu")(noisy)))
    assert after < 0.5 * before


def test_the_manifest_says_what_is_removed_and_the_rest_is_without_it(bundle: Bundle) -> None:
    manifest = bundle.manifest
    [found] = manifest.row_noise
    assert found.axis == "rows"
    assert found.ends == (0.0, 255.0)
    assert found.sigma == pytest.approx(ROWS, rel=0.2)
    assert found.pixel_sigma[0] == pytest.approx(PIXEL, rel=0.4)
    assert manifest.sensor.noise_sigma < 1.3 * PIXEL
    assert manifest.noise is not None
    assert not manifest.noise.correlated
    assert any("each row has an offset" in hint for hint in manifest.training.hints)
    assert not any("row noise" in warning for warning in manifest.training.warnings)
    report = json.loads((bundle.path / "report.json").read_text())
    assert [one["axis"] for one in report["row_noise"]] == ["rows"]
    assert any("each row has an offset" in hint for hint in report["hints"])


def test_a_frame_in_strips_is_the_whole_frame(bundle: Bundle) -> None:
    model = bundle.model()
    frame = np.concatenate([striped(seed) for seed in range(1000, 1006)])
    whole_frame = Denoiser(bundle.path, provider="cpu", strip_pixels=10**9)(frame.astype(np.uint8))
    pixels = 16 * SIDE
    assert len(plan_strips(frame.shape, model.stride, model.receptive_radius, pixels)) > 1
    in_strips = Denoiser(bundle.path, provider="cpu", strip_pixels=pixels)(frame.astype(np.uint8))
    assert np.abs(in_strips.astype(int) - whole_frame).max() <= max(1, 255 * STRIPS_SENSOR)


def test_a_frame_with_such_noise_is_like_the_training_frames_and_its_stripes_go(bundle: Bundle) -> None:
    denoiser = Denoiser(bundle.path, provider="cpu")
    for seed in (1000, 1001, 1002):
        frame = striped(seed)
        assert denoiser.unlike(frame) == ()
        before, after = ((part - clean(seed)).mean(axis=1).std() for part in (frame, denoiser(frame)))
        assert after < 0.5 * before


@pytest.mark.slow
def test_columns_go_too_in_frames_that_are_never_cut(tmp_path: Path) -> None:
    bundle = api.train_and_export(striped(1003, "columns", 3), tmp_path / "c.zsn2m", CONFIG)
    assert [found.axis for found in bundle.manifest.row_noise] == ["columns"]
    assert bundle.model().receptive_radius == MOST_REACH
    denoiser = Denoiser(bundle.path, provider="cpu", strip_pixels=1)
    frame = striped(1004, "columns", 3)
    assert denoiser.unlike(frame) == ()
    before, after = ((part - clean(1004, 3)).mean(axis=0).std() for part in (frame, denoiser(frame)))
    assert after < 0.5 * before


@pytest.mark.slow
def test_the_bundle_is_exported_again_and_in_lower_precisions(bundle: Bundle) -> None:
    export(bundle.path)
    export(bundle.path, "fp16")
    export(bundle.path, "int8")
    frame = striped(1001)
    expected = Denoiser(bundle.path, provider="cpu")(frame).astype(float)
    for name, most in (("sensor.fp16", 0.5), ("sensor.int8", 2.0)):
        assert np.abs(Denoiser(bundle.path, name, "cpu")(frame) - expected).mean() < most


def test_without_the_correction_it_is_warned_of(tmp_path: Path) -> None:
    kept = CONFIG.updated({"sensor": {"correct_offsets": False}})
    bundle = api.train_and_export(striped(1000), tmp_path / "a.zsn2m", kept)
    assert bundle.manifest.row_noise == ()
    assert any(warning.startswith("row noise: each row has an offset") for warning in bundle.manifest.training.warnings)


def test_no_frame_without_such_noise_gets_the_correction(tmp_path: Path) -> None:
    plain = whole(clean(1000) + noise(1, (SIDE, SIDE), PIXEL))
    bundle = api.train_and_export(plain, tmp_path / "a.zsn2m", CONFIG)
    assert bundle.manifest.row_noise == ()
    assert bundle.model().receptive_radius == 40


@pytest.mark.slow
def test_rows_of_a_mosaic_are_corrected_in_each_of_its_planes(tmp_path: Path) -> None:
    size = 2 * SIDE
    picture = np.kron(clean(1000), np.ones((2, 2))) * np.tile([[0.6, 1.0], [1.0, 0.8]], (SIDE, SIDE))
    frame = whole(picture + noise(1, (size, 1), ROWS) + noise(2, (size, size), PIXEL))
    config = CONFIG.updated({"mosaic": "RGGB"})
    bundle = api.train_and_export(frame, tmp_path / "a.zsn2m", config)
    [found] = bundle.manifest.row_noise
    assert len(found.pixel_sigma) == 4
    denoiser = Denoiser(bundle.path, provider="cpu")
    assert denoiser.unlike(frame) == ()
    before, after = ((part - picture).mean(axis=1).std() for part in (frame, denoiser(frame)))
    assert after < 0.6 * before
    export(bundle.path)
    again = Denoiser(bundle.path, provider="cpu")(frame).astype(int)
    assert np.abs(again - denoiser(frame)).max() <= 1  # a tie of rounding
