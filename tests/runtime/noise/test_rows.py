"""Row noise: known offsets are found and taken away, the picture's own rows are not, and the mean stays."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.mosaics import Array, noise, scene

from benchmarks.split import half_of
from zsn2m_runtime.files import open_image
from zsn2m_runtime.noise.rows import fit_row_noise, row_offsets, step_weights, without_row_noise
from zsn2m_runtime.noise_record import Axis, RowNoise
from zsn2m_runtime.patterns import find_patterns

SIDE, PIXEL = 192, 15.0
SEEDS = range(1000, 1006)  # those below tune


def offsets_of(seed: int, sigma: float, length: int = SIDE) -> Array:
    return np.asarray(noise(seed + 7, (length,), sigma))


def striped(seed: int, sigma: float, pixel: float = PIXEL) -> tuple[Array, Array]:
    """A frame with row noise, and its offsets."""
    offsets = offsets_of(seed, sigma)
    return scene(seed, SIDE).mean(axis=2) + offsets[:, None] + noise(seed, (SIDE, SIDE), pixel), offsets


def facade() -> Array:
    """Rows of windows, a fence, a blind over half of the frame, and lines of text."""
    picture = np.full((SIDE, SIDE), 170, np.uint8)
    for y in range(12, 84, 24):
        for x in range(8, SIDE - 16, 20):
            picture[y : y + 14, x : x + 12] = 60.0
    picture[90:120, ::6] = 80.0
    picture[92:94, 30:160] = picture[116:118, 30:160] = 90.0
    for y in range(124, 156, 4):
        picture[y : y + 2, : SIDE // 2] = 110.0
    for line, y in enumerate(range(128, 192, 14)):
        cv2.putText(picture, f"rows of text {line}", (SIDE // 2, y), cv2.FONT_HERSHEY_SIMPLEX, 0.3, 20)
    return picture.astype(np.float64)


@pytest.mark.parametrize("share", [0.15, 0.3, 0.6, 1.0, 2.0])
def test_known_offsets_are_found_and_most_of_them_goes(share: float) -> None:
    sigma, left, told, pixels = share * PIXEL, [], [], []
    for seed in SEEDS:
        frame, offsets = striped(seed, sigma)
        stripes = find_patterns(frame.astype(np.float32)).rows
        assert stripes is not None or share < 0.2
        told.append(stripes.sigma if stripes else sigma)
        fitted = fit_row_noise([frame], "rows", sigma)
        pixels.append(fitted.pixel_sigma[0])
        left.append(row_offsets(frame[..., None], fitted)[:, 0, 0] - offsets)
    assert np.median(told) == pytest.approx(sigma, rel=0.15)
    assert np.median(pixels) == pytest.approx(PIXEL, rel=0.15)
    deviation = np.std([one - one.mean() for one in left])
    assert deviation < {0.15: 0.95, 0.3: 0.65, 0.6: 0.4, 1.0: 0.3, 2.0: 0.22}[share] * sigma


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_columns_are_the_rows_of_the_frame_turned(axis: Axis) -> None:
    frame, _ = striped(1000, PIXEL)
    fitted = fit_row_noise([frame], "rows", PIXEL)
    expected = without_row_noise(frame, [fitted])
    turned = frame.T if axis == "columns" else frame
    found = without_row_noise(turned, [fitted.model_copy(update={"axis": axis})])
    np.testing.assert_allclose(found.T if axis == "columns" else found, expected, atol=1e-3)


def test_each_channel_has_offsets_of_its_own() -> None:
    offsets = noise(3, (SIDE, 1, 3), 9.0) * np.array([1.0, 0.0, 2.0])
    frame = scene(1001, SIDE) + offsets + noise(4, (SIDE, SIDE, 3), PIXEL)
    found = row_offsets(frame, fit_row_noise([frame], "rows", 9.0))
    left = (found - offsets).std(axis=(0, 1))
    assert (left < [5.0, 2.0, 10.0]).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 9, 3), (37, 5, 1), (190, 64, 3)])
def test_the_mean_stays_at_any_size(shape: tuple[int, int, int]) -> None:
    frame = noise(5, shape, 30.0) + 100
    fitted = RowNoise(axis="rows", sigma=20.0, pixel_sigma=(9.0,) * shape[2], memory=8.0)
    assert abs(row_offsets(frame, fitted).mean()) < 1e-4
    left = without_row_noise(frame, [fitted])
    assert (left.shape, left.dtype) == (shape, np.float32)


def test_the_offsets_are_what_rows_have_above_their_weighted_mean() -> None:
    """The weights of the steps, against the definition on a profile that needs no estimate."""
    memory = 2.0
    profile, reach = noise(6, (40,), 10.0), len(step_weights(memory)) // 2
    around = np.exp(-np.abs(np.arange(-reach, reach + 1)) / memory)
    padded = np.pad(profile, reach, mode="symmetric")
    expected = profile - np.convolve(padded, around / around.sum(), mode="valid")
    fitted = RowNoise(axis="rows", sigma=10.0, pixel_sigma=(1.0,), memory=memory)
    found = row_offsets(np.repeat(profile[:, None, None], 8, axis=1), fitted)
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-4)


@pytest.mark.parametrize("pixel", [4.0, 15.0])
def test_a_facade_without_row_noise_has_none(pixel: float) -> None:
    for seed in SEEDS:
        frame = facade() + noise(seed, (SIDE, SIDE), pixel)
        for turned in (frame, frame.T):
            found = find_patterns(turned.astype(np.float32))
            assert (found.rows, found.columns) == (None, None)


def test_a_facade_with_row_noise_keeps_its_structure() -> None:
    """What is taken away is the noise: with it, a frame is nearer the picture everywhere, also where edges are long."""
    for seed in SEEDS:
        offsets = offsets_of(seed, PIXEL)
        frame = facade() + offsets[:, None] + noise(seed, (SIDE, SIDE), PIXEL)
        left = row_offsets(frame[..., None], fit_row_noise([frame], "rows", PIXEL))[:, 0, 0] - offsets
        assert np.std(left) < 0.6 * PIXEL


@pytest.mark.parametrize("fixed", [True, False])
def test_offsets_that_all_frames_have_are_told(fixed: bool) -> None:
    frames = [striped(seed, 0.0)[0] + offsets_of(0 if fixed else seed, PIXEL)[:, None] for seed in SEEDS]
    assert fit_row_noise(frames, "rows", PIXEL).fixed == fixed
    assert not fit_row_noise(frames[:1], "rows", PIXEL).fixed


@pytest.mark.parametrize("sigma", [2.0, 15.0])
def test_no_photograph_with_plain_noise_has_row_noise(shared_data: Path, sigma: float) -> None:
    names = [path for folder in ("kodak24", "set14") for path in half_of((shared_data / folder).iterdir(), "tuning")]
    for seed, path in enumerate(names):
        with open_image(path) as image:
            clean = image.read().pixels
        found = find_patterns((clean + noise(seed, clean.shape, sigma)).astype(np.float32))
        assert (found.rows, found.columns) == (None, None), path.name
