"""Blank areas of every type of sample; cheap ways of finding and filling them are the plain ones."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from support.blank_areas import Mask, areas, slowly_filled
from support.denoisers import gain_denoiser

from zsn2m_runtime.blank.areas import blank_areas, filled, with_blank_kept
from zsn2m_runtime.blank.constant import _equal
from zsn2m_runtime.blank.surroundings import DEPTH, Rims, rims_of
from zsn2m_runtime.sample_types import FLOAT_DTYPES, SAMPLE_DTYPES, Pixels, is_whole, limits_of

SIZE = (96, 112)


def noisy(dtype: str, channels: int, seed: int = 1000) -> Pixels:
    """Noise around the middle of 0 to 127; of floats with as many values as they have."""
    values = np.random.default_rng(seed).normal(64, 9, (*SIZE, channels)).clip(1, 127)
    frame = (values.round() if is_whole(dtype) else values).astype(dtype)
    return frame if channels > 1 else frame[:, :, 0]


@functools.cache
def slowly_filled_places(area: str) -> Pixels:
    """From which pixel each one of a frame is filled, by the slow oracle."""
    return slowly_filled(np.arange(SIZE[0] * SIZE[1]).reshape(SIZE), areas()[area])


@pytest.mark.parametrize("dtype", [*SAMPLE_DTYPES, ">u2", ">i4", ">f4"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("area", ["bars", "square", "frame", "corner", "shift", "row"])
def test_padding_of_every_type_is_found_filled_and_kept(dtype: str, channels: int, area: str) -> None:
    frame, mask = noisy(dtype, channels), areas()[area]
    frame[mask] = 0
    blank = blank_areas(frame)
    assert blank is not None
    np.testing.assert_array_equal(blank, mask)
    result = filled(frame, blank)
    assert result.dtype == frame.dtype
    places = slowly_filled_places(area)  # which sample goes where is the same for every type
    np.testing.assert_array_equal(result, frame.reshape(mask.size, -1)[places].reshape(frame.shape))
    np.testing.assert_array_equal(with_blank_kept(result.copy(), frame, blank), frame)
    assert blank_areas(noisy(dtype, channels)) is None


@pytest.mark.parametrize(
    ("dtype", "channels", "area"),
    [(dtype, channels, area) for dtype in SAMPLE_DTYPES for channels in (1, 3) for area in ("bars", "disc")]
    + [(dtype, 3, "alpha") for dtype in SAMPLE_DTYPES]
    + [(dtype, channels, "not finite") for dtype in FLOAT_DTYPES for channels in (1, 3)],
)
def test_blank_areas_of_every_type_stay_in_use(tmp_path: Path, dtype: str, channels: int, area: str) -> None:
    frame, mask = noisy(dtype, channels), areas()["disc" if area == "disc" else "bars"]
    if area == "alpha":
        alpha = np.where(mask, 0, limits_of(dtype)[1] if is_whole(dtype) else 1).astype(dtype)
        frame = np.dstack((frame, alpha))
    else:
        frame[mask] = np.nan if area == "not finite" else 0
    clean = gain_denoiser(tmp_path, dtype, channels, (0.0, 127.0), gain=0.5)(frame)
    assert clean.dtype == frame.dtype
    found = blank_areas(frame[:, :, :3] if area == "alpha" else frame, frame[:, :, 3] if area == "alpha" else None)
    assert found is not None
    assert (found != mask).mean() < 0.01  # a disc has steps of a pixel
    np.testing.assert_array_equal(clean[found], frame[found])
    half = (frame[:, :, :3] if area == "alpha" else frame).astype(np.float32) / 2  # networks compute in float32
    expected = np.rint(half) if is_whole(dtype) else half.astype(dtype)
    np.testing.assert_array_equal((clean[:, :, :3] if area == "alpha" else clean)[~found], expected[~found])


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_noise_of_high_numbers_of_64_bits_is_not_taken_for_one_value(dtype: str) -> None:
    """Their neighbours are one number in float64."""
    frame = (limits_of(dtype)[1] // 2 + noisy("int32", 1).astype(object)).astype(dtype)
    assert blank_areas(frame) is None
    frame[areas()["bars"]] = frame[0, 0]
    np.testing.assert_array_equal(blank_areas(frame), areas()["bars"])


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_filling_of_drawn_areas_is_that_pixel_by_pixel(seed: int) -> None:
    generator = np.random.default_rng(seed)
    height, width = (int(length) for length in generator.integers(1, 24, 2))
    rows, columns = (slice(*np.sort(generator.integers(0, length + 1, 2))) for length in (height, width))
    mask = generator.random((height, width)) < generator.choice([0.1, 0.5, 0.9])
    if seed % 2:  # a rectangle of scene, with holes or without
        mask[:] = True
        mask[rows, columns] = generator.random(mask[rows, columns].shape) < (seed % 4 - 1) / 20
    if mask.all():
        mask[height // 2, width // 2] = False
    frame = generator.integers(0, 60000, (height, width, 3)).astype(np.uint16)
    np.testing.assert_array_equal(filled(frame, mask), slowly_filled(frame, mask))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", ">i2", "int32", "float32"])
def test_pixels_are_equal_where_all_their_channels_are(dtype: str) -> None:
    planes = np.random.default_rng(1000).integers(0, 2, (30, 40, 3)).astype(dtype)
    beside, below = _equal(planes)
    np.testing.assert_array_equal(beside[:, :-1], (planes[:, 1:] == planes[:, :-1]).all(axis=2))
    np.testing.assert_array_equal(below[:-1], (planes[1:] == planes[:-1]).all(axis=2))
    assert not beside[:, -1].any()
    assert not below[-1].any()


def slow_rims(areas: Mask, blocked: Mask, frame: Pixels) -> Rims:
    """The same, pixel by pixel."""
    inside, turned, beside = [], [], []
    width = areas.shape[1]
    for down, along in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        lines = np.ndindex(areas.shape if along else areas.shape[::-1])
        for place in [at if along else at[::-1] for at in lines]:
            line = [(place[0] + down * far, place[1] + along * far) for far in range(max(areas.shape))]
            line = [at for at in line if 0 <= at[0] < areas.shape[0] and 0 <= at[1] < width]
            if not areas[place] or len(line) < 2 or blocked[line[1]]:
                continue
            past = next((far for far, at in enumerate(line) if frame[at] != frame[place]), len(line))
            seen: list[int] = []
            for at in line[past : past + DEPTH]:
                if blocked[at]:
                    break
                seen.append(at[0] * width + at[1])
            inside.append(place[0] * width + place[1])
            turned.append(not along)
            beside.append(seen + [-1] * (DEPTH - len(seen)))
    return Rims(np.array(inside, int), np.array(turned, bool), np.array(beside, int).reshape(-1, DEPTH))


@pytest.mark.parametrize("seed", range(1000, 1010))
def test_rims_are_those_pixel_by_pixel(seed: int) -> None:
    generator = np.random.default_rng(seed)
    frame = generator.integers(0, 2, (19, 26)).astype(np.uint8)
    candidates = generator.random(frame.shape) < 0.3
    blocked = candidates | (generator.random(frame.shape) < 0.05)
    found, slow = rims_of(candidates, blocked, *_equal(frame[:, :, None])), slow_rims(candidates, blocked, frame)
    for rims in (found, slow):
        order = np.lexsort((rims.beside[:, 0], rims.turned, rims.inside))
        rims.inside[:], rims.turned[:], rims.beside[:] = rims.inside[order], rims.turned[order], rims.beside[order]
    np.testing.assert_array_equal(found.inside, slow.inside)
    np.testing.assert_array_equal(found.turned, slow.turned)
    np.testing.assert_array_equal(found.beside, slow.beside)
