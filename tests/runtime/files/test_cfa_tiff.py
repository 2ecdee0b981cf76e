"""TIFF files that say they are mosaics (TIFF/EP): filters and levels are read, and results keep their tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from support.raw_files import BLACK, CFA, WHITE, Drawn, drawn_mosaic, of_mosaic

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import Layout, Metadata, new_writer, open_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord

SAMPLES = drawn_mosaic(48, 64)


def write(path: Path, samples: np.ndarray[Any, Any], tags: list[Any], **options: Any) -> None:
    tifffile.imwrite(path, samples, photometric=CFA, metadata=None, extratags=tags, **options)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (16, 32)}, {"byteorder": ">"}]
)
@pytest.mark.parametrize("levels", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_filters_are_read_and_kept(
    tmp_path: Path, pattern: str, options: dict[str, Any], levels: bool, dtype: str
) -> None:
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    samples = (SAMPLES // 64).astype(dtype) if dtype == "uint8" else SAMPLES.astype(dtype)
    if dtype == "float32":
        options = {name: value for name, value in options.items() if name != "predictor"}
    write(source, samples, of_mosaic(Drawn(pattern), black=levels, white=levels), **options)
    with open_image(source) as image, image.create(target) as writer:
        frame, mosaic = image.read(), image.mosaic
        writer.write(Frame(frame.pixels + 1))
    assert np.array_equal(frame.pixels, samples)
    assert mosaic is not None
    assert mosaic.pattern == pattern
    assert (mosaic.black, mosaic.white) == ((BLACK, WHITE) if levels else (None, None))
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(target) as after:
        first, second = before.pages.first.tags, after.pages.first.tags
        for code in (262, 33421, 33422, 50713, 50714, 50717):
            assert first.valueof(code) == second.valueof(code)
        assert np.array_equal(after.asarray(), samples + 1)
    with open_image(target) as image:
        assert image.mosaic == mosaic


@pytest.mark.parametrize("black", [(8192.0,) * 4, (-3.0, 0.0, 2.5, 8192.0)])
def test_high_levels_and_levels_below_zero_are_kept(tmp_path: Path, black: tuple[float, float, float, float]) -> None:
    mosaic = MosaicRecord(pattern="GBRG", black=black, white=16000)
    frame = Frame(SAMPLES)
    with new_writer(tmp_path / "a.tif", Layout.of(frame), Metadata(mosaic=mosaic)) as writer:
        writer.write(frame)
    with open_image(tmp_path / "a.tif") as image:
        assert image.mosaic == mosaic


@pytest.mark.parametrize("white", [-5.0, 2.0**32])
def test_a_white_level_of_no_32_bits_is_left_out(tmp_path: Path, white: float) -> None:
    frame = Frame(SAMPLES)
    with new_writer(
        tmp_path / "a.tif", Layout.of(frame), Metadata(mosaic=MosaicRecord(pattern="RGGB", white=white))
    ) as writer:
        writer.write(frame)
    with open_image(tmp_path / "a.tif") as image:
        assert image.mosaic == MosaicRecord(pattern="RGGB")


def test_a_plain_page_is_no_mosaic_and_one_without_filters_does_not_say_which(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, SAMPLES, photometric="minisblack", extratags=of_mosaic(Drawn()))
    with open_image(path) as image:
        assert image.mosaic is None
    write(path, SAMPLES, [])
    with open_image(path) as image:
        assert image.mosaic is None
        assert np.array_equal(image.read().pixels, SAMPLES)


@pytest.mark.parametrize(("size", "cells", "words"), [
    ((6, 6), (1, 1, 0, 1, 1, 2) * 6, "6 x 6"), ((2, 2), (0, 1, 1, 3), "RGGC"), ((2, 2), (0, 1, 2, 9), r"RGB\?"),
    ((4, 4), (0, 1, 1, 2) * 4, "4 x 4"), ((1, 2), (0, 1), "RG in 1 x 2"),
])  # fmt: skip
def test_other_filters_are_refused(tmp_path: Path, size: tuple[int, int], cells: tuple[int, ...], words: str) -> None:
    path = tmp_path / "a.tif"
    write(path, SAMPLES, [(33421, "H", 2, size, True), (33422, "B", len(cells), cells, True)])
    with pytest.raises(InputError, match=f"a Bayer sensor .*but got {words}"):
        open_image(path)


def test_pages_of_other_filters_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for pattern in ("RGGB", "RGGB", "GRBG"):
            tiff.write(SAMPLES, photometric=CFA, metadata=None, extratags=of_mosaic(Drawn(pattern)))
    with pytest.raises(InputError, match="page 3 has others"):
        open_image(path)


def test_a_format_without_filters_says_that_they_are_lost(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", SAMPLES, of_mosaic(Drawn()))
    with open_image(tmp_path / "a.tif") as image, image.create(tmp_path / "b.png") as writer:
        writer.write(image.read())
    assert "filters" in " ".join(writer.notes)


@pytest.mark.parametrize("levels", [
    [(50713, "H", 2, (2, 2), True), (50714, "I", 3, (1, 2, 3), True)],  # three for four filters
    [(50713, "H", 2, (0, 1), True), (50714, "I", 1, 5, True)],
    [(50714, "I", 1, 500, True), (50717, "I", 1, 400, True)],  # black above white
])  # fmt: skip
def test_levels_that_contradict_themselves_are_refused(tmp_path: Path, levels: list[Any]) -> None:
    write(tmp_path / "a.tif", SAMPLES, [*of_mosaic(Drawn(), black=False, white=False), *levels])
    with pytest.raises(InputError, match="damaged"):
        open_image(tmp_path / "a.tif")
