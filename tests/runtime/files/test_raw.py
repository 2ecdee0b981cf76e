"""DNG and camera RAW: the mosaic and its levels in, and out as DNG that LibRaw, another reader, gives the same colours.

The files are drawn by tifffile with known values.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from support.raw_files import (
    BLACK,
    EXPOSURE,
    LINEAR_RAW,
    MATRIX,
    NEUTRAL,
    WHITE,
    Drawn,
    draw_camera_raw,
    draw_dng,
    drawn_mosaic,
    ratio,
)

from zsn2m_runtime.errors import InputError, UnavailableError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.camera_raw import camera_facts
from zsn2m_runtime.image import Frame
from zsn2m_runtime.suffixes import RAW_SUFFIXES

rawpy = pytest.importorskip("rawpy")

AREA = (4, 6, 90, 120)
ODD_AREA = (3, 5, 90, 120)
HEIGHT, WIDTH = 96, 128
SAMPLES = drawn_mosaic(HEIGHT, WIDTH)
BAYER = ("RGGB", "BGGR", "GRBG", "GBRG")
NIKON = Drawn(make="NIKON CORPORATION", model="NIKON D3")  # its first two columns and last ones are masked
CAMERAS = (NIKON, Drawn(make="PENTAX", model="PENTAX K-5"), Drawn(make="Nobody", model="Unheard of"))


def copied(source: Path, target: Path, change: int = 0) -> tuple[str, ...]:
    """Write a result with samples of the active area so much larger; returns the notes."""
    with open_image(source) as image, image.create(target) as writer:
        writer.write(Frame(image.read().pixels + np.uint16(change)))
    return writer.notes


def developed(path: Path, **options: Any) -> np.ndarray[Any, Any]:
    """The picture that LibRaw makes; with its plainest demosaicking, as others turn on differences of 1e-7."""
    with rawpy.imread(str(path)) as raw:
        options = {"demosaic_algorithm": rawpy.DemosaicAlgorithm.LINEAR, "use_camera_wb": True} | options
        return np.asarray(raw.postprocess(**options), np.int64)


def assert_same_colours(one: Path, other: Path) -> None:
    for options in ({}, {"use_camera_wb": False}, {"no_auto_bright": True}):
        before, after = developed(one, **options), developed(other, **options)
        assert before.shape == after.shape
        assert before.std() > 10  # there is a picture
        assert np.abs(before - after).max() <= 1


@pytest.mark.parametrize("pattern", BAYER)
@pytest.mark.parametrize("area", [None, AREA, ODD_AREA])
@pytest.mark.parametrize("below_preview", [False, True])
def test_a_dng_is_its_active_area_with_filters_and_levels(
    tmp_path: Path, pattern: str, area: tuple[int, int, int, int] | None, below_preview: bool
) -> None:
    path = tmp_path / "a.dng"
    draw_dng(path, SAMPLES, Drawn(pattern, area, below_preview))
    top, left, bottom, right = area or (0, 0, HEIGHT, WIDTH)
    with open_image(path) as image:
        assert np.array_equal(image.read().pixels, SAMPLES[top:bottom, left:right])
        assert image.mosaic is not None
        assert (image.mosaic.pattern, image.mosaic.black, image.mosaic.white) == (pattern, BLACK, WHITE)
        assert image.value_range == (0, WHITE)
        assert image.page_count == 1
        assert ("outside of the active area" in image.storage) == (area is not None)


@pytest.mark.parametrize("drawn", [
    Drawn(), Drawn("GBRG", AREA, below_preview=True), Drawn("GRBG", ODD_AREA, byteorder=">", orientation=6),
    Drawn(options={"tile": (32, 48)}), Drawn(options={"rowsperstrip": 10}),
])  # fmt: skip
def test_an_unchanged_dng_develops_to_the_same_picture(tmp_path: Path, drawn: Drawn) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    draw_dng(source, SAMPLES, drawn)
    copied(source, target)
    assert_same_colours(source, target)
    with open_image(source) as before, open_image(target) as after:
        assert before.mosaic == after.mosaic
        assert before.metadata == after.metadata
        assert np.array_equal(before.read().pixels, after.read().pixels)


def test_only_the_active_area_changes(tmp_path: Path) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    draw_dng(source, SAMPLES, Drawn(area=AREA))
    copied(source, target, change=100)
    expected = SAMPLES.copy()
    expected[AREA[0] : AREA[2], AREA[1] : AREA[3]] += 100
    assert np.array_equal(tifffile.imread(target), expected)
    assert np.abs(developed(source) - developed(target)).max() > 1  # the comparison can fail


def test_pixels_that_the_file_calls_defective_stay(tmp_path: Path) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    samples, bad = SAMPLES.copy(), 7
    samples[20:40:5, 30:60:3] = bad
    trim = struct.pack(">4I", 6, 0x01030000, 0, 16) + bytes(16)  # another opcode before it
    opcodes = struct.pack(">I", 2) + trim + struct.pack(">6I", 4, 0x01030000, 0, 8, bad, 0)
    draw_dng(source, samples, Drawn(area=AREA, extra=[(51008, 7, len(opcodes), opcodes, True)]))
    copied(source, target, change=100)
    written, active = tifffile.imread(target), samples[AREA[0] : AREA[2], AREA[1] : AREA[3]]
    expected = samples.copy()
    expected[AREA[0] : AREA[2], AREA[1] : AREA[3]] = np.where(active == bad, bad, active + 100)
    assert np.array_equal(written, expected)


def test_samples_above_the_white_level_are_read_as_it(tmp_path: Path) -> None:
    samples = SAMPLES.copy()
    samples[10:20, 10:20] = WHITE + 900
    draw_dng(tmp_path / "a.dng", samples)
    with open_image(tmp_path / "a.dng") as image:
        assert image.read().pixels.max() == WHITE
    copied(tmp_path / "a.dng", tmp_path / "b.dng")
    assert_same_colours(tmp_path / "a.dng", tmp_path / "b.dng")


def test_levels_that_are_not_stated_are_those_of_the_specification_and_then_stated(tmp_path: Path) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    eight_bits = (SAMPLES // 64).astype(np.uint8)
    draw_dng(source, eight_bits, black=False, white=False)
    with open_image(source) as image:
        assert image.mosaic is not None
        assert (image.mosaic.black, image.mosaic.white) == ((0, 0, 0, 0), 255)
    copied(source, target)
    assert_same_colours(source, target)


@pytest.mark.parametrize("white", [WHITE + 0.25, 2.0**20])
def test_white_levels_that_no_sample_has_are_rounded_and_limited(tmp_path: Path, white: float) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    draw_dng(source, SAMPLES, Drawn(extra=[(50717, 5, 1, ratio([white], 100), True)]), white=False)
    copied(source, target)
    assert tags_of(target)[50717] == min(int(white), 65535)


def test_black_levels_of_rows_and_columns_count_by_their_mean(tmp_path: Path) -> None:
    across, down = [4, 8] * (WIDTH // 2), [1, 0] * (HEIGHT // 2)
    extra = [(50715, 10, WIDTH, ratio(across), True), (50716, 10, HEIGHT, ratio(down), True)]
    draw_dng(tmp_path / "a.dng", SAMPLES, Drawn(extra=extra))
    with open_image(tmp_path / "a.dng") as image:
        assert image.mosaic is not None
        assert image.mosaic.black == (BLACK[0] + 4 + 1, BLACK[1] + 8 + 1, BLACK[2] + 4, BLACK[3] + 8)


def test_a_table_of_linearisation_is_applied_once(tmp_path: Path) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    table = np.minimum(np.arange(256) ** 2 // 4, 65535).astype(np.uint16)
    stored = np.sqrt(SAMPLES * 4.0).astype(np.uint8)
    draw_dng(source, stored, Drawn(extra=[(50712, "H", 256, tuple(table.tolist()), True)]))
    with open_image(source) as image:
        assert np.array_equal(image.read().pixels, np.minimum(table[stored], WHITE))
    copied(source, target)
    assert_same_colours(source, target)
    assert 50712 not in tags_of(target)


def tags_of(path: Path) -> dict[int, Any]:
    with tifffile.TiffFile(path) as tiff:
        return {tag.code: tag.value for tag in tiff.pages.first.tags}


def test_tags_are_kept_but_those_that_would_be_untrue(tmp_path: Path) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    untrue = {50781: b"u" * 16, 50972: b"d" * 16, 51111: b"n" * 16}
    extra = [(50740, "B", 5, b"maker", True), (51041, "d", 2, (1e-4, 1e-6), True)]
    extra += [(code, "B", 16, value, True) for code, value in untrue.items()]
    draw_dng(source, SAMPLES, Drawn(area=AREA, below_preview=True, orientation=8, extra=extra))
    assert copied(source, target) == ()
    tags = tags_of(target)
    assert tags[50721] == tuple(number for value in MATRIX for number in (value, 10_000))
    assert tags[50728] == ratio(NEUTRAL)
    assert (tags[50730], tags[50714], tags[50717], tags[50829]) == (EXPOSURE, BLACK, WHITE, AREA)
    assert (tags[271], tags[272], tags[274], tags[306]) == ("Maker", "One", 8, "2026:01:02 03:04:05")
    assert bytes(tags[50740]) == b"maker"
    assert not {*untrue, 51041, 50712} & tags.keys()


def test_previews_are_kept_as_they_are(tmp_path: Path) -> None:
    source, target = tmp_path / "a.dng", tmp_path / "b.dng"
    draw_dng(source, SAMPLES, Drawn(below_preview=True))
    copied(source, target)
    with tifffile.TiffFile(target) as tiff:
        [preview] = tiff.pages.first.pages
        assert np.array_equal(preview.asarray(), np.full((24, 32, 3), 99, np.uint8))
        assert preview.tags[254].value == 1


@pytest.mark.parametrize("drawn", CAMERAS)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_camera_raw_becomes_a_dng_of_the_same_colours(tmp_path: Path, drawn: Drawn, byteorder: str) -> None:
    source, target = tmp_path / "a.nef", tmp_path / "b.dng"
    draw_camera_raw(source, SAMPLES, replace(drawn, byteorder=byteorder, orientation=6))
    left = 2 if drawn is NIKON else 0
    with open_image(source) as image:
        assert image.mosaic is not None
        assert (image.mosaic.pattern, image.mosaic.black, image.mosaic.white) == ("RGGB", BLACK, WHITE)
        assert np.array_equal(image.read().pixels, SAMPLES[:, left : WIDTH - left])
    notes = " ".join(copied(source, target))
    assert "maker's own notes" in notes
    assert ("no matrix" in notes) == (drawn.make == "Nobody")
    assert_same_colours(source, target)
    tags = tags_of(target)
    assert (tags[271], tags[272], tags[306], tags[274]) == (drawn.make, drawn.model, "2026:01:02 03:04:05", 6)
    assert np.array_equal(tifffile.imread(target), SAMPLES)  # masked columns too
    with open_image(source) as before, open_image(target) as after:
        assert before.mosaic == after.mosaic


def test_exif_of_a_camera_raw_is_kept_without_the_makers_notes(tmp_path: Path) -> None:
    source, target, exif = tmp_path / "a.nef", tmp_path / "b.dng", 34665
    draw_camera_raw(source, SAMPLES, replace(NIKON, extra=[(exif + 1, "I", 1, 0, True)]))  # tifffile writes no such tag
    with tifffile.TiffFile(source) as tiff:
        place = tiff.pages.first.tags[exif + 1].offset
    with source.open("r+b") as file:
        start = file.seek(0, 2)
        entries = struct.pack("<HHII", 34855, 3, 1, 800) + struct.pack("<HHII", 37500, 7, 4, 0x41424344)
        file.write(struct.pack("<H", 2) + entries + bytes(4))
        file.seek(place)
        file.write(struct.pack("<HHII", exif, 4, 1, start))
    copied(source, target)
    assert tags_of(target)[exif] == {"ISOSpeedRatings": 800}


def test_of_a_raw_that_is_no_tiff_the_tags_are_those_of_its_preview(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, no_tiff = tmp_path / "a.nef", tmp_path / "a.cr3"
    draw_camera_raw(source, SAMPLES, replace(NIKON, below_preview=True))
    no_tiff.write_bytes(b"other")
    caplog.clear()
    with rawpy.imread(str(source)) as raw:
        facts = camera_facts(raw, no_tiff)
    assert caplog.messages == []  # tifffile has much to say of what is no picture
    words = {tag.code: tag.data.rstrip(b"\0").upper() for tag in facts.tags}
    assert (words[271], words[272]) == (b"NIKON", b"D3")  # as LibRaw calls it
    assert words[50708] == b"NIKON D3"
    assert all(words.values())  # LibRaw writes a name of the artist even where there is none
    assert 305 not in words  # nor is dcraw, as it says, the software


@pytest.mark.parametrize("suffix", [".tif", ".tiff"])
def test_a_tiff_of_it_is_the_active_area(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / "a.dng", tmp_path / f"b{suffix}"
    draw_dng(source, SAMPLES, Drawn("GBRG", AREA))
    assert "masked" in " ".join(copied(source, target))
    assert_same_colours(source, target)
    with open_image(source) as before, open_image(target) as after:
        assert np.array_equal(before.read().pixels, after.read().pixels)
        assert before.mosaic == after.mosaic


@pytest.mark.parametrize("orientation", [0, 9, 70_000])
def test_turns_that_there_are_not_count_as_none(tmp_path: Path, orientation: int) -> None:
    draw_dng(tmp_path / "a.dng", SAMPLES)
    with tifffile.TiffFile(tmp_path / "a.dng", mode="r+b") as tiff:
        tiff.pages.first.tags[274].overwrite(orientation, dtype="I")
    copied(tmp_path / "a.dng", tmp_path / "b.png")
    with open_image(tmp_path / "b.png") as image:
        assert image.metadata.orientation == 1


def test_other_formats_hold_the_samples_and_say_what_they_lose(tmp_path: Path) -> None:
    draw_dng(tmp_path / "a.dng", SAMPLES, Drawn(orientation=6))
    assert "filters" in " ".join(copied(tmp_path / "a.dng", tmp_path / "b.png"))
    with open_image(tmp_path / "b.png") as image:
        assert np.array_equal(image.read().pixels, SAMPLES)
        assert image.metadata.orientation == 6


@pytest.mark.parametrize("suffix", [suffix for suffix in RAW_SUFFIXES if suffix != ".dng"])
def test_formats_of_cameras_are_never_written(tmp_path: Path, suffix: str) -> None:
    draw_dng(tmp_path / "a.dng", SAMPLES)
    with open_image(tmp_path / "a.dng") as image, pytest.raises(UsageError, match=r"ends in \.dng"):
        image.create(tmp_path / f"b{suffix}")


XTRANS = [(33421, "H", 2, (6, 6), True), (33422, "B", 36, (1, 1, 0, 1, 1, 2) * 6, True)]
FOUR_COLOURS = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (3, 5, 1, 4), True)]


@pytest.mark.parametrize(("filters", "words"), [(XTRANS, "6 x 6"), (FOUR_COLOURS, "CYGM")])
def test_other_filters_are_refused(tmp_path: Path, filters: list[Any], words: str) -> None:
    path = tmp_path / "a.dng"
    draw_dng(path, SAMPLES)
    tifffile.imwrite(
        path, SAMPLES, photometric=32803, metadata=None, extratags=[(50706, "B", 4, (1, 4, 0, 0), True), *filters]
    )
    with pytest.raises(InputError, match=f"Bayer.*{words}.*rawpy.imread"):
        open_image(path)


def test_a_sensor_that_is_turned_is_refused(tmp_path: Path) -> None:
    """As Fujifilm's SuperCCD, of which there is no file here: its filters lie along diagonals."""
    path = tmp_path / "a.nef"
    draw_camera_raw(path, SAMPLES, NIKON)

    class Turned:
        def __getattr__(self, name: str) -> Any:
            return getattr(raw, name)

        def raw_color(self, row: int, column: int) -> int:
            return int(raw.raw_color((row + column) // 2 + 2, (row - column) % 4))

    with rawpy.imread(str(path)) as raw, pytest.raises(InputError, match=r"Bayer sensor .* 8 x 8"):
        camera_facts(Turned(), path)


def test_linear_dngs_are_refused(tmp_path: Path) -> None:
    draw_dng(tmp_path / "a.dng", np.dstack([SAMPLES] * 3), Drawn(photometric=LINEAR_RAW))
    with pytest.raises(InputError, match=r"linear.*rawpy\.imread\('a\.dng'\)"):
        open_image(tmp_path / "a.dng")


def test_without_rawpy_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_dng(tmp_path / "a.dng", SAMPLES)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(UnavailableError, match=r"pip install 'zsn2m-deploy\[raw\]'"):
        open_image(tmp_path / "a.dng")


def edited(path: Path, code: int, value: int) -> None:
    """Set a tag of one number in the first directory."""
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags[code].overwrite(value)


def test_a_stated_size_is_checked_before_anything_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    draw_dng(path, SAMPLES)
    edited(path, 256, 60_000)
    edited(path, 257, 60_000)
    with pytest.raises(InputError, match=r"60000 x 60000 pixels .*--max-pixels"):
        open_image(path)


def test_directories_in_a_circle_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    draw_dng(path, SAMPLES, Drawn(below_preview=True))
    with tifffile.TiffFile(path) as tiff:
        place, first = tiff.pages.first.tags[330].valueoffset, tiff.pages.first.offset
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, place, first)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.dng"):
        open_image(path)


def test_a_camera_raw_that_is_damaged_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    path, generator = tmp_path / "a.nef", np.random.default_rng(0)
    draw_camera_raw(path, drawn_mosaic(32, 40), NIKON)
    content = path.read_bytes()
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in generator.integers(0, 700, 3):
            damaged[place] = generator.integers(0, 256)
        path.write_bytes(damaged[: generator.integers(len(content) // 2, len(content) * 2)])
        try:
            with open_image(path) as image, image.create(tmp_path / "b.dng") as writer:
                writer.write(image.read())
        except InputError:
            refused += 1
    assert refused > 20


def test_the_preview_of_a_camera_raw_is_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "a.nef", tmp_path / "b.dng"
    preview = draw_camera_raw(source, SAMPLES, replace(NIKON, below_preview=True))
    copied(source, target)
    assert_same_colours(source, target)
    for path in (source, target):  # LibRaw puts an EXIF block of its own in front
        with rawpy.imread(str(path)) as raw:
            assert raw.extract_thumb().data.endswith(preview[100:])
