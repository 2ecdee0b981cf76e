"""Light that changes as a whole is found, and nothing else is taken for it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from support.known_noise import plain_record

from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.fusion import Fusion
from zsn2m_runtime.light import MOST_OF_PART, change_of_light, change_of_parts
from zsn2m_runtime.mean import Mean
from zsn2m_runtime.noise.clipping import UNCLIPPED, Clipping
from zsn2m_runtime.noise.rising_line import RisingLine
from zsn2m_runtime.usual_change import UsualChange

Array = np.ndarray[Any, Any]

SIDE, SIGMA = 320, 10.0
OPEN = UNCLIPPED
EIGHT_BITS = Clipping((RisingLine(*np.array([0, SIGMA**2, 1e-3], np.float32)),) * 3, 1.0, (0.0, 255.0))


def scene() -> Array:
    """(1, 3, h, w) from 50 to 200."""
    picture = clean_scene(SampleConfig(width=SIDE, height=SIDE)).transpose(2, 0, 1) * np.float32(150) + 50
    return np.ascontiguousarray(picture[None])


def noise(seed: int, strength: float = 1.0) -> Array:
    return np.random.default_rng(seed).normal(0, strength * SIGMA, (1, 3, SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize("factors", [(0.9, 0.9, 0.9), (1.3, 1.3, 1.3), (1.02, 1.0, 0.97)])
@pytest.mark.parametrize("black", [0.0, 40.0])
def test_each_channel_s_change_is_found(factors: tuple[float, ...], black: float) -> None:
    clean = scene()
    now = (clean - black) * np.reshape(factors, (1, 3, 1, 1)).astype(np.float32) + black
    light = change_of_light(clean + noise(0, 0.3), now + noise(1), OPEN)
    assert light.factor == pytest.approx(factors, abs=0.01)
    assert np.abs(light.of(clean) - now).mean() < 0.3


def test_noise_alone_hardly_ever_counts() -> None:
    clean = scene()
    found = [change_of_light(clean + noise(2 * seed, 0.3), clean + noise(2 * seed + 1), OPEN) for seed in range(20)]
    assert np.mean([light.factor == 1 for light in found]) > 0.95
    assert max(np.abs(light.of(clean) - clean).mean() for light in found) < 0.3


def test_what_comes_into_a_third_of_the_frame_is_no_light() -> None:
    clean = scene()
    now = clean.copy()
    now[..., : SIDE // 3] = 10
    light = change_of_light(clean + noise(0, 0.3), now + noise(1), OPEN)
    assert np.abs(light.of(clean) - clean).mean() < 0.3


def test_clipped_tiles_do_not_count() -> None:
    """Where three quarters are white they stay white, however bright the light is."""
    clean = scene()
    clean[..., : 3 * SIDE // 4, :] = 255
    now = (1.1 * clean + noise(1)).clip(0, 255)
    dark = (..., slice(3 * SIDE // 4, SIDE), slice(None))
    off = [float((change_of_light(clean, now, ends).of(clean) - now)[dark].mean()) for ends in (OPEN, EIGHT_BITS)]
    assert off[0] < -1
    assert abs(off[1]) < 0.5


@pytest.mark.parametrize("planes", [np.ones((1, 3, 8, 40), np.float32), np.zeros((1, 3, SIDE, SIDE), np.float32)])
def test_tiny_and_black_frames_have_no_change(planes: Array) -> None:
    assert change_of_light(planes[..., :40, :40], planes[..., :40, :40], OPEN).is_same
    assert change_of_light(planes, planes, EIGHT_BITS).is_same


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_light_of_clipped_frames_is_found_and_the_mean_follows(factor: float) -> None:
    """Of a scene so dark that most tiles have samples at black, as far as these differ by more than noise."""
    clean = (scene() - 50) / 6  # 0 to 25: up to two and a half deviations
    now = factor * clean
    seen = np.mean([(clean + noise(seed)).clip(0, 255) for seed in range(8)], axis=0, dtype=np.float32)
    clipped = np.mean([(now + noise(seed)).clip(0, 255) for seed in range(8, 40)], axis=0, dtype=np.float32)
    light = change_of_light(seen, (now + noise(9)).clip(0, 255), EIGHT_BITS)
    assert light.factor == pytest.approx([factor] * 3, rel=0.08)
    mean = Mean(seen, np.full((SIDE // 2, SIDE // 2), 1 / 8, np.float32), seen)
    found, plain = mean.relit(light, EIGHT_BITS), mean.relit(light)
    off, plain_off = (np.abs(cv2.blur((one.planes - clipped)[0, 0], (15, 15))).mean() for one in (found, plain))
    assert off < 0.03 * SIGMA
    assert off < 0.5 * plain_off


def test_light_of_dark_frames_that_noise_hides_is_not_guessed() -> None:
    clean = (scene() - 50) / 50  # up to 0.3 deviations
    for seed in range(5):
        seen = (clean + noise(2 * seed)).clip(0, 255)
        assert change_of_light(seen, (clean + noise(2 * seed + 1)).clip(0, 255), EIGHT_BITS).is_same


def test_huge_values_spoil_nothing() -> None:
    huge = scene() * np.float32(1e36)
    assert change_of_light(huge, huge * np.float32(1.1), OPEN).factor == pytest.approx([1.1] * 3)
    assert change_of_light(scene(), np.where(scene() > 100, np.float32(3e38), scene()), OPEN).is_same


def test_a_mean_in_other_light_has_its_noise() -> None:
    clean, light = scene(), change_of_light(scene(), scene() * np.float32(1.25), OPEN)
    mean = Fusion(plain_record(0.0, SIGMA**2))(Mean.of_one(clean + noise(0)), clean + noise(1))
    relit = mean.relit(light)
    assert relit.variance.mean() / mean.variance.mean() == pytest.approx(1.25**2, rel=0.01)
    assert np.square(relit.planes - clean * np.float32(1.25)).mean() / SIGMA**2 == pytest.approx(
        relit.variance.mean(), rel=0.15
    )


CELLS = (3, 60, 100)
LEFT = 1 / 256  # of white noise, in squares of 16 x 16 pixels


def of_cells(seed: int) -> Array:
    """Mean changes of cells, of noise alone: two frames', four pixels each."""
    return np.random.default_rng(seed).normal(0, np.sqrt(2 / 4), CELLS).astype(np.float32)


@pytest.mark.parametrize("change", [0.3, -0.8])
def test_a_part_that_becomes_brighter_is_found(change: float) -> None:
    changes = of_cells(0)
    changes[..., 50:] += np.float32(change)
    found = change_of_parts(changes, LEFT)
    assert found is not None and found.shape == CELLS
    assert np.abs(found[..., 56:] - change).mean() < 0.1
    assert (found[..., :36] == 0).all()


def test_what_changes_by_much_more_than_noise_is_no_light() -> None:
    changes = of_cells(0)
    changes[..., 50:] += 2 * MOST_OF_PART
    assert change_of_parts(changes, LEFT) is None


def test_a_small_thing_is_no_light() -> None:
    changes = of_cells(0)
    changes[:, 20:30, 20:30] += 1
    assert change_of_parts(changes, LEFT) is None


def test_noise_alone_is_no_light() -> None:
    assert all(change_of_parts(of_cells(seed), LEFT) is None for seed in range(20))


def test_noise_that_neighbours_share_is_no_light() -> None:
    """Of pixels that share 0.6 of it, and less by its powers."""
    beside = np.exp(-1 / (4 * 1.0**2)) - 0.1
    smooth = [cv2.GaussianBlur(plane, (0, 0), 1.0) for plane in noise(0)[0]]
    cells = np.stack([cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for plane in smooth])
    changes = (np.sqrt(2) * cells / np.std(smooth)).astype(np.float32)
    assert change_of_parts(changes, LEFT) is not None
    usual = UsualChange.of(plain_record(0.0, 1.0, 3, neighbours=(beside, beside)), OPEN)
    assert change_of_parts(changes, usual.left_of_part) is None


@pytest.mark.parametrize("shape", [(3, 7, 100), (1, 1, 1), (4, 8, 8), (1, 9, 1500)])
def test_parts_of_any_size(shape: tuple[int, ...]) -> None:
    found = change_of_parts(np.full(shape, 0.5, np.float32), LEFT)
    assert found is None if min(shape[1:]) < 8 else found is not None and (found == 0.5).all()
