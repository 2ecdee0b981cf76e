"""Stacks: page by page, in bounded memory, and still ImageJ or OME for those who read them next."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.tiff_files import copy_without_extra_packages, random_array

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_whole

IMAGEJ = {"axes": "TZCYX", "spacing": 0.3, "unit": "um", "finterval": 2.0, "Labels": [str(i) for i in range(12)]}
OME_DTYPES = [name for name in SAMPLE_DTYPES if name not in ("uint64", "int64", "float16")]  # OME has no others
OME = {"axes": "TZCYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"}


def double(source_path: Path, out_path: Path) -> int:
    """Write every page doubled, which no copy of the file could pass for."""
    with open_image(source_path) as source, source.create(out_path) as writer:
        for frame in source:
            writer.write(frame.with_pixels(frame.pixels * source.dtype.type(2)))
        return source.page_count


def assert_doubled(source_path: Path, out_path: Path) -> None:
    with tifffile.TiffFile(source_path) as before, tifffile.TiffFile(out_path) as after:
        series, result = before.series[0], after.series[0]
        assert (result.shape, result.axes, result.dtype) == (series.shape, series.axes, series.dtype)
        assert len(after.pages) == len(before.pages)
        for flag in ("is_imagej", "is_ome", "is_shaped", "is_bigtiff", "byteorder", "ome_metadata"):
            assert getattr(after, flag) == getattr(before, flag), flag
        assert after.imagej_metadata == before.imagej_metadata
        for name in ("compression", "predictor", "photometric", "planarconfig", "extrasamples", "resolution"):
            assert getattr(after.pages[0], name) == getattr(before.pages[0], name), name
        np.testing.assert_array_equal(result.asarray(), series.asarray() * series.dtype.type(2))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])  # tifffile's ImageJ files have no others
def test_imagej_hyperstack(tmp_path: Path, dtype: str) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    array = random_array((2, 3, 2, 33, 21), dtype)
    tifffile.imwrite(source, array, imagej=True, resolution=(5.0, 5.0), metadata=IMAGEJ)
    assert double(source, out) == 12
    assert_doubled(source, out)
    with tifffile.TiffFile(out) as result:
        assert result.imagej_metadata["spacing"] == 0.3
        # ImageJ itself ignores all directories but the first, and expects the planes behind each other.
        first = result.pages[0].dataoffsets[0]
        assert [page.dataoffsets[0] - first for page in result.pages] == [i * result.pages[0].nbytes for i in range(12)]


def test_imagej_stack_with_a_single_directory(tmp_path: Path) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    for shape, axes in (((6, 33, 21), "TYX"), ((4, 33, 21, 3), "ZYXS")):
        array = random_array(shape, "uint8" if axes[-1] == "S" else "uint16")
        tifffile.imwrite(source, array, imagej=True, truncate=True, metadata={"axes": axes})
        with tifffile.TiffFile(source) as file:
            assert len(file.pages) == 1
        assert double(source, out) == shape[0]
        assert_doubled(source, out)
        content = source.read_bytes()
        source.write_bytes(content[:-600])
        with pytest.raises(InputError, match="ends before"):
            open_image(source)


@pytest.mark.parametrize("dtype", OME_DTYPES)
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "zlib", "tile": (16, 16)}])
def test_ome_tiff(tmp_path: Path, dtype: str, options: dict[str, object]) -> None:
    source, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    tifffile.imwrite(source, random_array((2, 3, 2, 33, 21), dtype), metadata=OME, **options)
    assert double(source, out) == 12
    assert_doubled(source, out)
    with tifffile.TiffFile(out) as result:
        assert "µm" in result.ome_metadata


def test_ome_that_names_its_own_file_names_the_new_one(tmp_path: Path) -> None:
    source, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    tifffile.imwrite(source, random_array((2, 33, 21), "uint16"), metadata={"axes": "TYX"})
    with tifffile.TiffFile(source) as file:
        description = file.ome_metadata
    inner = '<UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
    changed = description.replace('<TiffData IFD="0" PlaneCount="2"/>', f'<TiffData IFD="0" PlaneCount="2">{inner}')
    assert changed != description
    tifffile.tiffcomment(source, changed.encode())
    double(source, out)
    with tifffile.TiffFile(out) as result:
        assert 'FileName="b.ome.tif"' in result.ome_metadata
        assert result.series[0].shape == (2, 33, 21)


KINDS = list(product((1, 2, 3, 4), ("contig", "separate"), (None, "zlib"), (False, True), "<>"))


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
def test_every_way_to_store_samples(tmp_path: Path, dtype: str) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    has_predictor = is_whole(dtype) and np.dtype(dtype).itemsize <= 4  # tifffile's alone
    for samples, planar, compression, predictor, order in KINDS:
        if (samples == 1 and planar == "separate") or (predictor and (compression is None or not has_predictor)):
            continue
        shape = (35, 21) if samples == 1 else (samples, 35, 21) if planar == "separate" else (35, 21, samples)
        tifffile.imwrite(
            source,
            random_array(shape, dtype),
            photometric="rgb" if samples > 2 else "minisblack",
            planarconfig=planar if samples > 1 else None,
            extrasamples=["unassalpha"] if samples in (2, 4) else None,
            compression=compression,
            predictor=predictor,
            byteorder=order,
            metadata=None,
        )
        with open_image(source) as opened, opened.create(out) as writer:
            frame = opened.read()
            assert frame.dtype == dtype
            assert (frame.channels, frame.alpha is not None) == (3 if samples > 2 else 1, samples in (2, 4))
            writer.write(frame)
        expected = tifffile.imread(source)
        np.testing.assert_array_equal(tifffile.imread(out), expected)
        stored = np.moveaxis(expected, 0, 2) if planar == "separate" else expected
        np.testing.assert_array_equal(frame.as_array(), stored)
        with tifffile.TiffFile(source) as before, tifffile.TiffFile(out) as after:
            for name in ("compression", "predictor", "photometric", "planarconfig", "extrasamples"):
                assert getattr(after.pages[0], name) == getattr(before.pages[0], name), name


def test_tags_of_every_page_survive(tmp_path: Path) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    with tifffile.TiffWriter(source, bigtiff=True) as file:
        for page, size in enumerate(((8, 9), (10, 11), (3, 4))):
            file.write(
                random_array(size, "uint16"),
                description=f"page {page}",
                software="camera",
                datetime="2024:01:02 03:04:05",
                resolution=(100 + page, 50),
                resolutionunit="CENTIMETER",
                extratags=[(65000, "d", 2, (1.5, page), False)],
                metadata=None,
            )
    assert double(source, out) == 3
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(out) as after:
        assert after.is_bigtiff
        for old, new in zip(before.pages, after.pages, strict=True):
            for tag in old.tags:
                if tag.name not in ("StripOffsets", "StripByteCounts", "RowsPerStrip"):
                    assert new.tags[tag.code].value == tag.value, tag.name
            np.testing.assert_array_equal(new.asarray(), old.asarray() * 2)
    with open_image(source) as opened, pytest.raises(UsageError, match="different sizes"):
        opened.create(tmp_path / "out.npy")


def write_lzw(path: Path, pages: np.ndarray, orientation: int = 1) -> None:
    first, *others = [Image.fromarray(page) for page in pages]
    tags = {274: orientation, 317: 2}  # differences between neighbours
    first.save(path, compression="tiff_lzw", tiffinfo=tags, save_all=True, append_images=others)
    with tifffile.TiffFile(path) as file:
        assert [(page.compression, page.predictor) for page in file.pages] == [(5, 2)] * len(pages)


@pytest.mark.parametrize(("shape", "dtype"), [((2, 33, 21, 3), "uint8"), ((2, 33, 21), "uint16")])
def test_other_compressions_become_deflate_also_without_extra_packages(
    tmp_path: Path, shape: tuple[int, ...], dtype: str
) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    array = random_array(shape, dtype)
    write_lzw(source, array)
    assert copy_without_extra_packages(source, out) == ""
    np.testing.assert_array_equal(tifffile.imread(out), array)
    with tifffile.TiffFile(out) as result:
        assert result.pages[0].compression == 8


@pytest.mark.parametrize(("shape", "dtype"), [((1, 33, 21, 3), "uint8"), ((1, 33, 21), "uint16")])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_turned_pictures_that_only_opencv_decodes_are_refused(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, orientation: int
) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    write_lzw(source, random_array(shape, dtype), orientation)
    message = copy_without_extra_packages(source, out)
    assert f"{source}: " in message and f"orientation {orientation}" in message
    assert not out.exists()


def test_planes_that_would_go_unnoticed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, random_array((6, 33, 21), "uint16"), truncate=True)
    with pytest.raises(InputError, match="several planes behind one"):
        open_image(path)
    tifffile.imwrite(path, random_array((5, 33, 21), "uint8"), photometric="minisblack", planarconfig="separate")
    with pytest.raises(InputError, match="5 samples per pixel"):
        open_image(path)
    with tifffile.TiffWriter(path) as file:
        file.write(random_array((3, 4), "uint16"))
        file.write(random_array((3, 4), "uint8"))
    with pytest.raises(InputError, match="page 2 is 3x4 grey uint8"):
        open_image(path)


def test_inverted_grey_stays_in_tiff(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, random_array((33, 21), "uint8"), photometric="miniswhite")
    double(source, tmp_path / "b.tif")
    assert_doubled(source, tmp_path / "b.tif")
    with open_image(source) as opened, pytest.raises(UsageError, match="0 is white"):
        opened.create(tmp_path / "b.png")


def test_page_of_another_size_is_refused_and_nothing_left(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, random_array((3, 33, 21), "uint16"), photometric="minisblack")
    with pytest.raises(OutputError, match="33x21 grey uint16"):  # noqa: SIM117
        with open_image(source) as opened, opened.create(tmp_path / "b.tif") as writer:
            frame = opened.read()
            writer.write(frame)
            writer.write(frame.with_pixels(frame.pixels[1:]))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


MEMORY = """
import resource, sys
from pathlib import Path
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_whole, limits_of
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_image(Path(sys.argv[1])) as source, source.create(Path(sys.argv[2])) as writer:
    for frame in source:
        writer.write(frame)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    ("source_name", "out_name"), [("a.npy", "b.npy"), ("a.npy", "b.tif"), ("a.tif", "b.tif"), ("i.tif", "j.tif")]
)
def test_stack_of_200_megabytes_needs_little_memory(tmp_path: Path, source_name: str, out_name: str) -> None:
    source, out = tmp_path / source_name, tmp_path / out_name
    shape = (100, 1000, 1000, 1)  # 200 MB, 2 MB a page
    array = np.broadcast_to(np.arange(1000, dtype=np.uint16)[:, None], shape)
    if source.suffix == ".npy":
        np.save(source, array)
    else:
        tifffile.imwrite(source, array[..., 0], photometric="minisblack", imagej=source_name == "i.tif")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, source, out],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert int(done.stdout) < 40_000  # KiB
    assert out.stat().st_size > 200_000_000
    with open_image(out) as result:
        assert result.page_count == 100
        np.testing.assert_array_equal(result.read(99).pixels, array[99, ..., 0])
    source.unlink()
    out.unlink()
