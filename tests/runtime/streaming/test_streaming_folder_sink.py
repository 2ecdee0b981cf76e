"""A folder of images as a sink: names, metadata, and what is left after a failure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.pictures import INFO, frame_of, names_in, picture

from zsn2m_runtime.errors import OutputError, UsageError
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.streaming.ends import Packet, StreamInfo
from zsn2m_runtime.streaming.image_sink import FolderSink
from zsn2m_runtime.streaming.image_source import ImageSource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """1.png, 2.png and 10.png, full of their number."""
    for number in (10, 2, 1):
        save_image(tmp_path / f"{number}.png", frame_of(number))
    return tmp_path


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", "uint8"), (".png", "uint16"), (".tif", "float32")])
def test_a_folder_gets_a_file_for_every_picture_and_none_for_other_tracks(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    out = tmp_path / "new" / "out"
    sink = FolderSink(out, suffix, StreamInfo("test", 6, 8, dtype, 3, None))
    for number in (1, 2):
        sink.write(picture(number, dtype=dtype))
        sink.write(Packet("audio"))
    assert sink.finish() == str(out)
    assert names_in(out) == [f"frame_0001{suffix}", f"frame_0002{suffix}"]
    with open_image(out / f"frame_0002{suffix}") as image:
        np.testing.assert_array_equal(image.read().pixels, frame_of(2, dtype).pixels)
        assert image.dtype == dtype


def test_a_format_that_cannot_hold_the_frames_is_refused_before_the_first(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.jpg: expected uint8 samples"):
        FolderSink(tmp_path, ".jpg", StreamInfo("test", 6, 8, "uint16", 1, None))
    with pytest.raises(UsageError, match="expected a file name ending in"):
        FolderSink(tmp_path, ".mp4", INFO)


def test_a_picture_of_an_image_file_keeps_its_metadata_and_replaces_an_older_result(tmp_path: Path) -> None:
    source, out = tmp_path / "a.png", tmp_path / "out"
    Image.fromarray(frame_of(1).pixels).save(source, icc_profile=b"profile" * 30, dpi=(300, 300))
    out.mkdir()
    (out / "a.png").write_bytes(b"older")
    images = ImageSource([source])
    for suffix in (".png", ".tif"):
        sink = FolderSink(out, suffix, images.info, images.named)
        for item in images:
            sink.write(item.with_frame(frame_of(7)))
        with Image.open(out / f"a{suffix}") as result:
            assert result.getpixel((0, 0)) == (7, 7, 7)
            assert result.info["icc_profile"] == b"profile" * 30
            assert round(result.info["dpi"][0]) == 300


def test_pages_of_a_stack_become_files(tmp_path: Path) -> None:
    stack = np.arange(2, dtype=np.uint8)[:, None, None] * np.ones((6, 8), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata=None)
    source = ImageSource([tmp_path / "a.tif"])
    sink = FolderSink(tmp_path / "out", ".tif", source.info, source.named)
    for item in source:
        sink.write(item)
    assert names_in(tmp_path / "out") == ["a_page_0001.tif", "a_page_0002.tif"]


def test_a_folder_that_holds_the_inputs_is_refused(folder: Path) -> None:
    source = ImageSource([folder])
    (folder / "link").symlink_to(folder)
    for out in (folder, folder / "link"):
        with pytest.raises(UsageError, match=r"1\.png: .*inputs"):
            FolderSink(out, ".png", source.info, source.named)
    FolderSink(folder, ".tif", source.info, source.named)  # beside them is fine


def test_two_inputs_that_would_become_one_file_are_refused(folder: Path) -> None:
    save_image(folder / "2.bmp", frame_of(2))
    source = ImageSource([folder])
    with pytest.raises(UsageError, match=r"2\.bmp and .*2\.png .*both"):
        FolderSink(folder / "out", ".png", source.info, source.named)


def test_a_page_that_would_become_the_file_of_another_input_is_refused(tmp_path: Path) -> None:
    stack = np.zeros((2, 6, 8), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata=None)
    tifffile.imwrite(tmp_path / "a_page_0001.tif", stack[0], metadata=None)
    source = ImageSource([tmp_path])
    with pytest.raises(UsageError, match=r"a\.tif and .*a_page_0001\.tif .*both"):
        FolderSink(tmp_path / "out", ".png", source.info, source.named)


def test_files_of_a_folder_stay_after_a_failure(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "out", ".png", INFO)
    assert sink.salvage() is None
    sink.write(picture(1))
    (tmp_path / "out" / "frame_0002.png").mkdir()
    with pytest.raises(OutputError, match=r"frame_0002\.png"):
        sink.write(picture(2))
    assert sink.salvage() == str(tmp_path / "out")
    assert names_in(tmp_path / "out") == ["frame_0001.png", "frame_0002.png"]


def test_filters_that_a_format_cannot_hold_are_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a", "b"):
        tags = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)]
        pixels = frame_of(1).pixels[..., 0]
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, photometric=32803, metadata=None, extratags=tags)
    source = ImageSource([tmp_path / "a.tif", tmp_path / "b.tif"])
    sink = FolderSink(tmp_path / "out", ".png", source.info, source.named)
    for item in source:
        sink.write(item)
    [lost] = sink.lost
    assert "filters" in lost
    assert [record.message for record in caplog.records] == [f"{tmp_path / 'a.tif'}: {lost}"]
