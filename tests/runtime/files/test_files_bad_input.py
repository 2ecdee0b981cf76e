"""Bad input ends in an InputError that names the file, and never in half a picture."""

import errno
import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.image_files import KINDS, save_any

from zsn2m_runtime.errors import InputError, OutputError
from zsn2m_runtime.files import list_inputs, open_image, save_image
from zsn2m_runtime.files.png_chunks import LONGEST_PROFILE, SIGNATURE, Chunk, split_chunks
from zsn2m_runtime.image import Frame
from zsn2m_runtime.suffixes import DNG

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)  # 52: BMP rows without padding


def read_all(path: Path) -> int:
    with open_image(path) as source:
        return len(list(source))


def assert_refused(path: Path, words: str = "expected") -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_all(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "expected" in message and "but" in message and ";" in message


@pytest.mark.parametrize("suffix", KINDS)
def test_missing_folder_empty_and_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert_refused(path, "there is none")
    path.mkdir()
    assert_refused(path, "got a folder")
    path.rmdir()
    path.write_bytes(b"")
    assert_refused(path, "empty file")
    path.write_text("this is not an image")
    assert_refused(path, "other content" if suffix != DNG else "LibRaw")
    path.write_bytes(b"\xff\xd8\xff\xe0" if suffix not in (".jpg", ".jpeg") else b"\x89PNG\r\n\x1a\n")
    assert_refused(path, "(JPEG|PNG) content")


def test_unknown_suffix(tmp_path: Path) -> None:
    for name in ("a.xyz", "a"):
        (tmp_path / name).write_bytes(b"x")
        assert_refused(tmp_path / name, r"ending in \.png")


@pytest.mark.parametrize("suffix", KINDS)
def test_every_cut_is_noticed(tmp_path: Path, suffix: str) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    save_any(whole, PIXELS)
    content = whole.read_bytes()
    assert read_all(whole) == 1
    for length in [*range(1, len(content), max(1, len(content) // 40)), len(content) - 1]:
        cut.write_bytes(content[:length])
        assert_refused(cut)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("imagej", [False, True])
def test_every_cut_of_a_stack_is_noticed(tmp_path: Path, compression: str | None, imagej: bool) -> None:
    whole, cut = tmp_path / "whole.tif", tmp_path / "cut.tif"
    stack = np.random.default_rng(0).integers(0, 65536, (4, 20, 20), np.uint16)
    tifffile.imwrite(whole, stack, photometric="minisblack", imagej=imagej, compression=compression)
    content = whole.read_bytes()
    assert read_all(whole) == 4
    for length in range(1, len(content) - 16, 61):  # the last 16 bytes are padding
        cut.write_bytes(content[:length])
        assert_refused(cut)


@pytest.mark.parametrize("suffix", KINDS)
def test_damaged_bytes_never_escape_as_another_error(tmp_path: Path, suffix: str) -> None:
    generator = np.random.default_rng(0)
    path = tmp_path / f"a{suffix}"
    save_any(path, PIXELS)
    content = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(content)
        for position in generator.integers(0, min(200, len(content)), 3):
            damaged[position] = generator.integers(0, 256)
        path.write_bytes(damaged)
        try:
            read_all(path)
        except InputError:
            assert True


def test_png_with_a_wrong_checksum_or_missing_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_image(path, Frame(PIXELS))
    content = path.read_bytes()
    end = Chunk(b"IEND", b"").packed()
    assert content.endswith(end)
    last_checksum = len(content) - len(end) - 1
    path.write_bytes(content[:last_checksum] + bytes([content[last_checksum] ^ 1]) + end)
    assert_refused(path, "chunk is damaged")
    chunks = split_chunks(content)
    chunks[-2] = Chunk(b"IDAT", chunks[-2].data[:-9])
    path.write_bytes(SIGNATURE + b"".join(chunk.packed() for chunk in chunks))
    assert_refused(path, "pixels are incomplete")


def png_of(pixels: bytes, width: int, height: int, *others: Chunk, depth: int = 8, interlace: int = 0) -> bytes:
    """A grey PNG file with the given bytes, filter types included, as its pixels."""
    header = Chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, interlace))
    chunks = (header, *others, Chunk(b"IDAT", zlib.compress(pixels, 9)), Chunk(b"IEND", b""))
    return SIGNATURE + b"".join(chunk.packed() for chunk in chunks)


def test_png_that_inflates_to_more_than_its_size_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    bomb = bytes(1 << 26)
    path.write_bytes(png_of(bomb, 300, 200))
    assert path.stat().st_size < 1 << 17
    tracemalloc.start()
    assert_refused(path, "its pixels are more than the 60200 bytes")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    path.write_bytes(png_of(bytes(60201), 300, 200))
    assert_refused(path, "its pixels are more than")
    path.write_bytes(png_of(bytes(60199), 300, 200))
    assert_refused(path, "its pixels are incomplete")
    path.write_bytes(png_of(bytes(60200), 300, 200))
    assert read_all(path) == 1
    path.write_bytes(png_of(b"", 0, 200))
    assert_refused(path, "its header is damaged")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_interlaced_png_has_the_bytes_of_seven_passes(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "a.png"
    for width, height in ((1, 1), (2, 3), (5, 5), (8, 8), (13, 17)):
        passes = [(width + 7) // 8, (height + 7) // 8], [(width + 3) // 8, (height + 7) // 8]
        passes += [(width + 3) // 4, (height + 3) // 8], [(width + 1) // 4, (height + 3) // 4]
        passes += [(width + 1) // 2, (height + 1) // 4], [width // 2, (height + 1) // 2], [width, height // 2]
        size = sum(rows * (1 + (columns * depth + 7) // 8) for columns, rows in passes if columns)
        path.write_bytes(png_of(bytes(size), width, height, depth=depth, interlace=1))
        assert read_all(path) == 1
        path.write_bytes(png_of(bytes(size + 1), width, height, depth=depth, interlace=1))
        assert_refused(path, f"more than the {size} bytes")


def test_colour_profile_that_inflates_without_end_is_not_taken_along(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(LONGEST_PROFILE + 1), 9)
    (tmp_path / "a.png").write_bytes(png_of(bytes(2), 1, 1, Chunk(b"iCCP", b"name\x00\x00" + packed)))
    with open_image(tmp_path / "a.png") as source:
        assert source.metadata.icc is None


def test_a_cut_page_is_noticed_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for compression in (None, "zlib"):
        tifffile.imwrite(path, PIXELS, compression=compression)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(InputError, match="ends too early"):
            open_image(path)
        tifffile.imwrite(path, PIXELS, compression=compression)
        with tifffile.TiffFile(path, mode="r+b") as file:
            file.pages[0].tags["ImageLength"].overwrite(2_000_000_000)
        with pytest.raises(InputError, match="fewer bytes"):
            open_image(path)


@pytest.mark.parametrize("dtype", ["bool", "complex64", "longdouble"])
def test_arrays_that_no_frame_can_hold_say_what_converts_and_what_goes_back(tmp_path: Path, dtype: str) -> None:
    array = np.zeros((4, 4), dtype)
    np.save(tmp_path / "a.npy", array)
    assert_refused(tmp_path / "a.npy", rf"float64, but got {array.dtype.name}; .*array\..*back")


@pytest.mark.parametrize(
    ("bits", "options", "call"),
    [
        (1, {"dtype": "bool"}, r"astype\('uint8'\).*bitspersample=1\) brings"),
        (12, {"dtype": "uint16"}, r"astype\('uint16'\).*bitspersample=12\) brings"),
        (None, {"dtype": "complex64"}, "array.real and array.imag one at a time; real [+] 1j"),
    ],
)
def test_tiffs_that_no_frame_can_hold_say_what_converts(
    tmp_path: Path, bits: int | None, options: dict[str, str], call: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 4), options["dtype"]), photometric="minisblack")
    if bits == 12:
        with tifffile.TiffFile(path, mode="r+b") as file:
            file.pages[0].tags["BitsPerSample"].overwrite(12)
    assert_refused(path, call)


def test_npy_shapes_and_pickles(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for shape, words in [
        ((4, 5, 6), "4-D"),
        ((4, 5, 2), "4-D"),
        ((4,), "shape"),
        ((2, 4, 5, 2), "shape"),
        ((0, 4, 5, 1), "at least one"),
        ((0, 4), "at least one"),
        ((1, 2, 3, 4, 1), "shape"),
    ]:
        np.save(path, np.zeros(shape, np.uint8))
        assert_refused(path, words)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert_refused(path, "cannot be read")


def test_colour_spaces_and_animations(tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS)
    image.convert("CMYK").save(tmp_path / "a.jpg")
    assert_refused(tmp_path / "a.jpg", "grey or RGB, but got CMYK")
    for suffix in (".png", ".webp"):
        frames = [Image.fromarray(255 - PIXELS)]
        image.save(tmp_path / f"moving{suffix}", save_all=True, append_images=frames)
        assert_refused(tmp_path / f"moving{suffix}", "animat")
    buffer = io.BytesIO()
    image.convert("CMYK").save(buffer, "TIFF")
    (tmp_path / "a.tif").write_bytes(buffer.getvalue())
    assert_refused(tmp_path / "a.tif", "grey or RGB, but got CMYK")
    image.quantize(16).save(tmp_path / "p.tif")
    assert_refused(tmp_path / "p.tif", "grey or RGB, but got palette")


def test_inputs_of_files_folders_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("f10.png", "f2.PNG", "F1.png", "notes.txt", ".hidden.png", "b.tif", "x[1].npy"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "deeper.png").mkdir()
    natural = ["b.tif", "F1.png", "f2.PNG", "f10.png", "x[1].npy"]
    assert [path.name for path in list_inputs([str(tmp_path)])] == natural
    monkeypatch.chdir(tmp_path)
    assert list_inputs(["f*"]) == [Path("f2.PNG"), Path("f10.png")]
    assert [path.name for path in list_inputs([str(tmp_path / "*.png")])] == ["F1.png", "f10.png"]
    assert list_inputs(["x[1].npy"]) == [Path("x[1].npy")]
    mixed = list_inputs(["f10.png", str(tmp_path / "f10.png"), ".", "f2.PNG"])
    assert [path.name for path in mixed] == ["f10.png", "b.tif", "F1.png", "f2.PNG", "x[1].npy"]


def test_inputs_that_name_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"")
    for argument in (str(tmp_path), str(tmp_path / "*.png"), str(tmp_path / "a.png"), str(tmp_path / "notes.txt")):
        with pytest.raises(InputError, match=r"expected .*, but .*; "):
            list_inputs([argument])
    with pytest.raises(InputError, match="at least one"):
        list_inputs([])


def test_names_that_are_too_long(tmp_path: Path) -> None:
    path = tmp_path / f"{'a' * 300}.png"
    assert_refused(path, "name too long'; check its name")
    with pytest.raises(InputError, match="name too long"):
        list_inputs([str(path)])
    save_image(tmp_path / "a.png", Frame(PIXELS))
    with open_image(tmp_path / "a.png") as source, pytest.raises(OutputError, match="shorter"):
        source.create(path)


@pytest.mark.parametrize("suffix", KINDS)
def test_files_and_folders_without_permission(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    path = tmp_path / f"a{suffix}"
    save_any(path, PIXELS)
    for method in ("open", "stat"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, method, refuse)
            assert_refused(path, "Permission denied")
    for method in ("iterdir", "stat"):
        with monkeypatch.context() as patch, pytest.raises(InputError, match="Permission denied") as caught:
            patch.setattr(Path, method, refuse)
            list_inputs([str(tmp_path)])
        assert str(caught.value).startswith(str(tmp_path))
