"""The temporal blend where something moves: no trails."""

from __future__ import annotations

import numpy as np
import pytest
from support.sequences import (
    FRAMES,
    LOSS,
    OPEN,
    SETTLED,
    SIDE,
    SIGMA,
    Array,
    blend,
    edge,
    object_over_background,
    pan,
    scene,
)

from zsn2m_runtime.streaming import temporal


@pytest.mark.parametrize("speed", [0.1, 0.25, 0.5, 1.0, 2.0, 5.0])
def test_a_camera_that_moves_costs_nothing(speed: float) -> None:
    assert blend(pan(speed)).moving_gain() > -LOSS


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("speed", [0.3, 1.0, 3.0])
def test_an_object_over_a_still_background_leaves_no_trail(speed: float, down: bool) -> None:
    frames = object_over_background(speed)
    result = blend([frame.swapaxes(0, 1) for frame in frames] if down else frames)
    assert result.moving_gain() > -LOSS
    assert result.gain() > 0.2  # the background is better


@pytest.mark.parametrize("contrast", [8, 16, 32])
@pytest.mark.parametrize("speed", [0.25, 0.5])
def test_a_faint_edge_that_moves_slowly_leaves_no_trail(contrast: float, speed: float) -> None:
    result = blend(edge(contrast, speed), "float32")
    assert result.gain() > 3
    changed = np.abs(result.clean[1:] - result.clean[0]) > 2 / 255  # all that the edge has swept
    assert result.gain(changed) > -LOSS


def test_an_area_that_blinks_without_an_edge_leaves_no_trail() -> None:
    assert blend(blinking(), "float32", sigma=SIGMA / 4).moving_gain() > -LOSS


def test_without_the_shift_test_objects_leave_trails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "SHIFT", OPEN)
    assert blend(object_over_background(0.3)).moving_gain() < -10 * LOSS


def test_without_the_change_test_areas_leave_trails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "CHANGE", OPEN)
    assert blend(blinking(), "float32", sigma=SIGMA / 4).moving_gain() < -10 * LOSS


@pytest.mark.parametrize("limit", ["MOVED", "NOISE_GROWTH"])
def test_without_either_limit_a_cut_leaves_a_trail(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, limit, OPEN[0])
    result = blend([scene()] * SETTLED + [scene()[::-1]], sigma=2 * SIGMA, correlated=True)
    assert not np.array_equal(result.blended[SETTLED], result.denoised[SETTLED])


def blinking() -> list[Array]:
    across, down = np.meshgrid(*[np.arange(SIDE, dtype=np.float32) - SIDE / 2] * 2)
    glow = np.exp(-(across**2 + down**2) / (2 * 20**2))
    return [np.float32(0.4) + np.float32(0.02 * np.sin(index)) * glow for index in range(FRAMES)]
