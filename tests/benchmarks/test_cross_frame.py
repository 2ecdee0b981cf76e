"""The cross-frame benchmark: which pairs it plans, what it computes from rows, and that it goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import cross_frame, cross_frame_plan, cross_frame_tables
from benchmarks.quality.cross_frame_plan import FRESH, LATER, TRAINED, Shot, Training
from zsn2m_deploy.sample import SampleConfig

IMAGES = [f"kodim0{number}.png" for number in range(1, 9)]
FIELDS = ["confocal_fish", "confocal_mice", "confocal_bpae_b", "widefield_bpae_b"]
CAPTURES = [f"noisy/{field}_{number}.png" for number in range(1, 5) for field in FIELDS]


def shots_by_scenario(training: Training) -> dict[str, list[Shot]]:
    found: dict[str, list[Shot]] = {}
    for scenario, shot in training.tests:
        found.setdefault(scenario, []).append(shot)
    return found


def row(training: str, scenario: str, test: str, psnr: float | None, **values: object) -> cross_frame.Row:
    base = cross_frame.Row(
        "kodak24", training, "mbd", scenario, test, psnr, 20.0, 0.1, None, None, "c", "2026-01-01", "m", ""
    )
    return replace(base, **values)


# --- the plan -------------------------------------------------------------------------------------


def test_each_scene_is_used_on_all_others_under_fresh_noise() -> None:
    trainings = cross_frame_plan.one_scene(IMAGES)
    assert len(trainings) == 8
    for training, image in zip(trainings, IMAGES, strict=True):
        found = shots_by_scenario(training)
        assert training.frames == (Shot("kodak24", image, TRAINED),)
        assert found["same scene"] == [Shot("kodak24", image, FRESH)]
        assert found["other scene"] == [Shot("kodak24", other, FRESH) for other in IMAGES if other != image]
        assert found["gain 1.5"] == [Shot("kodak24", image, FRESH, 1.5)]
        assert found["gain 0.5"] == [Shot("kodak24", image, FRESH, 0.5)]


def test_three_scenes_never_hold_the_tested_one() -> None:
    trainings = cross_frame_plan.three_scenes(IMAGES)
    assert [training.tests[0][1].image for training in trainings] == IMAGES
    assert all(training.tests[0][1].seed == FRESH for training in trainings)
    assert [shot.label for shot in trainings[6].frames] == ["kodim08", "kodim01", "kodim02"]
    assert trainings[6].name == "kodim08 + kodim01 + kodim02"


def test_captures_stay_within_a_microscope() -> None:
    trainings = {training.name: shots_by_scenario(training) for training in cross_frame_plan.captures(CAPTURES)}
    assert sorted(trainings) == sorted(f"{field}_1" for field in FIELDS)
    mice = {scenario: [shot.label for shot in shots] for scenario, shots in trainings["confocal_mice_1"].items()}
    assert mice == {
        "same frame": ["confocal_mice_1"],
        "other capture": [f"confocal_mice_{number}" for number in (2, 3, 4)],
        "other field": ["confocal_fish_1", "confocal_bpae_b_1"],
    }
    assert "other field" not in trainings["widefield_bpae_b_1"]


def test_every_tested_frame_has_its_own_network() -> None:
    plan = [
        *cross_frame_plan.one_scene(IMAGES),
        *cross_frame_plan.three_scenes(IMAGES),
        *cross_frame_plan.own_gain(IMAGES),
        *cross_frame_plan.captures(CAPTURES),
        *cross_frame_plan.own_captures(CAPTURES),
        *cross_frame_plan.sequence("sample"),
        *cross_frame_plan.sequence("seq_beads"),
    ]
    tests = [(scenario, shot) for training in plan for scenario, shot in training.tests]
    own = [shot for scenario, shot in tests if scenario in cross_frame_plan.OWN]
    assert len(own) == len(set(own))
    assert {shot for _, shot in tests} == set(own)
    keys = [key for training in plan for key in cross_frame.expected(training, "full")]
    assert len(keys) == len(set(keys))


def test_real_noise_is_known_as_such() -> None:
    named = {training.dataset: training.real for training in cross_frame_plan.sequence("seq_beads")}
    named |= {training.dataset: training.real for training in cross_frame_plan.captures(CAPTURES)}
    named |= {training.dataset: training.real for training in cross_frame_plan.one_scene(IMAGES)}
    named |= {training.dataset: training.real for training in cross_frame_plan.sequence("sample")}
    assert named == {"seq_beads": True, "fmd": True, "kodak24": False, "sample": False}


# --- the figures ----------------------------------------------------------------------------------


def test_shift_is_that_of_the_channel_that_moved_most() -> None:
    noisy = np.full((4, 4, 3), 100, np.float32)
    moved = noisy + np.array([0.5, -2.0, 1.0], np.float32)
    assert cross_frame.shift(moved, noisy) == pytest.approx(-2.0)
    assert cross_frame.shift(moved[..., 0], noisy[..., 0]) == pytest.approx(0.5)


def test_flicker_sees_the_network_and_neither_the_lamp_nor_what_moves() -> None:
    lamp = np.array([0.0, 3.0, 9.0])
    clean = [np.full((2, 8), 50.0, np.float32) for _ in lamp]
    noisy = [np.float32(frame + level) for frame, level in zip(clean, lamp, strict=True)]
    assert cross_frame.flicker(noisy, noisy, None) == pytest.approx(0)
    network = [np.float32(frame + step) for frame, step in zip(noisy, (-1.0, 0.0, 1.0), strict=True)]
    assert cross_frame.flicker(network, noisy, clean) == pytest.approx(1.0)
    for number, frame in enumerate(clean):
        frame[0, number] = 200
        noisy[number][0, 0] = 100 * number
    for number in range(3):
        network[number][0, :3] = 1000 * number
        noisy[number][0, :3] = 0
    assert cross_frame.flicker(network, noisy, clean) == pytest.approx(1.0)


def test_losses_are_against_the_tested_frames_own_network() -> None:
    rows = [
        row("a", "same scene", "a", 30.0),
        row("b", "same scene", "b", 28.0),
        row("a", "other scene", "b", 27.5, shift=-0.4),
        row("b", "other scene", "a", 26.0, shift=0.3),
        row("b", "other scene", "a", 29.0, model="grd"),  # of which no own network was measured
        row("a", "gain 1.5", "a x1.5", 25.0),
    ]
    found = cross_frame_tables.summaries(rows)
    other = found["kodak24", "other scene", "mbd"]
    assert other.losses == pytest.approx({"a -> b": 0.5, "b -> a": 4.0})
    assert (other.count, other.mean_loss, other.worst, other.much, other.shift) == (2, 2.25, "b -> a", 1, 0.4)
    assert found["kodak24", "same scene", "mbd"].psnr == pytest.approx(29.0)
    assert not found["kodak24", "same scene", "mbd"].losses
    assert not found["kodak24", "other scene", "grd"].losses
    assert not found["kodak24", "gain 1.5", "mbd"].losses
    text = cross_frame_tables.body(rows)
    assert "| kodak24 | other scene | mbd | 2 | 20.00 | 26.75 | 2.25 | 4.00 (b -> a) | 1 | 0.40 |" in text
    assert "| a | **30.00** | 27.50 |" in text
    assert "| b | 26.00 | **28.00** |" in text


def test_sequences_without_a_clean_frame_have_flicker_only() -> None:
    beads = {"dataset": "seq_beads", "noisy_psnr": None, "shift": -0.25}
    rows = [
        row("frame 1", "later frames", "frame 2", None, **beads),
        row("frame 1", "later frames", LATER, None, flicker=1.5, noisy_flicker=5.0, **beads),
    ]
    assert cross_frame_tables.summaries(rows) == {}
    assert "| seq_beads | frame 1 | mbd | 5.00 | 1.50 | -0.250 |" in cross_frame_tables.body(rows)


# --- from training to rows ------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three iterations, small frames, rows of their own."""
    schedule = {"iterations": 3, "crop_side": 32}
    values = {"mbd": {"schedule": schedule}, "grd": {"widths": (8, 16), "schedule": schedule}}
    configured = cross_frame.configured
    monkeypatch.setattr(cross_frame, "configured", lambda *names: configured(*names).updated(values))
    monkeypatch.setattr(cross_frame, "ROWS", tmp_path / "rows.csv")
    monkeypatch.setattr(cross_frame_plan, "SAMPLE", SampleConfig(frames=5, width=64, height=64))


@pytest.mark.usefixtures("small")
def test_rows_are_written_and_not_measured_again() -> None:
    later, each = cross_frame_plan.sequence("sample")
    assert cross_frame.missing([later, each], "mbd") == [later, each]
    cross_frame.append(cross_frame.measure(later, "mbd"))
    assert cross_frame.missing([later, each], "mbd") == [each]
    assert cross_frame.missing([later], "full") == [later]
    cross_frame.append(cross_frame.measure(later, "full"))  # with rows that are there already
    assert cross_frame.missing([later], "full") == []
    rows = cross_frame.load()
    assert {found.key for found in rows} == cross_frame.expected(later, "full")
    assert len(rows) == 2 * 5
    for found in rows:
        assert (found.psnr is None) == (found.flicker is not None) == (found.test == LATER)
        assert abs(found.shift) < 20


@pytest.mark.usefixtures("small")
def test_each_frame_gets_a_network_of_its_own() -> None:
    each = cross_frame_plan.sequence("sample")[1]
    rows = cross_frame.measure(each, "mbd")
    assert [found.training for found in rows] == ["frame 2", "frame 3", "frame 4", "frame 5", "each frame"]
    assert {found.key for found in rows} == cross_frame.expected(each, "mbd")
