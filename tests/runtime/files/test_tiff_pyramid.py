"""Pyramids and tiles: smaller copies are made of the result, at the sizes and in the form of the source's."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from support.tiff_files import copy_without_extra_packages, random_array

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.tiff_pyramid import smaller_copy
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.stack_copy import StackCopySink

TILE = (16, 32)
Array = np.ndarray[Any, Any]


def area_means(page: Array, height: int, width: int) -> Array:
    """Means over the areas that the samples of a smaller page stand for, parts of samples included: the truth."""

    def weights(large: int, small: int) -> Array:
        edges = np.linspace(0, large, small + 1)
        low, high = edges[:-1, None], edges[1:, None]
        inside = np.clip(np.minimum(high, np.arange(large) + 1) - np.maximum(low, np.arange(large)), 0, None)
        return np.asarray(inside * small / large)

    rows, columns = weights(page.shape[0], height), weights(page.shape[1], width)
    return np.asarray(np.einsum("yr,rc...,xc->yx...", rows, page.astype(np.float64), columns, optimize=True))


def halves(page: Array, count: int) -> list[Array]:
    """Copies of a page without every second sample: not what means would give."""
    return [page[..., :: 2**k, :: 2**k] for k in range(1, count + 1)]


def invert(frame: Frame) -> Frame:
    """A result that no copy of the source could pass for."""
    pixels = frame.pixels
    most = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "ui" else 1
    return frame.with_pixels((most - pixels).astype(pixels.dtype))


def write_results(source: Path, out: Path) -> tuple[str, ...]:
    """Invert every page; returns what is said to be lost."""
    with open_image(source) as image, image.create(out) as writer:
        for frame in image:
            writer.write(invert(frame))
        return writer.notes


def assert_levels(source: Path, out: Path, series: int = 0) -> None:
    """The same levels in the same form; each is the area mean of the result."""
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(out) as after:
        assert (after.is_ome, after.is_bigtiff, after.ome_metadata) == (
            before.is_ome,
            before.is_bigtiff,
            before.ome_metadata,
        )
        assert len(after.pages) == len(before.pages)
        old, new = before.series[series], after.series[series]
        assert new.is_pyramidal and len(new.levels) == len(old.levels) > 1
        for level, found in zip(old.levels, new.levels, strict=True):
            assert (found.shape, found.dtype, found.axes) == (level.shape, level.dtype, level.axes)
            for name in ("tile", "compression", "predictor", "photometric", "planarconfig", "subfiletype"):
                assert getattr(found.keyframe, name) == getattr(level.keyframe, name), name
            assert found.keyframe.is_subifd == level.keyframe.is_subifd
        first = new.levels[0].asarray()
        colours = new.axes.endswith("S")
        height, width = first.shape[-3:-1] if colours else first.shape[-2:]
        pages = first.reshape(-1, height, width, *first.shape[first.ndim - 1 :] * colours)
        for level in new.levels[1:]:
            small = level.shape[-3:-1] if colours else level.shape[-2:]
            found = level.asarray().reshape(len(pages), *small, *first.shape[first.ndim - 1 :] * colours)
            for page, copy in zip(pages, found, strict=True):
                step = 0.501 if first.dtype.kind in "ui" else 1e-6
                np.testing.assert_allclose(copy, area_means(page, *small), rtol=1e-6, atol=step)


FORMS = [
    {"tile": TILE},
    {"tile": TILE, "compression": "zlib"},
    {"tile": TILE, "compression": "zlib", "predictor": True},
    {"compression": "zlib"},
    {"tile": TILE, "compression": "lzma"},
]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "uint32", "float32"])
@pytest.mark.parametrize("form", FORMS)
def test_levels_below_each_page_of_an_ome_tiff(tmp_path: Path, dtype: str, form: dict[str, Any]) -> None:
    if dtype == "float32" and form.get("predictor"):
        pytest.skip("tifffile has no floating point predictor")
    source, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    stack = random_array((2, 2, 96, 80), dtype)
    with tifffile.TiffWriter(source, bigtiff=dtype == "uint16") as file:
        metadata = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP"]}, "PhysicalSizeX": 0.25}
        file.write(stack, subifds=2, photometric="minisblack", metadata=metadata, **form)
        for smaller in halves(stack, 2):
            file.write(smaller, subfiletype=1, photometric="minisblack", **form)
    assert write_results(source, out) == ()
    assert_levels(source, out)
    with open_image(out) as again:
        assert again.page_count == 4
        np.testing.assert_array_equal(again.read(3).pixels, invert(Frame(stack[1, 1])).pixels)
        assert [channel.name for channel in again.axes.channels] == ["DAPI", "GFP"]
    if dtype in ("uint8", "uint16") and form.get("compression") != "lzma":
        expected = invert(Frame(stack[0, 0])).pixels
        with Image.open(out) as opened:
            np.testing.assert_array_equal(np.asarray(opened), expected)
        np.testing.assert_array_equal(cv2.imread(str(out), cv2.IMREAD_UNCHANGED), expected)


@pytest.mark.parametrize("sides", [((97, 81), (49, 41)), ((97, 81), (48, 40)), ((96, 80), (32, 27))])
def test_sides_that_no_factor_divides(tmp_path: Path, sides: tuple[tuple[int, int], tuple[int, int]]) -> None:
    source, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    with tifffile.TiffWriter(source) as file:
        file.write(random_array(sides[0], "uint16"), subifds=1, tile=TILE)
        file.write(random_array(sides[1], "uint16"), subfiletype=1, tile=TILE)
    assert write_results(source, out) == ()
    assert_levels(source, out)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_and_its_levels(tmp_path: Path, planar: str) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    shape = (64, 48, 3) if planar == "contig" else (3, 64, 48)
    page = random_array(shape, "uint8")
    small = page[::2, ::2] if planar == "contig" else page[:, ::2, ::2]
    with tifffile.TiffWriter(source) as file:
        for array, kind in ((page, 0), (small, 1)):
            file.write(array, photometric="rgb", planarconfig=planar, tile=(16, 16), subfiletype=kind, metadata=None)
    assert write_results(source, out) == ()
    with tifffile.TiffFile(out) as after:
        assert [found.shape for found in after.pages] == [shape, small.shape]
        assert all(found.tile == (16, 16) for found in after.pages)
        arrays = [found.asarray() for found in after.pages]
        first, copy = (np.moveaxis(one, 0, 2) if planar == "separate" else one for one in arrays)
        np.testing.assert_allclose(copy, area_means(first, 32, 24), atol=0.501)


@pytest.mark.parametrize("kind", ["marked", "unmarked", "old mark"])
def test_levels_in_pages_are_no_frames_of_a_stack(tmp_path: Path, kind: str) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    page = random_array((96, 128), "uint16")
    with tifffile.TiffWriter(source) as file:
        for k, array in enumerate([page, *halves(page, 2)]):
            mark: dict[str, Any] = {"subfiletype": int(k > 0)} if kind == "marked" else {}
            if kind == "old mark" and k:
                mark = {"extratags": [(255, "H", 1, 2, True)]}
            file.write(array, tile=TILE, metadata=None, **mark)
    with open_image(source) as image:
        assert image.page_count == 1
        np.testing.assert_array_equal(image.read().pixels, page)
    assert write_results(source, out) == ()
    assert_levels(source, out)


@pytest.mark.parametrize("grouped", [False, True])
def test_levels_of_several_pages_keep_their_places(tmp_path: Path, grouped: bool) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    pages = random_array((3, 32, 48), "uint8")
    each = [[page, *halves(page, 2)] for page in pages]
    places = [(number, k) for number in range(3) for k in range(3)]
    if grouped:
        places.sort(key=lambda place: place[1])
    order = [each[number][k] for number, k in places]
    with tifffile.TiffWriter(source) as file:
        for array in order:
            file.write(array, subfiletype=int(array.shape != (32, 48)), metadata=None)
    with open_image(source) as image:
        assert image.page_count == 3
        np.testing.assert_array_equal(image.read(2).pixels, pages[2])
    assert write_results(source, out) == ()
    with tifffile.TiffFile(out) as after:
        found = [page.asarray() for page in after.pages]
    for (number, _), array, result in zip(places, order, found, strict=True):
        np.testing.assert_allclose(result, area_means(255 - pages[number], *array.shape), atol=0.501)


def test_a_page_that_is_copied_keeps_its_own_smaller_copies(tmp_path: Path) -> None:
    source, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    stack = random_array((2, 64, 64), "uint16")
    with tifffile.TiffWriter(source) as file:
        file.write(stack, subifds=1, tile=TILE, photometric="minisblack", metadata={"axes": "CYX"})
        file.write(stack[:, ::2, ::2], subfiletype=1, tile=TILE, photometric="minisblack")
    with open_image(source) as image, image.create(out) as writer:
        writer.write(invert(image.read(0)))
        writer.write(image.read(1), unchanged=True)
    with tifffile.TiffFile(out) as after:
        changed, kept = after.series[0].levels[1].asarray()
    np.testing.assert_array_equal(kept, stack[1, ::2, ::2])
    np.testing.assert_allclose(changed, area_means(65535 - stack[0], 32, 32), atol=0.501)


def test_stacks_are_no_pyramids(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for sizes, tile in (
        (((64, 64), (32, 32)), None),
        (((64, 64), (64, 64)), (16, 16)),
        (((64, 64), (32, 32), (64, 64)), (16, 16)),
        (((64, 64), (48, 16)), (16, 16)),
    ):
        with tifffile.TiffWriter(path) as file:
            for size in sizes:
                file.write(random_array(size, "uint8"), tile=tile, metadata=None)
        with open_image(path) as image:
            assert image.page_count == len(sizes)


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    page = random_array((64, 64, 3), "uint8")
    with tifffile.TiffWriter(source) as file:
        file.write(page, photometric="rgb", tile=(16, 16), subifds=1, metadata=None)
        file.write(random_array((20, 64, 3), "uint8"), photometric="rgb", subfiletype=1, metadata=None)
        file.write(random_array((32, 32), "uint8"), subfiletype=1, metadata=None)
        file.write(page[::2, ::2], photometric="rgb", tile=(16, 16), subfiletype=1, metadata=None)
        file.write(random_array((16, 60, 3), "uint8"), photometric="rgb", subfiletype=9, metadata=None)
    notes = write_results(source, out)
    assert len(notes) == 3 and all("left out" in note for note in notes)
    assert any("SubIFD (64 x 20)" in note for note in notes)
    with tifffile.TiffFile(out) as after:
        assert [found.shape for found in after.pages] == [(64, 64, 3), (32, 32, 3)]
    assert write_results(source, tmp_path / "b.png")[0].startswith("its smaller copies (a pyramid)")


@pytest.mark.parametrize("damage", ["no directory", "a value outside of the file"])
def test_a_damaged_level_is_left_out_and_said(tmp_path: Path, damage: str) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    page = random_array((64, 64), "uint8")
    with tifffile.TiffWriter(source) as file:
        file.write(page, subifds=1, metadata=None)
        file.write(page[::2, ::2], subfiletype=1, metadata=None)
    with tifffile.TiffFile(source) as file:
        below, resolution = file.pages.first.tags[330], file.pages.first.pages[0].tags[282]
    place = below.valueoffset if damage == "no directory" else resolution.offset + 8
    with source.open("r+b") as stream:
        stream.seek(place)
        stream.write((1 << 30).to_bytes(4, "little"))
    (note,) = write_results(source, out)
    assert "SubIFD" in note and "left out" in note
    np.testing.assert_array_equal(tifffile.imread(out), 255 - page)


def test_more_levels_than_a_pyramid_has_are_refused_at_once(tmp_path: Path) -> None:
    path, count, end = tmp_path / "a.tif", 1_000_000, 12 + 2 + 7 * 12 + 4
    tags = [(256, 1, 2), (257, 1, 2), (258, 1, 8), (262, 1, 1), (273, 1, 8), (279, 1, 4), (330, count, end)]
    entries = b"".join(struct.pack("<HHII", code, 4, number, value) for code, number, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    path.write_bytes(struct.pack("<2sHII", b"II", 42, 12, 0) + directory + np.full(count, 12, "<u4").tobytes())
    with pytest.raises(InputError, match="1,000,000 directories below"), open_image(path):
        pass


def test_a_compression_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    page = random_array((33, 21), "uint8")
    Image.fromarray(page).save(source, compression="packbits")
    (note,) = write_results(source, out)
    assert "PACKBITS" in note and "deflate" in note
    assert copy_without_extra_packages(source, out) == ""
    np.testing.assert_array_equal(tifffile.imread(out), page)


def test_lzw_stays_where_imagecodecs_is(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    source, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    with tifffile.TiffWriter(source) as file:
        page = random_array((96, 80), "uint16")
        file.write(page, subifds=1, tile=TILE, compression="lzw", predictor=True)
        file.write(page[::2, ::2], subfiletype=1, tile=TILE, compression="lzw", predictor=True)
    assert write_results(source, out) == ()
    assert_levels(source, out)


@pytest.mark.parametrize("dtype", ["float32"])
def test_the_floating_point_predictor_stays(tmp_path: Path, dtype: str) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    page = random_array((33, 21), dtype)
    Image.fromarray(page).save(source, compression="tiff_adobe_deflate", tiffinfo={317: 3})
    write_results(source, out)
    with tifffile.TiffFile(out) as after:
        assert (int(after.pages[0].compression), int(after.pages[0].predictor)) == (8, 3)
    np.testing.assert_array_equal(cv2.imread(str(out), cv2.IMREAD_UNCHANGED), (1 - page).astype(dtype))


def test_a_stream_into_a_copy_of_the_stack_has_its_levels(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    pages = random_array((3, 32, 48), "uint8")
    with tifffile.TiffWriter(source) as file:
        for array in [*pages, *(page[::2, ::2] for page in pages)]:
            file.write(array, subfiletype=int(array.shape != (32, 48)), metadata=None)
    for count in (3, 2):
        out = tmp_path / f"{count}.tif"
        sink = StackCopySink(out, source)
        for number in range(count):
            sink.write(Picture(Frame(pages[number] // 2), number + 1, "a"))
        sink.finish()
        with tifffile.TiffFile(out) as after:
            assert [page.shape for page in after.pages] == [(32, 48)] * count + [(16, 24)] * count
            np.testing.assert_array_equal(after.pages[count - 1].asarray(), pages[count - 1] // 2)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "float16", "float64"])
def test_means_of_every_sample_type(dtype: str) -> None:
    page = random_array((30, 40), "uint8").astype(dtype)
    found = smaller_copy(page, Layout(page.dtype, 1, False, 13, 17))
    assert found.dtype == page.dtype
    np.testing.assert_allclose(found.astype(np.float64), area_means(page, 13, 17), rtol=2e-3, atol=0.501)


def test_the_fault_file(shared_data: Path, tmp_path: Path) -> None:
    source, out = shared_data / "faults" / "pyr.ome.tif", tmp_path / "b.ome.tif"
    assert write_results(source, out) == ()
    assert_levels(source, out)
    with tifffile.TiffFile(out) as after:
        assert [level.shape for level in after.series[0].levels] == [(512, 512), (256, 256), (128, 128)]
        assert after.pages.first.tile == (64, 64)
