"""Regular detail in training and in the report: kept, or said to be lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.scenes import RANGE, scene
from support.shared import SHARED_DATA

from benchmarks.regular_cases import Texture, draw
from benchmarks.split import FIRST_TEST_SEED
from zsn2m_deploy import api
from zsn2m_deploy.advice import stronger
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit import run
from zsn2m_deploy.fit.checks import Error
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_deploy.noise.defects import defects_in_words, find_defects
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.removed import PEAKS_LIMIT
from zsn2m_deploy.report.self_check import without_noise
from zsn2m_deploy.report.warnings import warnings
from zsn2m_deploy.report.words import checks, remedy
from zsn2m_deploy.training import train
from zsn2m_runtime.files import open_image
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.patterns import find_patterns
from zsn2m_runtime.sample_types import Pixels

SIDE = 128
SHORT = {"scenes": 4, "schedule": {"iterations": 4, "crop_side": 64}}
QUICK = TrainConfig.from_preset("fast").updated({"sensor": SHORT, "video": False})
METHOD = TrainConfig()
KNOWN = NoiseModel.white(np.zeros(1), np.full(1, 25.0))


def lattice(period: float, amplitude: float) -> Pixels:
    rows, columns = np.mgrid[:192, :192]
    angles = np.radians([10, 70, 130])
    waves = [np.cos(2 * np.pi / period * (columns * np.cos(one) - rows * np.sin(one))) for one in angles]
    return np.asarray(amplitude * sum(waves), np.float32)


def psnr(pixels: Pixels, clean: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.square(pixels.astype(np.float64) - clean).mean()))


@pytest.mark.parametrize(("period", "amplitude"), [(2.3, 2.0), (4.0, 1.0)])
def test_a_lattice_among_what_was_removed_is_said_with_period_and_direction(period: float, amplitude: float) -> None:
    noise = np.random.default_rng(FIRST_TEST_SEED).normal(0, 5, (192, 192)).astype(np.float32)
    clean = np.full((192, 192), 120, np.float32) + lattice(period, amplitude)
    removed = analyse(clean + noise, clean - lattice(period, amplitude), KNOWN, RANGE)
    assert removed.peaks is not None
    assert removed.peaks.share == pytest.approx(1.5 * amplitude**2 / (25 + 1.5 * amplitude**2), rel=0.3)
    assert removed.structured
    [said] = [text for text in warnings(removed, without_noise(RANGE), METHOD) if "sharp peaks" in text]
    assert f"a period of {period:.3g} pixels at " in said
    assert any(f"at {degrees} degrees" in said for degrees in (10, 70, 130))
    [check] = [one for one in checks(removed) if "sharp peaks" in one.name]
    assert check.passed is False


@pytest.mark.parametrize("kind", ["white", "sloped", "correlated"])
@pytest.mark.parametrize("seed", range(FIRST_TEST_SEED, FIRST_TEST_SEED + 3))
def test_noise_alone_has_no_sharp_peaks(kind: str, seed: int) -> None:
    made = scene(kind, seed=seed)
    for result in (made.clean, made.good):
        removed = analyse(made.noisy, result, made.model, RANGE)
        assert removed.peaks is not None
        assert removed.peaks.share < PEAKS_LIMIT / 2


def test_a_network_is_weakened_by_as_much_as_is_said() -> None:
    torch.manual_seed(0)
    network, noisy = SensorNet(1), torch.rand(1, 1, 32, 32)
    before = noisy - network(noisy)
    network.weaken(0.25)
    torch.testing.assert_close(noisy - network(noisy), 0.25 * before)


@pytest.mark.parametrize(
    ("removed", "cleared", "share"),
    [(4.0, 4.0, 1.0), (4.0, 5.0, 1.0), (4.0, 1.0, 0.25), (4.0, -1.0, 0.0), (0.0, 0.0, 1.0)],
)
def test_the_best_share_is_that_of_the_noise_in_what_goes(removed: float, cleared: float, share: float) -> None:
    assert Error(1.0, 0.1, 1.0, removed, cleared).best_share == share


def test_the_error_of_a_share_is_least_at_the_best_one() -> None:
    found = Error(error=3.0, margin=0.1, noise=2.0, removed=4.0, cleared=1.5)
    assert found.left(0.0) == 1.0
    assert found.left(found.best_share) == pytest.approx(1 - 1.5**2 / 4 / 2)
    assert all(found.left(found.best_share) < found.left(found.best_share + step) for step in (-0.1, 0.1))


@pytest.mark.parametrize(("cleared", "warned"), [(0.9, False), (0.3, True)])
def test_a_weakened_network_is_a_reason_to_worry_only_where_hardly_anything_is_gained(
    monkeypatch: pytest.MonkeyPatch, cleared: float, warned: bool
) -> None:
    found = Error(error=0.1, margin=0.1, noise=1.0, removed=1.2, cleared=cleared)
    monkeypatch.setattr(run, "estimated_error", lambda *_: found)
    noisy, _ = draw(Texture("hexagonal lattice", 3.0, 10.0, FIRST_TEST_SEED + 9))
    trained = train([noisy], QUICK)
    said, hints = ([text for text in texts if "smallest error" in text] for texts in (trained.warnings, trained.hints))
    assert (bool(said), bool(hints)) == (warned, not warned)


@pytest.mark.parametrize("name", ["adapt", "mbd"])
def test_lines_are_warned_of_where_the_network_knows_no_noise_between_peaks(name: str) -> None:
    noisy, _ = draw(Texture("lines", 2.0, 10.0, FIRST_TEST_SEED + 9))
    schedule = {"iterations": 2, "crop_side": 32}
    trained = train([noisy], QUICK.updated({"method": name, "mbd": {"schedule": schedule}}))
    warned = any(text.startswith("regular detail") for text in trained.warnings)
    assert warned == (name == "mbd") == bool(trained.unmodelled)


def test_no_more_strength_is_advised_where_it_would_take_regular_detail() -> None:
    noise = np.random.default_rng(FIRST_TEST_SEED).normal(0, 5, (192, 192)).astype(np.float32)
    clean = np.full((192, 192), 120, np.float32)
    for regular in (False, True):
        removed = analyse(clean + noise, clean + 0.7 * noise, replace(KNOWN, regular=regular), RANGE)
        said = warnings(removed, without_noise(RANGE), METHOD)
        [little] = [text for text in said if text.startswith("little was removed")]
        assert ("--strength" in little) == (not regular)
        expected = None if regular else stronger(METHOD)
        assert remedy(replace(removed, detail=None), without_noise(RANGE), METHOD) == expected


def test_training_on_a_texture_loses_nothing_and_says_what_it_did(tmp_path: Path) -> None:
    texture = Texture("hexagonal lattice", 3.0, 10.0, FIRST_TEST_SEED + 9)
    noisy, clean = (pixels[:SIDE, :SIDE] for pixels in draw(texture))
    bundle = api.train_and_export(noisy, tmp_path / "a.zsn2m", QUICK, FrameOptions(value_range=RANGE))
    with open_image(bundle.path / "denoised.npy") as image:
        result = image.read().pixels
    assert psnr(result, clean) > psnr(noisy, clean)
    assert bundle.manifest.sensor.noise_sigma == pytest.approx(texture.sigma, rel=0.15)
    assert any("between the peaks of the spectrum" in hint for hint in bundle.manifest.training.hints)
    report = json.loads((bundle.path / "report.json").read_text())
    assert set(report["removed"]["peaks"]) == {"share", "period", "direction"}


def test_lines_of_any_period_are_no_noise_of_rows_and_no_hot_pixels() -> None:
    noisy, _ = draw(Texture("weave", 2.3, 1.0, 0))
    found = find_patterns(noisy)
    assert found.rows is None
    assert found.columns is None
    noise = estimate_noise([noisy])
    assert noise.regular
    defects = find_defects([noisy], noise)
    assert defects is not None
    assert defects_in_words(defects, asked=False)
    assert defects_in_words(defects, asked=False, regular=True) == []


@pytest.mark.skipif(not (SHARED_DATA / "faults").is_dir(), reason="needs ../shared/data")
def test_the_noise_of_the_shared_frame_of_lines_is_measured() -> None:
    with open_image(SHARED_DATA / "faults" / "lines_period2.png") as image:
        frame = image.read().pixels
    found = estimate_noise([frame])
    assert found.regular
    assert not found.correlated
    assert found.sigma([frame]) == pytest.approx(10, rel=0.1)
