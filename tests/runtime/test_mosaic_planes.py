"""Planes of a mosaic and back; blank cells; and frames through a bundle for mosaics."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from support.bundles import BundleMaker, noisy_planes
from support.mosaics import BAYER

from zsn2m_runtime.batch import Job, run_jobs
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import mosaic_of, picture_of, planes_of, without_blank
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord
from zsn2m_runtime.sample_types import Pixels

SIZES = ((1, 1), (1, 7), (2, 2), (3, 5), (17, 31), (40, 33))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_mosaic_is_that_of_its_planes(pattern: BayerPattern, size: tuple[int, int], dtype: str) -> None:
    mosaic = np.random.default_rng(0).integers(0, 255, size).astype(dtype)
    planes = planes_of(Frame(mosaic), pattern)
    assert planes.pixels.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2, 4)
    result = mosaic_of(planes.pixels, pattern, size)
    np.testing.assert_array_equal(result, mosaic)
    assert result.dtype == mosaic.dtype


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_planes_are_red_green_green_blue_or_the_reverse(pattern: BayerPattern) -> None:
    cell = np.reshape(BAYER[pattern], (2, 2))
    planes = planes_of(Frame(np.tile(cell, (5, 6))[:9, :11].astype(np.uint8)), pattern).pixels
    assert np.ptp(planes, axis=(0, 1)).tolist() == [0, 0, 0, 0]
    assert planes[0, 0].tolist() in ([0, 1, 1, 2], [2, 1, 1, 0])
    assert picture_of(planes)[0, 0].tolist() in ([0, 1, 2], [2, 1, 0])


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_blank_cells_are_filled_plane_by_plane(pattern: BayerPattern) -> None:
    cell = 10 * np.reshape(BAYER[pattern], (2, 2)) + 20
    mosaic = np.tile(cell, (20, 20)) + np.random.default_rng(0).random((40, 40), np.float32)
    mosaic[:, :7] = np.nan
    filled, blank = without_blank(Frame(mosaic))
    assert blank is not None
    assert blank[:, :8].all() and not blank[:, 8:].any()  # whole cells
    np.testing.assert_array_equal(np.floor(filled), np.tile(cell, (20, 20)))


def test_where_nothing_is_blank_the_mosaic_itself_comes_back() -> None:
    mosaic = np.random.default_rng(0).integers(0, 255, (30, 31)).astype(np.uint8)
    filled, blank = without_blank(Frame(mosaic))
    assert filled is mosaic and blank is None


@pytest.fixture(scope="module")
def folder(make_bundle: BundleMaker) -> Path:
    return make_bundle("uint16", 1, (0.0, 4095.0), "mbd", "GRBG")


@pytest.fixture(scope="module")
def denoiser(folder: Path) -> Denoiser:
    return Denoiser(folder, provider="cpu", threads=1)


def noisy(height: int, width: int) -> Pixels:
    return noisy_planes(1, height, width, 4095.0)[0, 0].astype(np.uint16)


@pytest.mark.parametrize("size", [(64, 48), (61, 47), (1, 1)])
def test_a_mosaic_is_denoised_with_its_type_and_size(denoiser: Denoiser, size: tuple[int, int]) -> None:
    result = denoiser(noisy(*size))
    assert (result.shape, result.dtype) == (size, np.uint16)
    assert "GRBG mosaic" in repr(denoiser)


def test_blank_cells_are_kept_and_do_not_leak(denoiser: Denoiser) -> None:
    frame = noisy(64, 64)
    framed = np.full((64, 96), 4000, np.uint16)
    framed[:, 32:] = frame
    result = denoiser(framed)
    np.testing.assert_array_equal(result[:, :32], 4000)
    assert np.abs(result[:, 32:].astype(int) - denoiser(frame)).mean() < 20  # a rim of 4000 moves it by hundreds


def test_a_frame_in_colour_is_refused(denoiser: Denoiser) -> None:
    with pytest.raises(InputError, match=r"GRBG mosaic, which has one value a pixel.*colour"):
        denoiser(np.zeros((32, 32, 3), np.uint16))


def test_a_mosaic_s_pattern_is_no_reason_to_refuse_it(denoiser: Denoiser) -> None:
    frame = noisy(128, 128)
    frame[::2, ::2] //= 2
    assert not any(sentence.startswith("mosaic") for sentence in denoiser.unlike(frame))


@pytest.mark.parametrize(
    ("bundle_for", "stated", "fits"),
    [("GRBG", "GRBG", True), ("GRBG", "RGGB", False), (None, "RGGB", False), ("GRBG", None, True), (None, None, True)],
)
def test_what_a_file_states_must_be_the_bundles(
    make_bundle: BundleMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bundle_for: BayerPattern | None,
    stated: BayerPattern | None,
    fits: bool,
) -> None:
    denoiser = Denoiser(make_bundle("uint16", 1, (0.0, 4095.0), "mbd", bundle_for), provider="cpu", threads=1)
    save_image(tmp_path / "a.png", Frame(noisy(32, 32)))
    with open_image(tmp_path / "a.png") as image:
        record = MosaicRecord(pattern=stated) if stated else None
        monkeypatch.setattr(type(image), "mosaic", property(lambda _: record))
    (result,) = run_jobs(denoiser, [Job(tmp_path / "a.png", tmp_path / "b.png")], check=False)
    assert (result.error is None) is fits
    if not fits:
        assert str(result.error).startswith(f"{tmp_path / 'a.png'}: expected a ")
        assert f"{stated} mosaic" in str(result.error)


def test_a_bundle_for_mosaics_is_pickled_and_read_again(denoiser: Denoiser, folder: Path) -> None:
    sensor = Denoiser(folder, provider="cpu").card.sensor
    assert sensor.mosaic == MosaicRecord(pattern="GRBG")
    assert sensor.planes == 4 and cast(int, sensor.channels) == 1
