"""Every tag of every page of a TIFF, its sub-directories and levels included, comes back, and so do the pixels.

Another reader compares: tifffile. Only where the pixels stand in the file and how they are packed may differ.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from support import bombs
from support.tiff_files import random_array

from zsn2m_runtime.files import open_image

# StripOffsets, RowsPerStrip, StripByteCounts, TileOffsets, TileByteCounts, SubIFDs
STORAGE = {273, 278, 279, 324, 325, 330}
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
LOOKUP = np.arange(768, dtype=np.uint16).reshape(3, 256) * 85
PIXELS = random_array((40, 48, 3), "uint8")
Entry = tuple[int, int, int, bytes]  # tag, kind, count, value


def directory(entries: list[Entry], start: int) -> bytes:
    """A little-endian directory that stands at `start`, its values behind it."""
    values, packed = b"", struct.pack("<H", len(entries))
    place = start + 2 + 12 * len(entries) + 4
    for code, kind, count, value in entries:
        inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", place + len(values))
        values += b"" if len(value) <= 4 else value + bytes(len(value) % 2)
        packed += struct.pack("<HHI", code, kind, count) + inline
    return packed + bytes(4) + values


def photograph(path: Path) -> None:
    """What a camera and an image editor write: EXIF, GPS, colour profile, XMP, IPTC, unusual kinds of values."""
    tags = [
        (700, 1, len(XMP), XMP, True),
        (274, 3, 1, 6, True),
        (315, 2, 0, b"Jos\xc3\xa9", True),
        (34675, 7, len(PROFILE), PROFILE, True),
        (33723, 7, 5, b"\x1c\x02\x00\x00\x01", True),
        (34377, 1, 8, b"8BIM\x04\x04\0\0", True),
        (65001, "h", 2, (-5, 6), True),
        (65002, 10, 1, (-1, 3), True),
        (65003, "d", 2, (1.5, -2.5), True),
        (EXIF + 1, 4, 1, 0, True),  # these two get their own codes below: tifffile does not write them
        (GPS + 1, 4, 1, 0, True),
    ]
    tifffile.imwrite(
        path, PIXELS, extratags=tags, metadata=None, resolution=((3543, 10), (7087, 20)),
        resolutionunit="CENTIMETER", software="editor 3", datetime="2026:01:02 03:04:05", description=b"a \xb5m",
    )  # fmt: skip
    with path.open("r+b") as file:

        def append(*entries: Entry) -> int:
            start = file.seek(0, 2)
            file.write(directory(list(entries), start))
            return start

        interoperability = append((1, 2, 4, b"R98\0"))
        exposure, maker = struct.pack("<II", 1, 100), bytes(range(40))
        pointer = struct.pack("<I", interoperability)
        below = {
            EXIF: append((33434, 5, 1, exposure), (37500, 7, 40, maker), (INTEROPERABILITY, 4, 1, pointer)),
            GPS: append((1, 2, 2, b"N\0"), (2, 5, 3, struct.pack("<6I", 52, 1, 30, 1, 0, 1))),
        }
        with tifffile.TiffFile(path) as tiff:
            places = {code: tiff.pages.first.tags[code + 1].offset for code in below}
        for code, start in below.items():
            file.seek(places[code])
            file.write(struct.pack("<HHII", code, 4, 1, start))


def imagej(path: Path) -> None:
    notes = {"Labels": [str(k) for k in range(6)], "Info": "gain 2", "Ranges": (0.0, 9.0, 1.0, 8.0), "ROI": b"Iout" * 9}
    stack = random_array((3, 2, 40, 48), "uint16")
    metadata = {"axes": "ZCYX", "spacing": 0.3, "unit": "um", "LUTs": [LOOKUP.astype(np.uint8)] * 2, **notes}
    tifffile.imwrite(path, stack, imagej=True, resolution=(5.0, 5.0), metadata=metadata)


def imagej_palette(path: Path) -> None:
    tifffile.imwrite(path, random_array((4, 40, 48), "uint8"), imagej=True, colormap=LOOKUP, metadata={"axes": "TYX"})


def ome_pyramid(path: Path) -> None:
    stack = random_array((2, 64, 96), "uint16")
    form: dict[str, Any] = {"tile": (16, 32), "compression": "zlib", "predictor": True, "photometric": "minisblack"}
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        names = {"axes": "CYX", "Channel": {"Name": ["DAPI", "µ"]}}
        file.write(stack, subifds=2, metadata=names, software="scope", **form)
        for step in (2, 4):
            file.write(stack[:, ::step, ::step], subfiletype=1, software="scope", **form)


def pages_of_their_own(path: Path) -> None:
    """Micro-Manager and others note facts with every page; big-endian, BigTIFF."""
    with tifffile.TiffWriter(path, bigtiff=True, byteorder=">") as file:
        for page in range(3):
            facts = f'{{"Exposure-ms": {page}}}'.encode()
            file.write(
                random_array((20 + page, 24), "float32"), metadata=None, description=f"page {page}", contiguous=False,
                resolution=(10 + page, 3), extratags=[(51123, 2, 0, facts, False), (65000, 16, 1, 1 << 40, False)],
            )  # fmt: skip


def geographic(path: Path) -> None:
    tags = [
        (33550, 12, 3, (0.5, 0.5, 0.0), True),
        (33922, 12, 6, (0, 0, 0, 440720.0, 3751320.0, 0), True),
        (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
        (34737, 2, 0, b"WGS 84|", True),
        (42112, 2, 0, b"<GDALMetadata/>", True),
        (42113, 2, 0, b"-9999", True),
    ]
    tifffile.imwrite(path, random_array((40, 48), "float32"), tile=(16, 16), extratags=tags, metadata=None)


def separate_planes(path: Path) -> None:
    planes = random_array((4, 40, 48), "uint16")
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", extrasamples=[1], metadata=None)


def nothing_more(path: Path) -> None:
    """No resolution, no description, no program: nothing is added."""
    Image.fromarray(PIXELS).save(path, compression="tiff_adobe_deflate")


def reduced_pages(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        for step in (1, 2, 1, 2):  # each page is followed by its smaller copy
            kind = {"subfiletype": int(step > 1), "metadata": None, "software": f"of {step}"}
            file.write(PIXELS[::step, ::step], photometric="rgb", contiguous=False, **kind)


KINDS = (
    photograph, imagej, imagej_palette, ome_pyramid, pages_of_their_own, geographic, separate_planes, nothing_more,
    reduced_pages,
)  # fmt: skip


def directories(tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    for number in range(len(tiff.pages)):
        page = tiff.pages.get(number)
        yield page
        yield from (below for below in page.pages or ())


def facts(page: tifffile.TiffPage) -> dict[int, tuple[str, int, int, object]]:
    """Name, kind, count and value of every tag that does not say where the pixels are."""
    found = {tag.code: (tag.name, tag.dtype, tag.count, tag.value) for tag in page.tags if tag.code not in STORAGE}
    if EXIF in found:
        exif: Any = found[EXIF][3]
        page.parent.filehandle.seek(exif["InteroperabilityTag"])  # tifffile gives its place, not its content
        exif["InteroperabilityTag"] = page.parent.filehandle.read(2 + 12 + 4)
    return found


def copy(source: Path, out: Path) -> None:
    with open_image(source) as image, image.create(out) as writer:
        for frame in image:
            writer.write(frame, unchanged=True)
        assert writer.notes == ()


@pytest.mark.parametrize("make", KINDS)
def test_every_tag_and_pixel_comes_back(tmp_path: Path, make: Callable[[Path], None]) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    make(source)
    copy(source, out)
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(out) as after:
        assert (after.byteorder, after.is_bigtiff, after.flags) == (before.byteorder, before.is_bigtiff, before.flags)
        pairs = list(zip(directories(before), directories(after), strict=True))
        for old, new in pairs:
            np.testing.assert_equal(facts(new), facts(old))
            np.testing.assert_array_equal(new.asarray(), old.asarray())
        assert len(after.series) == len(before.series)
        for old_series, new_series in zip(before.series, after.series, strict=True):
            assert (new_series.axes, new_series.shape, new_series.kind) == (
                old_series.axes,
                old_series.shape,
                old_series.kind,
            )
            assert len(new_series.levels) == len(old_series.levels)
        np.testing.assert_equal(after.imagej_metadata, before.imagej_metadata)
        assert after.ome_metadata == before.ome_metadata


@pytest.mark.parametrize(
    "below", [directory([], 1000), directory([(37500, 99, 1, b"")], 1000)], ids=["nothing", "one tag of unknown kind"]
)
def test_an_empty_directory_is_left_out(tmp_path: Path, below: bytes) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    entries = [*bombs.page_entries(1, 1, 1), (EXIF, 4, 1, 1000)]
    source.write_bytes(bombs.tiff(entries, below))
    copy(source, out)
    copy(out, tmp_path / "c.tif")
    with tifffile.TiffFile(out) as after:
        assert EXIF not in after.pages.first.tags


def test_the_photograph_has_what_is_compared(tmp_path: Path) -> None:
    photograph(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        tags = tiff.pages.first.tags
        assert tags[EXIF].value["ExposureTime"] == (1, 100)
        assert tags[GPS].value["GPSLatitudeRef"] == "N"
        assert tags[315].value == "José"


def test_why_directories_are_written_here(tmp_path: Path) -> None:
    """Where this fails, tifffile's own writer may do: docs/decisions/own-writers.md."""
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, extratags=[(EXIF, 4, 1, 0, True)], metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert EXIF not in tiff.pages.first.tags
        assert 282 in tiff.pages.first.tags  # a resolution that nobody stated
