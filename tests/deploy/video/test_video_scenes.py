"""Drawn sequences: what moves, where it was before, and what is told of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from zsn2m_deploy.pretrain.scenes import Floats
from zsn2m_deploy.video import scenes, sequences
from zsn2m_deploy.video.network import moved

SIDE, LENGTH = 64, 6


@pytest.fixture
def pictures() -> list[Floats]:
    generator = np.random.default_rng(0)
    drawn = [generator.random((160, 160, 3)).astype(np.float32) for _ in range(3)]
    return [cv2.GaussianBlur(picture, (0, 0), 3.0) for picture in drawn]


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """No objects, cuts, changes of light or errors of motion; the camera moves slowly."""
    for name in ("CUT", "UNMOVED", "LIT", "MOST_OFF", "FAR_OFF", "STILL"):
        monkeypatch.setattr(scenes, name, 0.0)
    monkeypatch.setattr(scenes, "MOST_OBJECTS", 0)
    monkeypatch.setattr(scenes, "FASTEST", 3.0)


@pytest.mark.usefixtures("exact")
def test_motion_leads_to_where_content_was(pictures: list[Floats]) -> None:
    for seed in range(6):
        drawn = scenes.clip(np.random.default_rng(seed), pictures, SIDE, LENGTH)
        frames = torch.from_numpy(drawn.frames).movedim(3, 1)
        brought = moved(frames[:-1], torch.from_numpy(drawn.motion[1:]))
        inside = (..., slice(16, -16), slice(16, -16))
        error = (brought - frames[1:])[inside].square().mean()
        change = (frames[:-1] - frames[1:])[inside].square().mean()
        assert float(error) < max(1e-6, 0.05 * float(change))


@pytest.mark.usefixtures("exact")
def test_still_cameras_show_the_same_frame(pictures: list[Floats], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "STILL", 1.0)
    drawn = scenes.clip(np.random.default_rng(0), pictures, SIDE, LENGTH)
    assert np.array_equal(drawn.frames, np.repeat(drawn.frames[:1], LENGTH, axis=0))
    assert not drawn.motion.any()


@pytest.mark.usefixtures("exact")
def test_objects_move_before_the_scene_and_hide_it(pictures: list[Floats], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "MOST_OBJECTS", 3)
    monkeypatch.setattr(scenes, "STILL", 1.0)
    monkeypatch.setattr(scenes, "SPILLED", 0.0)
    moving = 0
    for seed in range(8):
        drawn = scenes.clip(np.random.default_rng(seed), pictures, SIDE, LENGTH)
        places = np.abs(drawn.motion[1:]).max(axis=(0, 3)) > 0
        moving += 0 < places.mean() < 1
    assert moving >= 4


@pytest.mark.usefixtures("exact")
def test_errors_of_motion_are_smooth_and_of_their_size(pictures: list[Floats], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "STILL", 1.0)
    monkeypatch.setattr(scenes, "MOST_OFF", 0.7)
    errors = [scenes.clip(np.random.default_rng(seed), pictures, SIDE, LENGTH).motion for seed in range(20)]
    sizes = np.array([np.sqrt(np.square(error).mean()) for error in errors])
    assert 0.05 < sizes.mean() < 0.35
    steps = np.array([np.abs(np.diff(error, axis=1)).mean() for error in errors])
    assert (steps < 0.5 * sizes).all()


def test_a_cut_shows_another_scene(pictures: list[Floats], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "CUT", 1.0)
    monkeypatch.setattr(scenes, "LIT", 0.0)
    monkeypatch.setattr(scenes, "FASTEST", 0.2)
    drawn = scenes.clip(np.random.default_rng(1), pictures, SIDE, LENGTH)
    assert drawn.frames.shape == (LENGTH, SIDE, SIDE, 3)
    changes = np.square(np.diff(drawn.frames, axis=0)).mean(axis=(1, 2, 3))
    assert changes.max() > 5 * np.median(changes)


def test_chunks_follow_each_other_and_half_of_them_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "SCENES", 3)
    monkeypatch.setattr(sequences, "CLIPS", 3)
    source = sequences.SequenceSource(3, seed=0, sequences=4, side=32)
    first, second = source(), source()
    assert first.noisy.shape == first.clean.shape == (sequences.CHUNK, 4, 3, 32, 32)
    assert first.begins.tolist() == [True, True, False, False]
    assert second.begins.tolist() == [False, False, True, True]
    assert torch.equal(first.line[:, :2], second.line[:, :2])  # of sequences that go on
    assert first.deviation(0, first.noisy[0]).shape == (4, 1, 32, 32)


def test_the_noise_is_as_strong_as_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "SCENES", 3)
    monkeypatch.setattr(sequences, "CLIPS", 3)
    for name in ("MISJUDGED", "CLIPPED", "LATE"):
        monkeypatch.setattr(sequences, name, 0.0)
    monkeypatch.setattr(sequences, "GAIN", 1.0)
    source = sequences.SequenceSource(1, seed=0, sequences=16, side=48)
    chunk = source()
    noise = (chunk.noisy - chunk.clean).square().mean(dim=(2, 3, 4)).sqrt()
    told = torch.stack(
        [chunk.deviation(index, clean).square().mean(dim=(1, 2, 3)).sqrt() for index, clean in enumerate(chunk.clean)]
    )
    assert float((noise / told).log().abs().mean()) < 0.1
    assert float(chunk.told.max() / chunk.told.min()) > 2
