"""Blank areas: found for what they are, nothing else is; filled without a trace."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.blank_areas import areas, slowly_filled

from zsn2m_runtime.blank.areas import GRID, blank_areas, filled, largest_scene
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels

KINDS = {  # name: dtype, channels, noise, brightness
    "u8 grey": ("uint8", 1, 10, 120),
    "u8 colour": ("uint8", 3, 10, 120),
    "u16 grey": ("uint16", 1, 40, 900),
    "u16 colour": ("uint16", 3, 40, 900),
    "i16 grey": ("int16", 1, 20, -100),
    "i32 grey": ("int32", 1, 20, 70000),
    "f32 grey": ("float32", 1, 0.02, 0.3),
    "f32 colour": ("float32", 3, 0.02, 0.3),
    "f64 grey": ("float64", 1, 0.02, 0.3),
}


def noisy(kind: str = "u8 grey", size: tuple[int, int] = (96, 112), seed: int = 1000) -> Pixels:
    """A drawn scene with noise."""
    dtype, channels, sigma, level = KINDS[kind]
    generator = np.random.default_rng(seed)
    down, along = np.mgrid[: size[0], : size[1]]
    scene = (np.hypot(down - 40, along - 60) < 25) * 4.0 + along / 40
    frame = level + sigma * (scene[..., None] + generator.normal(0, 1, (*size, channels)))
    if np.dtype(dtype).kind != "f":
        frame = frame.round()
    if dtype == "uint8":
        frame = frame.clip(0, 255)
    return frame.astype(dtype) if channels > 1 else frame[..., 0].astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("area", ["bars", "square", "frame", "corner", "shift", "row"])
@pytest.mark.parametrize("value", ["lowest", "mean", "highest"])
def test_padding_is_found_to_the_pixel(kind: str, area: str, value: str) -> None:
    frame, mask = noisy(kind), areas()[area]
    frame[mask] = {"lowest": frame.min(), "mean": frame.mean(), "highest": frame.max()}[value]
    found = blank_areas(frame)
    assert found is not None
    assert (found | ~mask).all()
    assert (found & ~mask).sum() <= 2 + 0.02 * mask.sum() ** 0.5  # beside it the value occurs by chance


@pytest.mark.parametrize("kind", ["u8 grey", "u16 colour", "f32 grey"])
def test_a_round_aperture_is_found(kind: str) -> None:
    frame, mask = noisy(kind), areas()["disc"]
    frame[mask] = 0
    found = blank_areas(frame)
    assert found is not None
    assert (found != mask).mean() < 0.01


def test_areas_of_several_values_that_touch_are_found() -> None:
    frame = noisy("u16 colour")
    frame[:16], frame[16:32, :56], frame[60:80, 40:60] = 0, (5, 900, 7), 4095
    found = blank_areas(frame)
    assert found is not None
    expected = np.zeros(found.shape, bool)
    expected[:16], expected[16:32, :56], expected[60:80, 40:60] = True, True, True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("degrees", [2, 5, 12, 30])
@pytest.mark.parametrize("how", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_the_wedges_of_a_turned_frame_are_found(degrees: float, how: int) -> None:
    size = (256, 192)
    turn = cv2.getRotationMatrix2D((96, 128), degrees, 1)
    frame = noisy("u16 grey", size)
    turned = cv2.warpAffine(frame, turn, size[::-1], flags=how, borderValue=350)
    inside = cv2.warpAffine(np.ones(size, np.float32), turn, size[::-1], flags=cv2.INTER_NEAREST)
    found = blank_areas(turned)
    assert found is not None
    outside = inside == 0
    deep = cv2.erode(outside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0  # the rim is mixed with the scene
    assert found[deep].all()
    assert (found & ~outside).sum() <= 0.005 * inside.sum()


@pytest.mark.parametrize("photons", [0.02, 0.1, 0.3, 0.5])
def test_zeros_that_are_frequent_are_not_blank(photons: float) -> None:
    for seed in range(1000, 1005):
        generator = np.random.default_rng(seed)
        down, along = np.mgrid[:192, :256]
        scene = photons * (0.2 + 2 * (np.hypot(down - 60, along - 100) < 40) + along / 256)
        assert blank_areas(generator.poisson(scene).astype(np.uint16)) is None
        assert blank_areas(generator.poisson(scene).astype(np.float32) * 0.37) is None


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.2, 0.5])
def test_smooth_places_with_noise_below_one_level_are_not_blank(sigma: float) -> None:
    down, along = np.mgrid[:192, :256]
    scene = 100 + 40 * np.sin(down / 60) * np.cos(along / 90)
    frame = scene + np.random.default_rng(1000).normal(0, 1, scene.shape) * sigma
    assert blank_areas(frame.round().astype(np.uint8)) is None


@pytest.mark.parametrize("sigma", [2.0, 8.0])
def test_light_that_saturates_is_not_blank(sigma: float) -> None:
    down, along = np.mgrid[:192, :256]
    sky, lamp = 420 - 2.0 * down, 60 + 900 * np.exp(-(np.square(down - 90) + np.square(along - 100)) / 2000)
    for scene in (sky, lamp):
        frame = scene + np.random.default_rng(1000).normal(0, sigma, scene.shape)
        assert blank_areas(frame.round().clip(0, 255).astype(np.uint8)) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (15, 15), (3, 200), (16, 16), (17, 40)])
def test_small_noisy_frames_have_no_blank_areas(size: tuple[int, int]) -> None:
    assert blank_areas(noisy("u8 colour", size)) is None


def test_what_alpha_hides_and_what_is_not_finite_is_blank() -> None:
    frame = noisy("f32 colour")
    frame[3, 4, 1], frame[7, 8], frame[9, 9, 0] = np.nan, np.inf, -np.inf
    alpha = np.ones((96, 112), np.float32)
    alpha[50:, 20:23] = 0
    found = blank_areas(frame, alpha)
    expected = alpha == 0
    expected[3, 4] = expected[7, 8] = expected[9, 9] = True
    np.testing.assert_array_equal(found, expected)
    assert blank_areas(noisy("f32 colour"), np.ones((96, 112), np.float32)) is None


def test_a_frame_of_one_value_is_blank() -> None:
    found = blank_areas(np.full((40, 50, 3), 7, np.uint8))
    assert found is not None
    assert found.all()


def test_strides_do_not_matter() -> None:
    frame = noisy("u16 colour")
    frame[:20] = 11
    for other in (np.asfortranarray(frame), np.dstack((frame, frame))[:, :, :3], frame[::-1][::-1]):
        np.testing.assert_array_equal(blank_areas(other), blank_areas(frame))
        np.testing.assert_array_equal(filled(other, blank_areas(other)), filled(frame, blank_areas(frame)))


@pytest.mark.parametrize("kind", ["u8 colour", "f32 grey"])
@pytest.mark.parametrize("area", ["bars", "square", "frame", "corner", "shift", "disc", "drawn"])
def test_filling_mirrors_at_the_nearest_rim(kind: str, area: str) -> None:
    frame = noisy(kind)
    mask = areas()[area] if area in areas() else np.random.default_rng(1000).random((96, 112)) < 0.4
    before = frame.copy()
    result = filled(frame, mask)
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_array_equal(result[~mask], frame[~mask])
    np.testing.assert_array_equal(result, slowly_filled(frame, mask))


def test_filling_a_frame_without_a_pixel_and_with_one() -> None:
    frame, mask = noisy("u16 grey", (20, 30)), np.ones((20, 30), bool)
    assert not filled(frame, mask).any()
    mask[7, 9] = False
    assert (filled(frame, mask) == frame[7, 9]).all()
    assert filled(frame, None) is frame


def test_nothing_of_what_was_blank_is_left_after_filling() -> None:
    frame = noisy("f32 grey")
    frame[10:50, 20:60], frame[:, :9] = np.nan, np.inf
    assert np.isfinite(filled(frame, blank_areas(frame))).all()


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("min_pad.tif", 40 / 192),
        ("registered.tif", 4506 / 192**2),
        ("letterbox.png", 80 / 192),
        ("cutout.png", 0.4556),
        ("nan32.tif", 6919 / 128**2),
    ],
)
def test_the_areas_of_files(shared_data: Path, name: str, share: float) -> None:
    with open_image(shared_data / "faults" / name) as image:
        frame = image.read()
    found = blank_areas(frame.pixels, frame.alpha)
    assert found is not None
    assert found.mean() == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("area", ["bars", "square", "corner", "disc"])
def test_the_largest_scene_has_nothing_blank(area: str) -> None:
    mask = areas()[area]
    found = largest_scene(np.where(mask, 1, 0), mask)
    assert not found.any()
    assert found.size >= {"bars": 64 * 112, "square": 48 * 112, "corner": 56 * 112, "disc": 56 * 56}[area]
    assert largest_scene(mask, None) is mask
    assert largest_scene(mask, np.ones(mask.shape, bool)).size == 0


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_no_scene_is_larger(share: float) -> None:
    cells = np.random.default_rng(1000).random((9, 11)) < share
    found = largest_scene(np.zeros((9 * GRID, 11 * GRID)), np.kron(cells, np.ones((GRID, GRID), bool)))
    sizes = [
        (low - top) * (right - left)
        for top, left in np.argwhere(~cells)
        for low in range(top + 1, 10)
        for right in range(left + 1, 12)
        if not cells[top:low, left:right].any()
    ]
    assert found.size == max(sizes) * GRID**2
