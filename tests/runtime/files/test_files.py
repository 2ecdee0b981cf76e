"""Every format x sample type x channels x alpha: what is written comes back bit for bit, or is refused."""

import struct
import zlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_files import PACKAGES, frame_for

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.files import WRITABLE_SUFFIXES, Layout, Metadata, new_writer, open_image, save_image
from zsn2m_runtime.files.formats import FORMATS
from zsn2m_runtime.files.png_chunks import SIGNATURE, Chunk, split_chunks
from zsn2m_runtime.files.tiff_writer import TiffWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_whole, limits_of
from zsn2m_runtime.suffixes import DNG, IMAGE_SUFFIXES, RAW_SUFFIXES, ZARR

SIZES = [(1, 1), (1, 7), (3, 5), (300, 17)]
DTYPES = SAMPLE_DTYPES
LOSSLESS = {  # suffix: sample types, samples per pixel
    ".png": (("uint8", "uint16"), (1, 2, 3, 4)),
    ".tif": (DTYPES, (1, 2, 3, 4)),
    ".npy": (DTYPES, (1, 3, 4)),
    ".webp": (("uint8",), (3, 4)),
    ".bmp": (("uint8",), (1, 3)),
    ".pgm": (("uint8", "uint16"), (1,)),
    ".ppm": (("uint8", "uint16"), (3,)),
    ".pnm": (("uint8", "uint16"), (1, 3)),
    ".pam": (("uint8", "uint16"), (1, 2, 3, 4)),
    ".pfm": (("float32",), (1, 3)),
    ".avif": (("uint8",), (1, 3, 4)),
    ".heic": (("uint8",), (1, 3, 4)),
    ".exr": (("float16", "float32", "uint32"), (1, 3, 4)),
}
SAME = {".tiff": ".tif", ".heif": ".heic", ".hif": ".heic"}


def random_frame(dtype: str, samples: int, size: tuple[int, int] = (3, 5), seed: int = 0) -> Frame:
    generator = np.random.default_rng(seed)
    channels = 3 if samples > 2 else 1
    shape = (*size, channels + 1)
    if is_whole(dtype):
        values = generator.integers(*limits_of(dtype), shape, dtype, endpoint=True)
    else:
        values = generator.normal(0, 1000, shape).astype(dtype)
    pixels = values[..., 0] if channels == 1 else values[..., :3]
    return Frame(pixels, values[..., -1] if samples in (2, 4) else None)


def assert_same(got: Frame, expected: Frame) -> None:
    assert got.dtype == expected.dtype
    assert got.pixels.dtype.isnative
    np.testing.assert_array_equal(got.pixels, expected.pixels)
    assert (got.alpha is None) == (expected.alpha is None)
    if expected.alpha is not None:
        np.testing.assert_array_equal(got.alpha, expected.alpha)


CASES = [(suffix, dtype, samples) for suffix, (dtypes, all_samples) in LOSSLESS.items()
         for dtype, samples in product(dtypes, all_samples)]  # fmt: skip


@pytest.mark.parametrize(("suffix", "dtype", "samples"), CASES)
def test_lossless_round_trip(tmp_path: Path, suffix: str, dtype: str, samples: int) -> None:
    if suffix in PACKAGES:
        pytest.importorskip(PACKAGES[suffix])
    for size in SIZES:
        frame = random_frame(dtype, samples, size)
        save_image(tmp_path / f"a{suffix}", frame)
        with open_image(tmp_path / f"a{suffix}") as source:
            assert (source.page_count, source.height, source.width) == (1, *size)
            assert source.dtype == np.dtype(dtype)
            assert (source.channels, source.layout.has_alpha) == (frame.channels, frame.alpha is not None)
            assert_same(source.read(), frame)
            other = random_frame(dtype, samples, size, seed=1)
            with source.create(tmp_path / f"b{suffix}") as writer:
                writer.write(other)
        with open_image(tmp_path / f"b{suffix}") as result:
            assert_same(result.read(), other)


def test_every_other_combination_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = tmp_path / "source.tif"
    for dtype, samples in product(DTYPES, (1, 2, 3, 4)):
        save_image(source, random_frame(dtype, samples))
        with open_image(source) as opened:
            for suffix in IMAGE_SUFFIXES:
                known = LOSSLESS.get(SAME.get(suffix, suffix), (("uint8",), (1, 3)))
                if suffix in (".gif", ZARR, *RAW_SUFFIXES):
                    known = ((), ())
                if (dtype in known[0] and samples in known[1]) or (suffix, dtype, samples) == (".webp", "uint8", 1):
                    continue
                with pytest.raises(UsageError, match=r"expected .*, but got .*; write \.[pt]"):
                    opened.create(tmp_path / f"out{suffix}")
        assert [path.name for path in tmp_path.iterdir()] == ["source.tif"]


def test_every_image_suffix_has_a_format() -> None:
    assert tuple(FORMATS) == IMAGE_SUFFIXES


def test_multi_page_and_unknown_suffix_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.zeros((2, 3, 5, 1), np.uint8))
    with open_image(tmp_path / "stack.npy") as source:
        with pytest.raises(UsageError, match=r"2 pages; write \.tif"):
            source.create(tmp_path / "out.png")
        with pytest.raises(UsageError, match=r"\.png, .*but got '\.xyz'"):
            source.create(tmp_path / "out.xyz")
        with pytest.raises(UsageError, match="same file"):
            source.create(tmp_path / "." / "stack.npy")
    with pytest.raises(UsageError, match="at most 16383"):
        save_image(tmp_path / "out.webp", Frame(np.zeros((1, 16384, 3), np.uint8)))


@pytest.mark.parametrize("shape", [(1, 1_000_001), (1_000_001, 1)])
def test_sides_that_libpng_refuses_are_refused_before_it_prints(
    tmp_path: Path, shape: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=r"at most 1000000, but got .*; write \.tif instead"):
        save_image(tmp_path / "a.png", Frame(np.zeros(shape, np.uint8)))
    assert list(tmp_path.iterdir()) == []
    save_image(tmp_path / "a.png", Frame(np.zeros([min(side, 1_000_000) for side in shape], np.uint8)))
    header, *others = split_chunks((tmp_path / "a.png").read_bytes())
    rows, columns = shape
    pixels = Chunk(b"IDAT", zlib.compress(bytes(rows * (1 + columns))))
    large = Chunk(b"IHDR", struct.pack(">II", columns, rows) + header.data[8:])
    packed = b"".join(chunk.packed() for chunk in (large, pixels, others[-1]))
    (tmp_path / "large.png").write_bytes(SIGNATURE + packed)
    with pytest.raises(InputError, match="at most 1000000"):
        open_image(tmp_path / "large.png")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close_and_keeps_full_colour(tmp_path: Path, channels: int) -> None:
    ramp = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    pixels = ramp if channels == 1 else np.dstack((ramp, ramp[::-1], ramp.T))
    save_image(tmp_path / "a.jpg", Frame(pixels))
    with open_image(tmp_path / "a.jpg") as source:
        error = np.abs(source.read().pixels.astype(int) - pixels.astype(int))
    assert error.max() <= 8
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * channels  # sampling factors: 4:4:4


def test_webp_stores_grey_as_equal_colours(tmp_path: Path) -> None:
    frame = random_frame("uint8", 1)
    save_image(tmp_path / "a.webp", frame)
    with open_image(tmp_path / "a.webp") as source:
        assert_same(source.read(), Frame(np.dstack((frame.pixels,) * 3)))


def test_png_palettes_and_few_bits_become_plain_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    colours = Image.fromarray(random_frame("uint8", 3, (9, 11)).pixels)
    palette = colours.quantize(16)
    cases = {
        "1 bit": (colours.convert("1"), {}, "L"),
        "palette": (palette, {}, "RGB"),
        "4 bit palette": (palette, {"bits": 4}, "RGB"),
        "palette with alpha": (palette, {"transparency": 3}, "RGBA"),
        "grey with a transparent value": (colours.convert("L"), {"transparency": 40}, "LA"),
        "RGB with a transparent value": (colours, {"transparency": (1, 2, 3)}, "RGBA"),
    }
    for name, (image, options, mode) in cases.items():
        image.save(path, **options)
        with Image.open(path) as again:
            expected = np.asarray(again.convert(mode))
        with open_image(path) as source:
            np.testing.assert_array_equal(source.read().as_array(), expected, err_msg=name)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_pillow_sees_the_colours_and_byte_order_of_a_png(tmp_path: Path, dtype: str, samples: int) -> None:
    frame = random_frame(dtype, samples, (33, 20))
    save_image(tmp_path / "a.png", frame)
    expected = frame.as_array()
    with Image.open(tmp_path / "a.png") as image:
        image.load()  # which checks every checksum
        found = np.asarray(image)
    if dtype == "uint16" and samples > 1:  # Pillow keeps the high bytes, and makes RGB of grey
        expected = (expected >> 8).astype(np.uint8)
        expected = expected[..., [0, 0, 0, 1]] if samples == 2 else expected
    np.testing.assert_array_equal(found, expected)


def test_npy_keeps_its_shape_and_takes_any_byte_order(tmp_path: Path) -> None:
    shapes = [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4), (1, 4, 6, 1), (5, 4, 6, 1), (5, 4, 6, 3), (5, 4, 6, 4)]
    for shape, order in product(shapes, "CF"):
        array = np.arange(np.prod(shape), dtype=">u2").reshape(shape, order=order)
        np.save(tmp_path / "a.npy", array)
        with open_image(tmp_path / "a.npy") as source, source.create(tmp_path / "b.npy") as writer:
            assert source.page_count == (shape[0] if len(shape) == 4 else 1)
            for frame in source:
                assert frame.pixels.dtype == np.uint16
                writer.write(frame)
        result = np.load(tmp_path / "b.npy")
        np.testing.assert_array_equal(result, array)
        assert result.dtype == np.uint16


def test_writer_wants_every_page_once_and_in_shape(tmp_path: Path) -> None:
    frame = random_frame("uint16", 1)
    layout = Layout(np.dtype("uint16"), 1, False, 3, 5, page_count=2)
    out = tmp_path / "out.tif"
    with pytest.raises(OutputError, match="but got only 1"), new_writer(out, layout, Metadata()) as writer:
        writer.write(frame)
    with pytest.raises(OutputError, match="one more"), new_writer(out, layout, Metadata()) as writer:
        for _ in range(3):
            writer.write(frame)
    for wrong in (random_frame("uint8", 1), random_frame("uint16", 3), random_frame("uint16", 1, (5, 3))):
        with (
            pytest.raises(OutputError, match="3x5 grey uint16"),
            new_writer(out, layout, Metadata()) as writer,
        ):
            writer.write(wrong)
    with pytest.raises(OutputError, match="closed"):
        writer.write(frame)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITABLE_SUFFIXES if suffix not in (DNG, ZARR)])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_interrupted_write_leaves_the_old_file(tmp_path: Path, suffix: str, error: type[BaseException]) -> None:
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"old")
    if suffix in PACKAGES:
        pytest.importorskip(PACKAGES[suffix])
    frame = frame_for(suffix, random_frame("uint8", 3).pixels)
    with pytest.raises(error), new_writer(out, Layout.of(frame), Metadata()) as writer:
        writer.write(frame)
        raise error
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_bytes() == b"old"


@pytest.mark.parametrize("method", ["_begin", "_put", "_finish"])
def test_system_errors_of_a_writer_name_the_file_and_others_pass(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("encoder error -2")  # as Pillow does, with no code

    frame = random_frame("uint8", 3)
    with monkeypatch.context() as patch, pytest.raises(OutputError, match=r"out\.tif: .*encoder error -2"):
        patch.setattr(TiffWriter, method, fail)
        save_image(tmp_path / "out.tif", frame)
    with (
        pytest.raises(OSError, match="cannot decode"),
        new_writer(tmp_path / "out.tif", Layout.of(frame), Metadata()) as writer,
    ):
        writer.write(frame)
        raise OSError("cannot decode")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])  # Pillow insists for WebP, above 178 M
def test_large_frames_are_no_decompression_bombs(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # instead of 89 million
    save_image(tmp_path / f"a{suffix}", random_frame("uint8", 3, (40, 50)))
    with open_image(tmp_path / f"a{suffix}") as source:
        assert source.read().pixels.shape == (40, 50, 3)


def test_pages_out_of_range_are_refused(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", random_frame("uint8", 1))
    with open_image(tmp_path / "a.png") as source:
        for page in (-1, 1):
            with pytest.raises(Exception, match="from 0 to 0"):
                source.read(page)
