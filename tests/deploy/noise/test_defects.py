"""Hot and dead pixels: found where they are, told from light and noise, and replaced in every frame of the sensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.commands import run_command
from support.trainings import STILLS

import zsn2m_deploy as zsn2m
from zsn2m_deploy.noise.defects import DefectCorrection, find_defects
from zsn2m_export.writer import read_weights
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.impulses import BAND
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels

SIGMA = 10.0
TINY = STILLS.updated(
    {"sensor": {"scenes": 1, "schedule": {"iterations": 2, "crop_side": 64}, "correct_defects": True}}
)


def white(channels: int = 1) -> NoiseModel:
    return NoiseModel.white(np.zeros(channels), np.full(channels, SIGMA**2))


def ramp(shape: tuple[int, ...], seed: int = 0) -> Pixels:
    """A slope with noise."""
    rise = np.linspace(300, 600, shape[1]).reshape(1, -1, *[1] * (len(shape) - 2))
    return (rise + SIGMA * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def places(shape: tuple[int, ...], count: int, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Samples that are no neighbours."""
    chosen = np.random.default_rng(seed).choice((shape[0] // 3) * (shape[1] // 3), count, replace=False)
    found = (3 * (chosen // (shape[1] // 3)) + 1, 3 * (chosen % (shape[1] // 3)) + 1)
    return (*found, np.arange(count) % shape[2]) if len(shape) == 3 else found


@pytest.mark.parametrize("shape", [(60, 90), (2 * BAND + 30, 48), (60, 90, 3)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("excess", [150.0, 5000.0, -200.0])
def test_they_are_found_and_replaced_and_nothing_else(shape: tuple[int, ...], dtype: type, excess: float) -> None:
    sound = ramp(shape).astype(dtype)
    bad, where = sound.astype(np.float32), places(shape, 40)
    bad[where] += excess
    bad = bad.astype(dtype)
    channels = shape[2] if len(shape) == 3 else 1
    made, count = DefectCorrection(channels, white(channels)).corrected(bad)
    assert count == 40
    assert made.dtype == dtype
    others = np.ones(shape, bool)
    others[where] = False
    np.testing.assert_array_equal(made[others], bad[others])
    assert np.abs(made[where].astype(float) - sound[where]).max() < 5 * SIGMA


def test_those_at_the_border_and_between_bands_are_found() -> None:
    frame = ramp((2 * BAND, 40))
    for row, column in ((0, 0), (0, 20), (50, 39), (2 * BAND - 1, 39), (BAND - 1, 9), (BAND, 30)):
        frame[row, column] += 400
    assert DefectCorrection(1, white()).corrected(frame)[1] == 6


@pytest.mark.parametrize("photons", [0.05, 1.0, 30.0])
def test_noise_of_few_photons_is_none(photons: float) -> None:
    counts = np.random.default_rng(2).poisson(photons, (400, 400)).astype(np.float32)
    noise = NoiseModel.white(np.full(1, 100.0), np.full(1, 1.0))
    assert DefectCorrection(1, noise).corrected(100 * counts)[1] == 0


@pytest.mark.parametrize(
    ("width", "height"), [(0.6, 2000.0), *((w, h) for w in (0.7, 1.0, 2.0) for h in (80.0, 300.0, 5000.0))]
)
def test_points_of_light_are_none(width: float, height: float) -> None:
    frame, generator = ramp((400, 400)), np.random.default_rng(3)
    y, x = np.mgrid[:21, :21] - 10
    for row in range(0, 360, 20):
        for column in range(0, 360, 20):
            down, along = generator.uniform(-0.5, 0.5, 2)
            light = np.exp(-((y - down) ** 2 + (x - along) ** 2) / 2 / width**2)
            frame[row : row + 21, column : column + 21] += height * light
    assert DefectCorrection(1, white()).corrected(frame)[1] <= 1


def test_lines_edges_and_corners_are_none() -> None:
    frame = ramp((60, 60))
    frame[30] += 900
    frame[:, 17] -= 250
    frame[45:, 45:] += 700
    np.fill_diagonal(frame[:20, 40:], 3000)
    assert DefectCorrection(1, white()).corrected(frame)[1] <= 4  # the crossing, and a diagonal's ends


def test_a_falling_line_counts_as_its_highest() -> None:
    model = NoiseModel(np.full(1, -0.5), np.full(1, 500.0), white().correlation, (100.0, 900.0), np.zeros(1))
    correction = DefectCorrection(1, model)
    assert (float(correction.slope), float(correction.floor)) == (0.0, 450.0)


def test_a_few_or_too_many_do_not_count() -> None:
    frame = ramp((90, 90))
    frame[places((90, 90), 5)] += 500
    assert find_defects([frame], white()) is None
    frame[places((90, 90), 30)] += 500
    found = find_defects([frame, ramp((90, 90), seed=4)], white())
    assert found is not None and 30 <= found.share * 2 * 90**2 <= 35
    assert find_defects([frame, *(ramp((1000, 900), seed=seed) for seed in (5, 6))], white()) is None  # 2e-5
    frame[places((90, 90), 600)] += 500
    assert find_defects([frame], white()) is None


def test_they_are_found_though_they_raise_the_noise_that_is_estimated() -> None:
    frame = ramp((96, 96))
    where = places((96, 96), 180)  # 2 %
    frame[where] += np.random.default_rng(0).uniform(200, 3000, 180).astype(np.float32)
    noise = estimate_noise([frame])
    found = find_defects([frame], noise)
    assert found is not None and found.share * frame.size > 175
    assert float(np.sqrt(found.noise.floor[0] + 450 * found.noise.slope[0])) == pytest.approx(SIGMA, rel=0.15)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2, 0.35])
def test_rounding_and_frames_without_noise_have_none(noise: float) -> None:
    generator = np.random.default_rng(1)
    frame = np.rint(100 + noise * generator.standard_normal((128, 128)) + np.linspace(0, 3, 128)).astype(np.uint8)
    frame[places((128, 128), 40)] += 1
    assert find_defects([frame], estimate_noise([frame])) is None


@pytest.mark.parametrize("mean", [0.001, 0.02])
def test_photons_one_by_one_without_read_noise_have_none(mean: float) -> None:
    frame = (100 * np.random.default_rng(1).poisson(mean, (256, 256))).astype(np.uint16)
    assert find_defects([frame], estimate_noise([frame])) is None


@pytest.fixture(scope="module")
def bad_frame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frame = ramp((70, 83))
    frame[places((70, 83), 30)] += 4000
    path = tmp_path_factory.mktemp("hot") / "hot.tif"
    save_image(path, Frame(np.rint(frame).astype(np.uint16)))
    return path


@pytest.fixture(scope="module")
def bundle(bad_frame: Path) -> zsn2m.Bundle:
    return zsn2m.train_and_export(bad_frame, bad_frame.with_name("hot.zsn2m"), TINY)


def test_a_sensors_network_replaces_them_in_other_frames(bundle: zsn2m.Bundle) -> None:
    training = bundle.manifest.training
    assert training.defective_share == pytest.approx(30 / 70 / 83)
    assert "hot or dead pixels, 0.52 %" in training.chosen
    assert bundle.manifest.method.model_dump()["sensor"]["correct_defects"] is True
    assert not [text for text in training.warnings if "structure" in text or "removed" in text]
    clean, where = np.linspace(300, 600, 83)[None].repeat(70, axis=0), places((70, 83), 30, seed=8)
    other = ramp((70, 83), seed=9)
    other[where] += 3000
    denoised = zsn2m.Denoiser(bundle.path)(np.rint(other).astype(np.uint16)).astype(float)
    assert np.abs(denoised - clean)[where].max() < 6 * SIGMA


def test_weights_are_exported_again_with_the_correction(
    bundle: zsn2m.Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    before = zsn2m.Denoiser(bundle.path)
    assert run_command(capsys, "export", bundle.path).code == 0
    assert zsn2m.load_bundle(bundle.path).manifest.models[0].receptive_radius == 41
    frame = (ramp((40, 50), seed=5) + 2000 * (ramp((40, 50), seed=6) > 470)).astype(np.uint16)
    np.testing.assert_array_equal(zsn2m.Denoiser(bundle.path)(frame), before(frame))


@pytest.mark.parametrize("method", ["adapt", "mbd"])
def test_they_stay_and_are_told_of_unless_asked_for(bad_frame: Path, tmp_path: Path, method: str) -> None:
    schedule = {"iterations": 2, "crop_side": 32}
    config = TINY.updated({"method": method, "sensor": {"correct_defects": False}, "mbd": {"schedule": schedule}})
    bundle = zsn2m.train_and_export(bad_frame, tmp_path / "a.zsn2m", config)
    training = bundle.manifest.training
    assert any(text.startswith("0.52 % of the samples stand alone") for text in training.warnings)
    assert training.defective_share == 0 and "replaced by" not in training.chosen
    assert bundle.manifest.weights is not None
    [state] = read_weights(bundle.content(bundle.manifest.weights), bundle.manifest.weights.name).values()
    assert not any("correction" in name for name in state)


def test_none_to_correct_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sound.tif"
    save_image(path, Frame(np.rint(ramp((70, 83))).astype(np.uint16)))
    bundle = zsn2m.train_and_export(path, tmp_path / "a.zsn2m", TINY)
    assert any("but found none" in text for text in bundle.manifest.training.warnings)
    assert bundle.manifest.method.model_dump()["sensor"]["correct_defects"] is False
    ended = run_command(
        capsys, "train-and-export", path, "-o", tmp_path / "b.zsn2m", "--method", "mbd", "--correct-defects"
    )
    assert (ended.code, "expected method adapt" in ended.err) == (2, True)


@pytest.mark.parametrize("size", [(70, 83), (64, 80), (2, 3), (1, 1), (1, 9)])
def test_the_true_border_is_seen_at_every_size(bundle: zsn2m.Bundle, size: tuple[int, int]) -> None:
    frame = np.rint(ramp(size)).astype(np.uint16)
    bad = [(row, column) for row in {0, size[0] - 1} for column in {0, size[1] - 1} if min(size) > 3]
    for place in bad:
        frame[place] += 20000
    denoised = zsn2m.Denoiser(bundle.path)(frame)
    assert denoised.shape == size
    assert denoised.max() < 1000


def test_a_nan_spreads_to_all_that_reads_it() -> None:
    frame = torch.zeros(1, 1, 9, 9)
    frame[0, 0, 4, 4] = torch.nan
    spoilt = DefectCorrection(1, white())(frame).isnan()[0, 0]
    assert int(spoilt.sum()) == 9 and bool(spoilt[3:6, 3:6].all())
