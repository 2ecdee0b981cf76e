"""Frames of different noise are told apart, adapted to as a mixture, and said so; those of one sensor are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.scenes import scene
from support.trainings import STILLS

from zsn2m_deploy.adapt import stage as sensor_stage
from zsn2m_deploy.adapt.mixture import MOST_GROUPS, Kind, apart, grouped, in_words, merged
from zsn2m_deploy.api import train_and_export
from zsn2m_deploy.config.networks import SensorConfig
from zsn2m_deploy.frames.scene import scene_of
from zsn2m_deploy.noise.defects import find_defects_of_groups
from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_deploy.training import train
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.estimate import estimate_noise

SCHEDULE = SensorConfig().schedule.model_copy(update={"crop_side": 64})
SHORT = {"sensor": {"schedule": {"iterations": 3, "crop_side": 48}}}
CPU = torch.device("cpu")


def clean(seed: int, side: int = 96, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    drawn = 30 + 190 * np.clip(dead_leaves(generator, side, random_palette(generator)), 0, 1)
    return np.asarray(drawn[..., 0] if channels == 1 else drawn, np.float32)


def smooth(seed: int, side: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / side
    return np.asarray(60 + 100 * rows + 30 * np.sin(seed + 5 * columns), np.float32)


def photons(picture: np.ndarray, most: float, seed: int) -> np.ndarray:
    """As a sensor gives it whose gain is set so that white is 255, by so many photons."""
    drawn = np.random.default_rng(seed).poisson(picture * most / 255) * (255 / most)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8)


def gaussian(picture: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    return np.asarray(picture + sigma * np.random.default_rng(seed).normal(size=picture.shape), np.float32)


def kind(sigma: float, level: tuple[float, float] = (0.3, 0.6), slope: float = 0.0, beside: float = 0.0) -> Kind:
    levels = np.array(level)[:, None]
    return Kind(levels, slope * levels + sigma**2, np.array([slope]), np.array([beside, beside]))


def test_day_and_night_are_two_groups_and_the_first_frame_is_in_the_first() -> None:
    frames = [photons(clean(seed), most, seed) for seed, most in ((1000, 25), (1001, 400), (1002, 25), (1003, 400))]
    assert grouped(frames, SCHEDULE, CPU, 0) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("seed", [1010, 1020])
def test_one_sensor_at_one_gain_is_one_group_whatever_the_picture(seed: int) -> None:
    flat, busy = np.full((96, 96), 120, np.float32), clean(seed)
    busy = busy + 20 * np.sin(np.indices(busy.shape).sum(axis=0) / 2)
    assert grouped([gaussian(flat, 25, seed), gaussian(busy, 25, seed + 1)], SCHEDULE, CPU, 0) == [[0, 1]]
    assert grouped([photons(clean(seed + i), 25, seed + i) for i in range(3)], SCHEDULE, CPU, 0) == [[0, 1, 2]]


@pytest.mark.parametrize("shape", ["ring", "diagonal", "rim"])
def test_what_blank_areas_are_filled_with_is_no_other_noise(shape: str) -> None:
    rows, columns = np.mgrid[:192, :192]
    away = np.hypot(rows - 96, columns - 96)
    blank = {
        "ring": (away < 50) | (away > 90),
        "diagonal": abs(rows - columns) > 20,
        "rim": (abs(rows - 96) < 76) & (abs(columns - 96) < 76),
    }[shape]
    cut, whole = (gaussian(clean(1040 + seed, 192), 20, seed) for seed in range(2))
    scene = scene_of(Frame(cut, np.where(blank, 0, 255).astype(np.uint8)))
    assert scene.blank is not None
    assert grouped([scene.pixels, whole], SCHEDULE, CPU, 0, [scene.blank, None]) == [[0, 1]]
    other = gaussian(clean(1042, 192), 40, 2)
    assert grouped([scene.pixels, other], SCHEDULE, CPU, 0, [scene.blank, None]) == [[0], [1]]


def test_another_exposure_is_no_other_gain() -> None:
    """Photons counted one by one: the darker frame has less noise, on the same line."""
    generator = np.random.default_rng(1030)
    bright, dark = (generator.poisson(clean(1031 + i) * most / 255) for i, most in enumerate((400, 60)))
    assert grouped([bright.astype(np.uint16), dark.astype(np.uint16)], SCHEDULE, CPU, 0) == [[0, 1]]


def test_lines_of_variance_are_compared_not_levels() -> None:
    assert apart([kind(0.05), kind(0.055)]) < 1
    assert apart([kind(0.05), kind(0.07)]) > 1
    assert apart([kind(0.01, (0.1, 0.2), 0.01), kind(0.01, (0.7, 0.9), 0.01)]) < 1  # one line
    assert apart([kind(0.02, (0.5, 0.5)), kind(0.1, (0.52, 0.52))]) > 1  # flat frames lie on no line at will
    assert apart([kind(0.1, (0.1, 0.3), 0.01), kind(0.05, (0.6, 0.9), 0.01)]) > 1  # the brighter one has less
    assert apart([kind(0.1), kind(0.1, beside=0.4)]) > 1


def test_no_more_groups_than_a_few_and_the_nearest_go_together() -> None:
    kinds = [kind(0.02 * 1.5**step) for step in range(6)] + [kind(0.02)]
    groups = merged(kinds)
    assert len(groups) == MOST_GROUPS
    assert sorted(index for group in groups for index in group) == list(range(7))
    assert next(group for group in groups if 0 in group).count(6) == 1


def test_frames_beyond_those_looked_at_join_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zsn2m_deploy.adapt.mixture.MOST_LOOKED_AT", 2)
    frames = [gaussian(clean(1040 + i, 64), sigma, i) for i, sigma in enumerate((5, 40, 5, 40))]
    assert grouped(frames, SCHEDULE, CPU, 0) == [[0, 2], [1, 3]]


def test_correlated_noise_is_another_group_than_white() -> None:
    frames = [scene(noise, 1, seed, 128).noisy for seed, noise in ((1050, "white"), (1051, "correlated"))]
    assert grouped(frames, SCHEDULE, CPU, 0) == [[0], [1]]


def test_defects_are_found_by_each_frames_own_noise() -> None:
    quiet, loud = gaussian(clean(1060, 128), 2, 0), gaussian(clean(1061, 128), 30, 1)
    flat = np.random.default_rng(2).choice(quiet.size, 40, replace=False)
    quiet.reshape(-1)[flat] += 90
    noises = [estimate_noise([frame]) for frame in (quiet, loud)]
    found, without = find_defects_of_groups([quiet, loud], [[0], [1]], noises)
    assert found is not None
    assert np.count_nonzero(found.frames[0] != quiet) > 20
    assert np.array_equal(found.frames[1], loud)
    assert found.correction.corrected(loud)[1] == 0  # in use nobody says which group a frame is of
    assert np.isfinite([model.sigma([quiet]) for model in without]).all()


def test_words_name_frames_and_noise() -> None:
    assert in_words([(["a", "b"], 4.12), (["c"], 17.3)]) == "frames of different noise: a, b at 4.12, c at 17.3"
    assert "f and 3 more at 5" in in_words([(list("abcdefghi"), 5.0)])


@pytest.mark.parametrize("method", ["mbd", "full"])
def test_stages_that_cannot_are_refused_with_both_figures(method: str) -> None:
    frames = [gaussian(clean(1070 + i, 64), sigma, i) for i, sigma in enumerate((5, 40))]
    config = STILLS.updated({"method": method, **SHORT})
    with pytest.raises(InputError, match=r"day\.png at [4-8]\..*night\.png at (3\d|4\d).*separately.*--method adapt"):
        train(frames, config, names=["day.png", "night.png"])


def test_a_mixture_is_kept_and_said(tmp_path: Path) -> None:
    frames = [gaussian(smooth(1080 + i), sigma, i) for i, sigma in enumerate((4, 40, 40))]
    frames = [np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in frames]
    config = STILLS.updated(SHORT)
    bundle = train_and_export(frames, tmp_path / "cam.zsn2m", config)
    quiet, loud = bundle.manifest.mixture
    assert (len(quiet.frames), len(loud.frames)) == (1, 2)
    assert quiet.sigma == pytest.approx(4, rel=0.4)
    assert loud.sigma == pytest.approx(40, rel=0.2)
    assert bundle.manifest.noise == quiet.noise
    assert bundle.manifest.sensor.noise_sigma == quiet.sigma
    assert "different noise" in bundle.manifest.training.chosen
    assert "different noise" in (tmp_path / "cam.zsn2m" / "report.html").read_text()
    denoiser = Denoiser(tmp_path / "cam.zsn2m", provider="cpu")
    assert not any("noise" in text for frame in frames for text in denoiser.unlike(frame))
    fainter = np.clip(np.rint(gaussian(smooth(1080), 0.6, 9)), 0, 255).astype(np.uint8)
    assert any(text.startswith("noise") for text in denoiser.unlike(fainter))


def test_one_group_adapts_as_a_single_noise_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grouping takes no random number and leaves no trace in the weights."""
    frames = [gaussian(clean(1090 + i, 64), 20, i) for i in range(2)]
    config = STILLS.updated(SHORT)
    found = train(frames, config)
    monkeypatch.setattr("zsn2m_deploy.preparation.grouped", lambda frames, *_: [list(range(len(frames)))])
    without = train(frames, config)
    weights = [trained.networks["sensor"].state_dict() for trained in (found, without)]
    assert len(found.groups) == 1
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_each_group_has_its_own_noise_and_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    real = sensor_stage.sensor_loss

    def counted(*args: Any) -> torch.Tensor:
        seen.append(float(args[4].draw(torch.full((1, 1, 64, 64), 0.5)).std()))
        return real(*args)

    monkeypatch.setattr(sensor_stage, "sensor_loss", counted)
    frames = [gaussian(clean(1100 + i, 64), sigma, i) for i, sigma in enumerate((5, 40, 40, 40))]
    trained = train(frames, STILLS.updated(SHORT))
    assert [group.frames for group in trained.groups] == [(0,), (1, 2, 3)]
    quiet, loud, again = seen  # turns, however many frames a group has
    assert loud > 4 * quiet
    assert quiet == pytest.approx(again, rel=0.1)
