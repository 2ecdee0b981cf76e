"""What the format of a result cannot hold of its source is said: metadata, filters, a range below the type's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from zsn2m_runtime.files import Layout, Metadata, new_writer, open_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
LOST = {
    ".png": [],
    ".jpg": ["texts"],
    ".webp": ["dots per inch", "texts"],
    ".bmp": ["EXIF", "texts"],
    ".tif": ["but for the orientation", "texts"],
    ".npy": ["EXIF", "dots per inch", "texts"],
    ".ppm": ["EXIF", "dots per inch", "texts"],
}


def notes_of(source: Path, target: Path) -> tuple[str, ...]:
    with open_image(source) as image, image.create(target) as writer:
        writer.write(image.read())
        return writer.notes


@pytest.mark.parametrize("suffix", LOST)
def test_metadata_that_a_format_cannot_hold_are_named(tmp_path: Path, suffix: str) -> None:
    text, exif = PngImagePlugin.PngInfo(), Image.Exif()
    text.add_text("Sample", "kidney")
    exif[271] = "Camera"
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=text, dpi=(72, 96), exif=exif)
    notes = notes_of(tmp_path / "a.png", tmp_path / f"b{suffix}")
    assert len(notes) == len(LOST[suffix])
    assert all(what in note for what, note in zip(LOST[suffix], notes, strict=True))


def test_an_orientation_alone_is_kept_by_tiff(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    assert notes_of(tmp_path / "a.png", tmp_path / "b.tif") == ()


def test_a_range_below_that_of_the_type_is_kept_or_said(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5\n3 1\n4095\n" + np.array([0, 100, 4095], ">u2").tobytes())
    (note,) = notes_of(tmp_path / "a.pgm", tmp_path / "b.png")
    assert "--range 0 4095" in note
    assert notes_of(tmp_path / "a.pgm", tmp_path / "b.pam") == ()
    with open_image(tmp_path / "b.pam") as image:
        assert image.value_range == (0, 4095)
    layout = Layout(np.dtype("uint16"), 1, False, 1, 3)
    with new_writer(tmp_path / "c.pgm", layout, Metadata(value_range=(0, 1023))) as writer:
        writer.write(Frame(np.array([[0, 1, 1023]], np.uint16)))
    with open_image(tmp_path / "c.pgm") as image:
        assert image.value_range == (0, 1023)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_filters_of_a_frame_without_a_file_are_kept_or_said(tmp_path: Path, suffix: str) -> None:
    frame, mosaic = Frame(PIXELS[:, :, 0].copy()), MosaicRecord(pattern="RGGB")
    with new_writer(tmp_path / f"a{suffix}", Layout.of(frame), Metadata(mosaic=mosaic)) as writer:
        writer.write(frame)
    assert ["mosaic" in note for note in writer.notes] == ([] if suffix == ".tif" else [True])
