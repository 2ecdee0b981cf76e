"""AVIF, HEIC, GIF, Netpbm and EXR: depth, range and what else these formats know comes back, or is said to be lost."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support.commands import run_command

from zsn2m_deploy.frames.loading import load_training_frames
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_runtime.errors import InputError, UnavailableError, UsageError
from zsn2m_runtime.files import extras, open_image, save_image
from zsn2m_runtime.files.avif_facts import Cicp, cicp_of, depth_of, with_cicp
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.image_source import ImageSource

GENERATOR = np.random.default_rng(1)
COLOUR = GENERATOR.integers(0, 256, (21, 34, 3), np.uint8)
SIDEWAYS = 6  # EXIF: turn it clockwise to see it


def copy(source: Path, target: Path) -> Pixels:
    """Write what is read; returns the pixels."""
    with open_image(source) as image, image.create(target) as writer:
        frame = image.read()
        writer.write(frame)
    with open_image(target) as result:
        np.testing.assert_array_equal(result.read().pixels, frame.pixels)
    return frame.pixels


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274], exif[271] = orientation, "Maker"
    return exif.tobytes()


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("shape", [(21, 34), (21, 34, 3), (21, 34, 4)])
def test_avif_keeps_its_depth(tmp_path: Path, depth: int, shape: tuple[int, ...]) -> None:
    values = GENERATOR.integers(0, 2**depth, shape).astype(np.uint8 if depth == 8 else np.uint16)
    options = [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_DEPTH, depth]
    assert cv2.imwrite(str(tmp_path / "a.avif"), values, options)
    rgb = values if values.ndim == 2 else values[..., 2::-1]
    np.testing.assert_array_equal(copy(tmp_path / "a.avif", tmp_path / "b.avif"), rgb)
    for path in (tmp_path / "a.avif", tmp_path / "b.avif"):
        assert depth_of(path.read_bytes()) == depth
        with open_image(path) as image:
            assert image.value_range == (0, 2**depth - 1)
    loaded = load_training_frames([tmp_path / "b.avif"], FrameOptions())
    assert (loaded.value_range, loaded.suffix) == ((0, 2**depth - 1), ".avif")
    assert ImageSource([tmp_path / "b.avif"]).info.range == (0, 2**depth - 1)


def test_avif_keeps_profile_exif_turn_and_xmp(tmp_path: Path) -> None:
    profile = Image.new("RGB", (1, 1))
    from PIL import ImageCms

    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    del profile
    source, target, other = tmp_path / "a.avif", tmp_path / "b.avif", tmp_path / "c.png"
    Image.fromarray(COLOUR).save(source, icc_profile=icc, exif=exif_of(SIDEWAYS), xmp=b"<x:xmpmeta/>")
    for out in (target, other):
        copy(source, out)
    for out in (target, other):
        with Image.open(out) as image:
            image.load()
            assert image.info["icc_profile"] == icc
            assert image.getexif()[274] == SIDEWAYS
            assert image.getexif()[271] == "Maker"
    with Image.open(target) as image:
        assert image.info["xmp"] == b"<x:xmpmeta/>"
        assert image.size == (34, 21)


def test_avif_keeps_the_meaning_of_hdr_colours_and_other_formats_say_that_they_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "a.avif"
    save_image(source, Frame(COLOUR))
    source.write_bytes(with_cicp(source.read_bytes(), Cicp(9, 16)))
    copy(source, tmp_path / "b.avif")
    assert cicp_of((tmp_path / "b.avif").read_bytes()) == Cicp(9, 16)
    assert not caplog.records
    copy(source, tmp_path / "b.png")
    assert "primaries 9 and transfer 16" in caplog.text


def test_an_animated_avif_is_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1].copy())]
    frames[0].save(tmp_path / "a.avif", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="got an animation"):
        open_image(tmp_path / "a.avif")


def test_deep_pictures_do_not_pass_for_shallow_ones_elsewhere(tmp_path: Path) -> None:
    values = GENERATOR.integers(0, 1024, (21, 34, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.avif"), values, [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_DEPTH, 10])
    copy(tmp_path / "a.avif", tmp_path / "b.tif")
    with open_image(tmp_path / "a.avif") as image, pytest.raises(UsageError, match="uint8 samples"):
        image.create(tmp_path / "b.jpg")
    with pytest.raises(UsageError, match="uint8 samples"):
        save_image(tmp_path / "c.avif", Frame(values))


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("samples", [1, 3, 4])
def test_heic_keeps_its_depth_and_comes_upright(tmp_path: Path, depth: int, samples: int) -> None:
    heif = pytest.importorskip("pillow_heif")
    values = GENERATOR.integers(0, 2**depth, (22, 34, samples)[: 2 + (samples > 1)]).astype(np.uint16)
    stored = values.astype(np.uint8) if depth == 8 else values << (16 - depth)
    mode = {1: ("L", "I;16"), 3: ("RGB", "RGB;16"), 4: ("RGBA", "RGBA;16")}[samples][depth > 8]
    heif.options.SAVE_HDR_TO_12_BIT = depth == 12
    try:
        with (tmp_path / "a.heic").open("wb") as stream:
            options = {"quality": -1, "chroma": 444, "matrix_coefficients": 0, "exif": exif_of(SIDEWAYS)}
            heif.encode(mode, (34, 22), stored.tobytes(), stream, **options)
    finally:
        heif.options.SAVE_HDR_TO_12_BIT = False
    found = copy(tmp_path / "a.heic", tmp_path / "b.heic")
    expected = values if samples == 1 else values[..., :3]
    if found.shape[:2] == expected.shape[:2]:
        np.testing.assert_array_equal(found, expected)
    else:  # libheif has turned it
        np.testing.assert_array_equal(found, np.rot90(expected, -1))
    with open_image(tmp_path / "b.heic") as image:
        assert image.value_range == (0, 2**depth - 1)
        assert image.metadata.orientation == 1
        assert b"Maker" in (image.metadata.exif or b"")


def test_formats_whose_package_is_missing_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    for name, content, extra in (("a.heic", b"\0\0\0\x18ftypheic", "heif"), ("a.exr", b"\x76\x2f\x31\x01", "exr")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnavailableError, match=rf"pip install 'zsn2m-deploy\[{extra}\]'"):
            open_image(tmp_path / name)
        with pytest.raises(UnavailableError):
            save_image(
                tmp_path / f"out{Path(name).suffix}",
                Frame(np.zeros((4, 4, 3), np.uint8 if extra == "heif" else np.float32)),
            )
        assert not (tmp_path / f"out{Path(name).suffix}").exists()


@pytest.mark.parametrize("dtype", ["float16", "float32", "uint32"])
def test_exr_keeps_type_attributes_and_window(tmp_path: Path, dtype: str) -> None:
    library = pytest.importorskip("OpenEXR")
    values = (GENERATOR.random((21, 34, 3)) * 100).astype(dtype)
    header = {"compression": library.PIZ_COMPRESSION, "type": library.scanlineimage, "owner": "me", "exposure": 2.5}
    header["dataWindow"] = (np.array([5, 7], np.int32), np.array([38, 27], np.int32))
    with library.File(header, {"RGB": values}) as file:
        file.write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(copy(tmp_path / "a.exr", tmp_path / "b.exr"), values)
    with library.File(str(tmp_path / "b.exr")) as file:
        kept = file.header()
        assert (kept["owner"], kept["exposure"], kept["compression"]) == ("me", 2.5, library.PIZ_COMPRESSION)
        assert [edge.tolist() for edge in kept["dataWindow"]] == [[5, 7], [38, 27]]
        assert file.channels()["RGB"].pixels.dtype == dtype


def test_exr_compression_that_loses_becomes_one_that_does_not(tmp_path: Path) -> None:
    library = pytest.importorskip("OpenEXR")
    header = {"compression": library.DWAA_COMPRESSION, "type": library.scanlineimage}
    with library.File(header, {"RGB": np.ones((21, 34, 3), np.float16)}) as file:
        file.write(str(tmp_path / "a.exr"))
    copy(tmp_path / "a.exr", tmp_path / "b.exr")


def test_exr_with_layers_is_refused(tmp_path: Path) -> None:
    library = pytest.importorskip("OpenEXR")
    plane = np.ones((21, 34), np.float32)
    with library.File({}, {"RGB": np.dstack([plane] * 3), "Z": plane}) as file:
        file.write(str(tmp_path / "a.exr"))
    with pytest.raises(InputError, match="RGB, Z"):
        open_image(tmp_path / "a.exr")


@pytest.mark.parametrize(
    ("magic", "highest", "samples"), [("P5", 255, 1), ("P5", 1023, 1), ("P6", 100, 3), ("P6", 65535, 3), ("P2", 15, 1)]
)
def test_netpbm_says_the_range_and_keeps_it(tmp_path: Path, magic: str, highest: int, samples: int) -> None:
    source, target = tmp_path / "a.pnm", tmp_path / "b.pnm"
    values = GENERATOR.integers(0, highest + 1, (5, 7, samples))
    values[0, 0] = highest
    raster = values.astype("u1" if highest < 256 else ">u2").tobytes()
    if magic in ("P2", "P3"):
        raster = " ".join(map(str, values.ravel().tolist())).encode()
    source.write_bytes(f"{magic}\n# gain 4\n7 5\n{highest}\n".encode() + raster)
    np.testing.assert_array_equal(copy(source, target), values[..., 0] if samples == 1 else values)
    content = target.read_bytes()
    assert b"# gain 4" in content and f"\n{highest}\n".encode() in content
    assert load_training_frames([target], FrameOptions()).value_range == (0, highest)
    if highest in (255, 65535):
        np.testing.assert_array_equal(
            cv2.imread(str(target), cv2.IMREAD_UNCHANGED).reshape(values.shape)[..., ::-1], values
        )


@pytest.mark.parametrize("scale", ["-1.0", "1.0", "-2.5"])
@pytest.mark.parametrize("magic", ["Pf", "PF"])
def test_pfm_rows_run_upwards_and_floats_keep_their_scale(tmp_path: Path, magic: str, scale: str) -> None:
    values = GENERATOR.normal(0, 9, (5, 7, 3 if magic == "PF" else 1)).astype(np.float32)
    raster = values[::-1].astype("<f4" if scale[0] == "-" else ">f4").tobytes()
    (tmp_path / "a.pfm").write_bytes(f"{magic}\n7 5\n{scale}\n".encode() + raster)
    np.testing.assert_array_equal(copy(tmp_path / "a.pfm", tmp_path / "b.pfm"), values.squeeze())
    assert abs(float((tmp_path / "b.pfm").read_bytes().split(b"\n")[2])) == abs(float(scale))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"P5 2 2 255\n" + bytes(8), "another picture or something else follows"),
        (b"P5 2 2 255\nabcdP5 2 2 255\nabcd", "another picture"),
        (b"P5 2 2 100\n" + bytes([200] * 4), "a sample of 200, above its highest value 100"),
        (b"P5 0 2 255\n", "its size is 0 x 2"),
        (b"P5 2 2 70000\n" + bytes(8), "highest value is 70000"),
        (b"P5 999999999 99999999 255\n" + bytes(8), "in 34 bytes"),
        (b"P5 40 40 255\n" + bytes(8), "ends too early"),
        (b"P5 2 x 255\n" + bytes(8), "header is damaged"),
        (b"P2 2 2 255\n1 2 3", "ends too early"),
        (b"P2 2 2 255\n1 2 3 \xff\x00", "no whole number"),
        (b"P2 2 2 255\n1 2 3 99999999999999999999999", "no whole number"),
        (b"P2 2 2 255\n1 2 3 -4", "4 samples"),
        (b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 5\nMAXVAL 255\nENDHDR\n" + bytes(20), "5 samples per pixel"),
        (b"P7\nWIDTH 2\n", "no ENDHDR"),
        (b"P4\n8 2\n\x00\x00", "as its name says"),
    ],
)
def test_broken_netpbm(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.pnm").write_bytes(content.replace(bytes(8), b"\x01" * 8))
    with pytest.raises(InputError, match=words):
        open_image(tmp_path / "a.pnm")


def frames_of_gif(path: Path, pictures: list[Pixels], **options: object) -> None:
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(path, save_all=True, append_images=images[1:], duration=40, **options)


@pytest.mark.parametrize("kind", ["grey", "colour", "holes"])
def test_an_animated_gif_is_a_stack(tmp_path: Path, kind: str) -> None:
    few = np.kron(GENERATOR.integers(0, 8, (3, 5, 7)), np.ones((1, 4, 4), int)).astype(np.uint8) * 32
    pictures = list(few) if kind == "grey" else [np.dstack([few[i], few[i - 1], few[i - 2]]) for i in range(3)]
    if kind == "holes":
        pictures = [
            np.dstack([picture, np.where(picture[..., 0] > 99, 255, 0).astype(np.uint8)]) for picture in pictures
        ]
    frames_of_gif(tmp_path / "a.gif", pictures, disposal=2)
    with open_image(tmp_path / "a.gif") as image:
        assert (image.page_count, image.channels) == (3, 1 if kind == "grey" else 3)
        assert image.layout.has_alpha == (kind == "holes")
        for frame, picture in zip(image, pictures, strict=True):
            seen = slice(None) if kind != "holes" else picture[..., 3] > 0
            expected = picture if kind == "grey" else picture[..., :3]
            np.testing.assert_array_equal(frame.pixels[seen], expected[seen])
        with pytest.raises(UsageError, match="256 colours"):
            image.create(tmp_path / "b.gif")
        with image.create(tmp_path / "b.tif") as writer:
            for frame in image:
                writer.write(frame)
    with open_image(tmp_path / "b.tif") as result:
        assert result.page_count == 3


def test_inspect_shows_the_range_that_a_file_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = GENERATOR.integers(0, 500, (32, 48)).astype(">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 48 32 1023\n" + values.tobytes())
    shown = run_command(capsys, "inspect", tmp_path / "a.pgm").out
    assert "0 to 1023, as the file says" in shown
    assert "bit depth" not in shown


def test_the_shared_faults(tmp_path: Path, shared_data: Path) -> None:
    faults = shared_data / "faults"
    if not (faults / "x.avif").exists():
        pytest.skip("no shared frames with faults")
    copy(faults / "x.avif", tmp_path / "x.avif")
    with open_image(faults / "anim.gif") as image, Image.open(faults / "anim.gif") as expected:
        assert image.page_count == expected.n_frames > 1
        for page, frame in enumerate(image):
            expected.seek(page)
            shown = np.array(expected.convert("RGB"))
            np.testing.assert_array_equal(frame.pixels, shown if image.channels == 3 else shown[..., 0])


def test_a_folder_with_a_gif_gets_a_tiff(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames_of_gif(tmp_path / "in.gif", [COLOUR, COLOUR[::-1].copy()])
    ended = run_command(capsys, "denoise", bundle, tmp_path / "in.gif", "-o", f"{tmp_path / 'out'}/")
    assert ended.code == 0
    with open_image(tmp_path / "out" / "in.tif") as image:
        assert (image.page_count, image.layout.has_alpha) == (2, False)
    assert run_command(capsys, "denoise", bundle, tmp_path / "in.gif", "-o", tmp_path / "out.gif").code == 2
    assert run_command(capsys, "stream", bundle, tmp_path / "in.gif", "-o", f"{tmp_path / 'pages'}/").code == 0
    assert len(list((tmp_path / "pages").iterdir())) == 2
