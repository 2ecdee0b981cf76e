"""Colour profile, EXIF, XMP, resolution and orientation survive; pixels are never turned."""

import io
import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin
from support import bombs

from zsn2m_runtime.files import Layout, Metadata, new_writer, open_image
from zsn2m_runtime.files.pillow_writer import JPEG_EXIF, JPEG_ICC, JPEG_XMP
from zsn2m_runtime.image import Frame

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
LEFT_SIDE_DOWN = 6  # EXIF orientation
ORIENTATION, MAKE, EXIF_DIRECTORY, EXPOSURE_TIME = 274, 271, 34665, 33434
SAVED = (".png", ".jpg", ".webp", ".tif")


def write_source(path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = LEFT_SIDE_DOWN, "Camera"
    if path.suffix != ".tif":  # Pillow does not write this into TIFF
        exif[EXIF_DIRECTORY] = {EXPOSURE_TIME: 0.01}
    options: dict[str, object] = {"exif": exif, "icc_profile": PROFILE, "dpi": (72, 96)}
    if path.suffix in (".jpg", ".webp"):
        options["xmp"] = XMP
    if path.suffix == ".webp":
        options["lossless"] = True
    Image.fromarray(PIXELS).save(path, **options)


def convert(source_path: Path, out_path: Path) -> None:
    with open_image(source_path) as source, source.create(out_path) as writer:
        assert (source.height, source.width) == PIXELS.shape[:2]  # not turned
        for frame in source:
            writer.write(frame)


@pytest.mark.parametrize("suffix", SAVED)
def test_same_format_keeps_everything(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_source(source)
    convert(source, out)
    with Image.open(source) as before, Image.open(out) as after:
        assert after.size == before.size
        assert after.mode == before.mode
        assert after.info.get("icc_profile") == PROFILE
        assert after.info.get("dpi") == before.info.get("dpi")
        assert after.info.get("xmp") == before.info.get("xmp")
        for exif in (before.getexif(), after.getexif()):
            assert exif[ORIENTATION] == LEFT_SIDE_DOWN
            assert exif[MAKE] == "Camera"
            if suffix != ".tif":
                assert exif.get_ifd(EXIF_DIRECTORY)[EXPOSURE_TIME] == 0.01
        if suffix != ".jpg":
            np.testing.assert_array_equal(np.asarray(after), np.asarray(before))


@pytest.mark.parametrize("from_suffix", SAVED)
@pytest.mark.parametrize("to_suffix", SAVED)
def test_other_format_keeps_profile_orientation_and_xmp(tmp_path: Path, from_suffix: str, to_suffix: str) -> None:
    source, out = tmp_path / f"a{from_suffix}", tmp_path / f"out{to_suffix}"
    write_source(source)
    convert(source, out)
    with open_image(source) as before, open_image(out) as after:
        assert after.metadata.icc == PROFILE
        assert after.metadata.orientation == LEFT_SIDE_DOWN
        assert after.metadata.xmp == before.metadata.xmp
        if ".webp" not in (from_suffix, to_suffix):  # WebP has no resolution
            assert after.metadata.resolution == pytest.approx((72, 96), abs=0.02)
    with Image.open(out) as image:
        assert image.info["icc_profile"] == PROFILE
        if ".tif" not in (from_suffix, to_suffix):  # TIFF to and from others: only the orientation
            assert image.getexif().get_ifd(EXIF_DIRECTORY)[EXPOSURE_TIME] == 0.01


def test_png_keeps_its_chunks_and_sixteen_bits(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Sensor", "gain 2")
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    text.add(b"gAMA", (45455).to_bytes(4, "big"))
    grey = np.arange(99, dtype=np.uint16).reshape(9, 11) * 600
    Image.fromarray(grey).save(tmp_path / "a.png", pnginfo=text, dpi=(300, 300))
    with open_image(tmp_path / "a.png") as source:
        assert source.metadata.xmp == XMP
    convert_grey = tmp_path / "b.png"
    with open_image(tmp_path / "a.png") as source, source.create(convert_grey) as writer:
        writer.write(source.read())
    with Image.open(convert_grey) as image:
        image.load()
        assert image.info["Sensor"] == "gain 2"
        assert image.info["gamma"] == pytest.approx(0.45455)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)
        np.testing.assert_array_equal(np.asarray(image), grey)


def test_tiff_keeps_its_exif_directory(tmp_path: Path) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(source, PIXELS, extratags=[(65000, 4, 1, 0, True)], metadata=None)
    where = source.stat().st_size
    with source.open("ab") as stream:  # one tag, a ratio that stands behind it
        stream.write(struct.pack("<HHHIII", 1, EXPOSURE_TIME, 5, 1, where + 18, 0) + struct.pack("<II", 1, 100))
    with tifffile.TiffFile(source, mode="r+b") as file:
        tag = file.pages[0].tags[65000]
        tag.overwrite(where)
        file.filehandle.seek(tag.offset)
        file.filehandle.write(struct.pack("<H", EXIF_DIRECTORY))  # tifffile does not write this tag itself
    convert(source, out)
    for path in (source, out):
        with Image.open(path) as image:
            assert image.getexif().get_ifd(EXIF_DIRECTORY) == {EXPOSURE_TIME: 0.01}


RATIONAL, FLOAT, ASCII, BYTE, UNDEFINED = 5, 11, 2, 1, 7  # kinds of TIFF values


@pytest.mark.parametrize(
    ("kind", "across", "down", "expected"),
    [
        (RATIONAL, struct.pack("<II", 600, 2), struct.pack("<II", 150, 1), (300, 150)),
        (RATIONAL, struct.pack("<II", 300, 0), struct.pack("<II", 300, 0), None),
        (RATIONAL, struct.pack("<II", 0, 1), struct.pack("<II", 300, 1), None),
        (FLOAT, struct.pack("<f", 300), struct.pack("<f", 300), None),
    ],
)
def test_resolution_of_a_tiff_is_two_ratios(
    tmp_path: Path, kind: int, across: bytes, down: bytes, expected: tuple[int, int] | None
) -> None:
    places = [1008, 1016] if kind == RATIONAL else [int.from_bytes(value, "little") for value in (across, down)]
    of_resolution = [(282, kind, 1, places[0]), (283, kind, 1, places[1]), (296, 3, 1, 2)]
    entries = sorted([*bombs.page_entries(1, 1, 1), *of_resolution])
    (tmp_path / "a.tif").write_bytes(bombs.tiff(entries, bytes(8) + across + down))
    with open_image(tmp_path / "a.tif") as image:
        assert image.metadata.resolution == expected


@pytest.mark.parametrize("kind", [ASCII, BYTE, UNDEFINED])
def test_xmp_and_profile_of_a_tiff_may_be_of_any_kind_of_bytes(tmp_path: Path, kind: int) -> None:
    packet = XMP + b"\0" * (kind == ASCII)
    entries = [(700, kind, len(packet), 1000), (34675, kind, len(PROFILE), 1100)]
    data = packet.ljust(100, b"\0") + PROFILE
    (tmp_path / "a.tif").write_bytes(bombs.tiff([*bombs.page_entries(1, 1, 1), *entries], data))
    with open_image(tmp_path / "a.tif") as image:
        assert (image.metadata.xmp, image.metadata.icc) == (XMP, PROFILE)


def test_jpeg_keeps_its_comment(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment=b"hello")
    convert(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["comment"] == b"hello"


def test_jpeg_leaves_out_what_is_too_long_for_it_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    turned = Image.Exif()
    turned[ORIENTATION] = LEFT_SIDE_DOWN
    exif = turned.tobytes().removeprefix(b"Exif\x00\x00")
    frame = Frame(PIXELS)

    def written(extra: int) -> Metadata:
        metadata = Metadata(
            icc=bytes(JPEG_ICC + extra), exif=exif.ljust(JPEG_EXIF + extra, b" "), xmp=XMP.ljust(JPEG_XMP + extra)
        )
        with new_writer(tmp_path / "a.png", Layout.of(frame), metadata) as writer:
            writer.write(frame)
        convert(tmp_path / "a.png", tmp_path / "b.jpg")
        with open_image(tmp_path / "b.jpg") as result:
            assert result.metadata.orientation == LEFT_SIDE_DOWN
            return result.metadata

    with caplog.at_level(logging.WARNING):
        longest = written(0)
    assert caplog.messages == []
    assert (len(longest.icc), len(longest.exif), len(longest.xmp)) == (JPEG_ICC, JPEG_EXIF, JPEG_XMP)
    with caplog.at_level(logging.WARNING):
        cut = written(1)
    assert (cut.icc, cut.exif, cut.xmp) == (None, exif, None)
    for message, name in zip(caplog.messages, ("a colour profile", "an EXIF block", "an XMP packet"), strict=True):
        assert message.startswith(f"{tmp_path / 'b.jpg'}: expected {name} of at most ")


def test_no_decoder_speaks_to_the_user(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG", icc_profile=b"not a profile")  # libpng prints about these
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    convert(tmp_path / "a.png", tmp_path / "b.png")
    convert(tmp_path / "b.png", tmp_path / "c.tif")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
