"""Salt and pepper: found where it is, told from lines, noise at the ends and points of light, replaced in the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.commands import run_command
from support.scenes import scene

import zsn2m_deploy as zsn2m
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.noise.impulses import find_impulses
from zsn2m_deploy.training import train
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

SIGMA = 10.0
TINY = TrainConfig().updated({"sensor": {"scenes": 1, "schedule": {"iterations": 2, "crop_side": 64}}})


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


@pytest.mark.parametrize("share", [0.005, 0.05])
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


def test_those_of_a_sensor_end_where_its_values_end() -> None:
    counts = np.rint(16 * with_impulses(noisy(1), 0.02, (1.0, 255.9))).astype(np.uint16)
    found = find_impulses([counts, np.rint(16 * noisy(1, seed=1001)).astype(np.uint16)], [None, None])
    assert found is not None and found.share == pytest.approx(0.01, rel=0.15)
    unit = (with_impulses(noisy(1), 0.02) / 255).astype(np.float32)
    assert find_impulses([unit], [None]) is not None


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
    config = TrainConfig.from_preset("instant")
    trained = train([frame], config)
    assert trained.impulse_share == pytest.approx(0.05, rel=0.1)
    assert trained.noise.tails is None
    assert trained.noise.sigma([frame]) == pytest.approx(SIGMA, rel=0.15)
    kept = train([frame], config.updated({"sensor": {"correct_impulses": False}}))
    assert kept.impulse_share == 0 and kept.noise.tails is not None


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
