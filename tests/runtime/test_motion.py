"""Known motion is found between the previous result and a frame in any noise, and none to another scene."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.motion import Flow, flow, still

Array = np.ndarray[Any, Any]

SIDE, MARGIN = 256, 48  # of the frames, and what moves in from beyond their border


@functools.cache
def world() -> Array:
    """A scene in [0, 255], (3, h, w), larger than the frames."""
    side = SIDE + 2 * MARGIN
    return clean_scene(SampleConfig(width=side, height=side)).transpose(2, 0, 1) * np.float32(255)


def view(right: int = 0, down: int = 0, height: int = SIDE, width: int = SIDE) -> Array:
    """What a camera sees that looks so far to the right and down, (1, 3, height, width)."""
    top, left = MARGIN + down, MARGIN + right
    return world()[None, :, top : top + height, left : left + width].copy()


def other_view() -> Array:
    """Another scene: the same upside down and mirrored."""
    return view()[..., ::-1, ::-1].copy()


def with_noise(planes: Array, sigma: float, seed: int = 1) -> Array:
    """As an 8-bit sensor gives it."""
    noise = np.random.default_rng(seed).normal(0, sigma, planes.shape)
    return np.rint(planes + noise).clip(0, 255).astype(np.float32)


def moved(before: Array, now: Array) -> Array | None:
    """What was before, where it is now; None after a cut."""
    found = flow(before, now)
    return None if found is None else found.bring(before)


def error(planes: Array | None, clean: Array) -> float:
    """Away from the borders, where content comes in."""
    assert planes is not None
    inside = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    return float(np.sqrt(np.mean(np.square(planes - clean)[inside])))


@pytest.mark.parametrize("sigma", [0.0, 25.0, 50.0])
@pytest.mark.parametrize(("right", "down"), [(3, 1), (-7, 5), (20, -12)])
def test_a_pan_is_followed(right: int, down: int, sigma: float) -> None:
    before, now = view(), view(right, down)
    there = moved(before, with_noise(now, sigma))
    assert error(there, now) < 0.4 * error(before, now)


def test_only_what_moves_is_moved() -> None:
    before, now = view(), view()
    before[..., 80:176, 80:176] = other_view()[..., 80:176, 80:176]
    now[..., 80:176, 90:186] = other_view()[..., 80:176, 80:176]
    there = moved(before, with_noise(now, 10.0))
    assert there is not None
    object_ = (..., slice(88, 168), slice(106, 170))
    assert np.std((there - now)[object_]) < 0.5 * np.std((before - now)[object_])
    assert np.std((there - now)[..., :60]) < 0.1 * np.std(now)


def test_what_stands_still_stays() -> None:
    assert error(moved(view(), with_noise(view(), 25.0)), view()) < 2.5


@pytest.mark.parametrize("scale", [1e-3, 257.0])
def test_units_do_not_matter(scale: float) -> None:
    before, now = view(), with_noise(view(5, 3), 10.0)
    scaled = moved(before * np.float32(scale), now * np.float32(scale))
    plain = moved(before, now)
    assert scaled is not None and plain is not None
    np.testing.assert_allclose(scaled / scale, plain, atol=0.2)


@pytest.mark.parametrize(("height", "width"), [(SIDE, 201), (77, 130), (65, 64), (64, 8), (16, 16), (9, 300), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_size_and_number_of_channels(height: int, width: int, channels: int) -> None:
    before, now = (np.zeros((1, channels, height, width), np.float32) for _ in range(2))
    for planes, right in ((before, 0), (now, 4)):
        seen = view(right, height=height, width=min(width, SIDE))[:, np.arange(channels) % 3]
        planes[..., : seen.shape[3]] = seen
    there = moved(before, now)
    if min(height, width) < 16:
        assert there is None and still(before, now) is None
    else:
        assert there is not None and there.shape == before.shape and there.dtype == np.float32


@pytest.mark.parametrize(("height", "width"), [(56, 200), (30, 40), (256, 20)])
def test_small_frames_are_followed_and_cut(height: int, width: int) -> None:
    """Frames below 64 pixels once had the result before as it was, pan or cut: 0.6 and 3.6 dB lost."""
    before, now = view(height=height, width=width), view(3, 1, height, width)
    there = moved(before, with_noise(now, 15.0))
    assert there is not None
    inside = (..., slice(4, -4), slice(4, -4))
    assert np.std((there - now)[inside]) < 0.6 * np.std((before - now)[inside])
    assert moved(before, with_noise(other_view()[..., :height, :width], 15.0)) is None


@pytest.mark.parametrize("sigma", [5.0, 25.0, 75.0])
def test_a_still_camera_moves_nothing_and_has_cuts(sigma: float) -> None:
    for seed in range(5):
        found = still(view(), with_noise(view(), sigma, seed))
        assert found is not None
        assert found.bring(view()) is not None and (found.bring(view()) == view()).all()
        assert still(view(), with_noise(0.8 * view(), sigma, seed)) is not None
        assert still(view(), with_noise(other_view(), sigma, seed)) is None


def test_smaller_maps_are_moved_by_as_much() -> None:
    before, now = view(), view(8, -4)
    found = flow(before, now)
    assert found is not None
    mark = np.zeros((SIDE // 2, SIDE // 2), np.float32)
    mark[60:70, 60:70] = 1
    there = found.bring_small(mark, (SIDE, SIDE))
    assert there.shape == mark.shape
    assert there[63:71, 57:65].mean() > 0.9 and there.sum() == pytest.approx(100, rel=0.1)


def test_a_large_frame_is_looked_at_from_farther_away() -> None:
    before, now = (np.kron(view(*at)[:, :1], np.ones((5, 5), np.float32)) for at in ((0, 0), (4, 2)))
    there = moved(before, with_noise(now, 25.0))
    assert error(there, now) < 0.5 * error(before, now)


@pytest.mark.parametrize("sigma", [5.0, 25.0, 75.0])
def test_another_scene_is_a_cut_and_noise_is_none(sigma: float) -> None:
    assert moved(view(), with_noise(other_view(), sigma)) is None
    assert moved(other_view(), with_noise(view(), sigma)) is None
    for seed in range(5):
        assert moved(view(), with_noise(view(), sigma, seed)) is not None
        assert moved(view(), with_noise(view(12, -9), sigma, seed)) is not None


@pytest.mark.parametrize("light", [0.75, 0.9, 1.2])
def test_light_that_changes_is_no_cut(light: float) -> None:
    assert moved(view(), with_noise(light * view(), 25.0)) is not None


def test_black_is_another_scene_and_plain_scenes_stay_what_they_are() -> None:
    black, grey = np.zeros_like(view()), np.full_like(view(), 100)
    assert moved(black, with_noise(view(), 25.0)) is None
    assert moved(view(), with_noise(black, 25.0)) is None
    assert moved(black, black) is not None
    left = np.random.default_rng(5).normal(0, 2, grey.shape).astype(np.float32)  # of the noise, by a denoiser
    for before in (grey, grey + left):
        assert moved(before, with_noise(grey, 10.0)) is not None


def test_the_frames_are_left_alone() -> None:
    before, now = view(), with_noise(view(3), 10.0)
    kept = before.copy(), now.copy()
    moved(before, now)
    np.testing.assert_array_equal(before, kept[0])
    np.testing.assert_array_equal(now, kept[1])


@pytest.mark.parametrize("factor", [2, 4])
def test_motion_is_in_doubt_at_what_moves_before_other_things(factor: int) -> None:
    """As much at any size of the frame; a camera that pans, turns or zooms leaves none."""
    small = np.zeros((40, 60, 2), np.float32)
    rows, columns = np.mgrid[:40, :60].astype(np.float32)
    small[..., 0], small[..., 1] = 3 + 0.1 * rows, -0.1 * columns
    cells, width = (20 * factor, 30 * factor), 60 * factor
    calm = Flow(factor * small).doubt(cells, width)
    assert calm is not None and calm.shape == cells and (calm == 0).all()
    small[10:30, 20:40, 0] += 6
    found = Flow(factor * small).doubt(cells, width)
    assert found is not None
    at = found[:: cells[0] // 20, :: cells[1] // 30]  # one of each 2 x 2 small pixels
    assert at[10, 10] > 10 and at[5, 15] > 10
    assert at[10, 15] == 0 and (at[:3] == 0).all()
    assert Flow().doubt(cells, width) is None
