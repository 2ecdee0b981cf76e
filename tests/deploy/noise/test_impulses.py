"""Salt and pepper: found where it is, told from lines, noise at the ends and points of light, replaced in the graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import run_command
from support.scenes import scene
from support.trainings import INSTANT, STILLS

import zsn2m_deploy as zsn2m
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.training import train
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.corrections import without_impulses
from zsn2m_runtime.noise.impulses import find_impulses
from zsn2m_runtime.sample_types import Pixels

SIGMA = 10.0
TINY = STILLS.updated({"sensor": {"scenes": 1, "schedule": {"iterations": 2, "crop_side": 64}}})


def noisy(channels: int = 3, side: int = 128, seed: int = 1000) -> np.ndarray:
    """A drawn scene with noise, well between black and white, (h, w) or (h, w, 3)."""
    clean = 60 + 0.55 * scene(channels=channels, side=side, seed=seed).clean
    return clean + SIGMA * np.random.default_rng(seed).standard_normal(clean.shape)


def with_impulses(frame: np.ndarray, share: float, ends: tuple[float, float] = (0, 255), seed: int = 1) -> np.ndarray:
    drawn, made = np.random.default_rng(seed).random(frame.shape), frame.copy()
    made[drawn < share / 2], made[drawn > 1 - share / 2] = ends
    return made


def rounded(frame: np.ndarray) -> Pixels:
    return np.rint(frame).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("share", [0.005, 0.05, 0.2])
@pytest.mark.parametrize("channels", [1, 3])
def test_they_are_found_and_nothing_else_is_changed(share: float, channels: int) -> None:
    sound = rounded(noisy(channels))
    frame = rounded(with_impulses(noisy(channels), share))
    found = find_impulses([frame], [None])
    assert found is not None
    hit = frame != sound
    changed = found.frames[0] != frame
    assert (changed & hit).sum() > 0.97 * hit.sum()
    assert (changed & ~hit).mean() < 1e-3
    assert found.share == pytest.approx(float(hit.mean()), rel=0.1)
    assert np.abs(found.frames[0][changed].astype(float) - noisy(channels)[changed]).mean() < 2 * SIGMA


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("share", [0.006, 0.1])
def test_they_are_found_beside_detail_at_white(share: float, channels: int) -> None:
    clean = noisy(channels)
    strokes = np.random.default_rng(7).random((12, 12)) < 0.3
    clean[20:80, 30:90] += 200 * np.kron(strokes, np.ones((5, 5)))[..., None] if channels > 1 else 0
    clean[20:80:3, 100:110] = 255
    found = find_impulses([rounded(with_impulses(clean, share))], [None])
    assert found is not None and found.share == pytest.approx(share, rel=0.35)
    assert find_impulses([rounded(clean)], [None]) is None
    black = clean.copy()
    black[90:120:3, 30:60] = 0
    assert find_impulses([rounded(black)], [None]) is None


def test_those_of_a_sensor_end_where_its_values_end() -> None:
    counts = np.rint(16 * with_impulses(noisy(1), 0.02, (1.0, 255.9))).astype(np.uint16)
    found = find_impulses([counts, np.rint(16 * noisy(1, seed=1001)).astype(np.uint16)], [None, None])
    assert found is not None and found.share == pytest.approx(0.01, rel=0.15)
    unit = (with_impulses(noisy(1), 0.02) / 255).astype(np.float32)
    assert find_impulses([unit], [None]) is not None


@pytest.mark.parametrize(("share", "lost"), [(0.01, 0.05), (0.05, 0.1)])
@pytest.mark.parametrize("end", [0, 255])
def test_thin_lines_and_letters_at_an_end_stay(share: float, lost: float, end: int) -> None:
    found = find_impulses([rounded(with_impulses(noisy(1), share))], [None])
    assert found is not None
    frame = rounded(noisy(1, seed=1001).clip(1, 254))
    frame[30, 20:100], frame[20:100, 60], frame[range(50, 90), range(70, 110)] = end, end, end
    frame[100:110, [10, 14]], frame[[104, 109], 10:15] = end, end  # a letter
    fixed, marks = found.rule.corrected(frame)
    drawn = frame == end
    assert (marks & drawn).sum() <= lost * drawn.sum()  # the ends of the lines
    np.testing.assert_array_equal(fixed[~marks], frame[~marks])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_graph_replaces_the_same_up_to_the_border(channels: int) -> None:
    frame = rounded(with_impulses(noisy(channels), 0.1))
    frame[:2], frame[:, -1:] = 255, 0
    found = find_impulses([rounded(with_impulses(noisy(channels), 0.05))], [None])
    assert found is not None
    by_rule, marks = found.rule.corrected(frame)
    by_graph, count = ImpulseCorrection(channels, found.rule).corrected(frame)
    assert count == marks.sum() > 0
    np.testing.assert_array_equal(by_graph, by_rule)


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("channels", [1, 3])
def test_they_are_replaced_on_ground_at_the_other_end(ground: int, channels: int) -> None:
    clean = noisy(channels)
    clean[40:90, 40:90] = ground
    spoilt = rounded(with_impulses(clean, 0.05))
    found = find_impulses([spoilt], [None])
    assert found is not None
    by_rule, marks = found.rule.corrected(spoilt)
    inner = slice(42, 88)
    hit = spoilt[inner, inner] != ground
    assert hit.mean() == pytest.approx(0.025, rel=0.25)
    for made in (found.frames[0], by_rule):
        apart = np.abs(made[inner, inner].astype(float) - ground)
        assert (apart > 0).mean() < 2e-3
    by_graph, count = ImpulseCorrection(channels, found.rule).corrected(spoilt)
    assert count == marks.sum()
    np.testing.assert_array_equal(by_graph, by_rule)


def lines() -> np.ndarray:
    frame = np.full((96, 96), 128.0)
    frame[10::17, 5:90], frame[3:80, 4::23] = 0, 255
    return frame + 3 * np.random.default_rng(2).standard_normal(frame.shape)


def clipped() -> np.ndarray:
    ramp = np.linspace(-60, 320, 128)[None].repeat(128, axis=0)
    return ramp + 40 * np.random.default_rng(3).standard_normal(ramp.shape)


def stars() -> np.ndarray:
    return np.where(np.random.default_rng(4).random((128, 128)) < 0.01, 255.0, noisy(1))


@pytest.mark.parametrize("frame", [noisy(), lines(), clipped(), stars()], ids=["noise", "lines", "clipped", "stars"])
def test_what_looks_like_some_is_none(frame: np.ndarray) -> None:
    assert find_impulses([rounded(frame)], [None]) is None


def test_dots_in_black_and_white_are_none() -> None:
    dithered = rounded(255 * (np.random.default_rng(5).random((128, 128)) < noisy(1) / 255))
    assert find_impulses([dithered], [None]) is None


def test_the_noise_beside_them_is_what_is_trained_on() -> None:
    frame = rounded(with_impulses(noisy(), 0.05))
    config = INSTANT
    trained = train([frame], config)
    assert trained.corrections.impulse_share == pytest.approx(0.05, rel=0.1)
    assert trained.noise.tails is None
    assert trained.noise.sigma([frame]) == pytest.approx(SIGMA, rel=0.15)
    kept = train([frame], config.updated({"sensor": {"correct_impulses": False}}))
    assert kept.corrections.impulse_share == 0 and kept.noise.tails is not None


def test_they_are_replaced_in_other_frames_and_by_weights_exported_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    save_image(path, Frame(rounded(with_impulses(noisy(), 0.03))))
    bundle = zsn2m.train_and_export(path, tmp_path / "a.zsn2m", TINY)
    training = bundle.manifest.training
    assert training.impulse_share == pytest.approx(0.03, rel=0.1)
    assert "salt and pepper, 3" in (training.chosen or "")
    assert bundle.manifest.method.model_dump()["sensor"]["correct_impulses"] is True
    assert not [text for text in training.warnings if "structure" in text or "tails" in text]
    other = rounded(noisy(seed=1002))
    spoilt = rounded(with_impulses(noisy(seed=1002), 0.03, seed=6))
    denoiser = zsn2m.Denoiser(bundle.path)
    result = denoiser(spoilt)
    apart = np.abs(result.astype(float) - denoiser(other))
    assert (apart > 25).mean() < 1e-3
    assert run_command(capsys, "export", bundle.path).code == 0
    np.testing.assert_array_equal(zsn2m.Denoiser(bundle.path)(spoilt), result)


def test_methods_that_keep_them_warn() -> None:
    frame = rounded(with_impulses(noisy(1), 0.03))
    schedule = {"iterations": 2, "crop_side": 32}
    trained = train([frame], TINY.updated({"method": "mbd", "mbd": {"schedule": schedule}}))
    assert any(text.startswith("salt and pepper, 2.") for text in trained.warnings)
    assert trained.corrections.impulse_share == 0 and trained.corrections.impulses is None
    assert trained.unmodelled is not None


def test_they_are_no_defective_pixels_that_were_not_found() -> None:
    trained = train([rounded(with_impulses(noisy(), 0.05))], TINY.updated({"sensor": {"correct_defects": True}}))
    assert trained.corrections.impulse_share > 0
    assert not any("hot or dead" in text for text in trained.warnings)


def test_inspect_tells_of_them_and_of_the_noise_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.png"
    save_image(path, Frame(rounded(with_impulses(noisy(side=192), 0.05))))
    facts = run_command(capsys, "inspect", path, "--json").json
    assert facts["impulse_share"] == pytest.approx(0.05, rel=0.1)
    assert facts["noise_sigma"] == pytest.approx(SIGMA, rel=0.15)
    assert "\nsalt and pepper" in run_command(capsys, "inspect", path).out
    save_image(path, Frame(rounded(noisy())))
    assert "salt and pepper" not in run_command(capsys, "inspect", path).out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_those_of_the_manifest_are_replaced_as_in_the_graph(channels: int, dtype: type) -> None:
    frame = rounded(with_impulses(noisy(channels), 0.05)).astype(dtype)
    found = find_impulses([frame], [None])
    assert found is not None
    correction = ImpulseCorrection(channels, found.rule)
    expected, _ = correction.corrected(frame)
    made = without_impulses(frame, correction.record())
    assert made.dtype == frame.dtype
    assert np.abs(made.astype(float) - expected).max() <= 1
    assert (made != frame).mean() == pytest.approx(found.share, rel=0.01)
    np.testing.assert_array_equal(without_impulses(frame, None), frame)


@pytest.fixture(scope="module")
def salted(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    frame = rounded(with_impulses(noisy(1, 192), 0.05))
    return zsn2m.train_and_export(frame, tmp_path_factory.mktemp("salted") / "a.zsn2m", INSTANT)


def test_what_a_bundle_keeps_is_of_the_frames_without_them(salted: Bundle) -> None:
    manifest = salted.manifest
    assert manifest.look is not None and manifest.look.noise == pytest.approx((1.0, 1.0), rel=0.2)
    assert "clipped" not in (manifest.training.chosen or "")
    report = json.loads((salted.path / "report.json").read_text())
    assert report["noise"]["clipping"]["low_share"] < 1e-3


def test_frames_with_and_without_them_are_like_the_training_frames_and_stronger_noise_is_not(salted: Bundle) -> None:
    denoiser = zsn2m.Denoiser(salted.path)
    assert denoiser.unlike(rounded(noisy(1, 192, 1001))) == ()
    assert denoiser.unlike(rounded(with_impulses(noisy(1, 192, 1001), 0.05))) == ()
    more = noisy(1, 192, 1001) + 4 * SIGMA * np.random.default_rng(7).standard_normal((192, 192))
    said = denoiser.unlike(rounded(with_impulses(more, 0.05)))
    assert any(text.startswith("noise:") for text in said)


def test_the_noisy_frame_of_the_self_check_has_them(salted: Bundle) -> None:
    check = json.loads((salted.path / "report.json").read_text())["self_check"]
    clean = 60 + 0.55 * scene(channels=1, side=192, seed=1000).clean
    frame = rounded(with_impulses(noisy(1, 192), 0.05))
    assert check["noisy_psnr"] == pytest.approx(10 * np.log10(255**2 / np.square(frame - clean).mean()), abs=0.5)


def test_the_colour_filters_of_a_mosaic_are_seen_beside_them() -> None:
    gains = np.tile([[0.5, 1.0], [1.0, 0.7]], (64, 64))
    with pytest.raises(InputError, match="mosaic"):
        train([rounded(with_impulses(noisy(1) * gains, 0.05))], TINY)


def test_rows_with_offsets_are_measured_without_them() -> None:
    offsets = 8 * np.random.default_rng(8).standard_normal((192, 1))
    found = train([rounded(with_impulses(noisy(1, 192) + offsets, 0.05))], INSTANT)
    assert [rows.axis for rows in found.corrections.offsets.row_noise] == ["rows"]
    assert found.corrections.offsets.row_noise[0].sigma == pytest.approx(8, rel=0.2)
