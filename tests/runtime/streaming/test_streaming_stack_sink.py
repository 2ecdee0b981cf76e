"""A TIFF stack as a sink: whole pages, and what is left after a failure."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.pictures import INFO, names_in, picture
from support.stacks import limit_disk, values_of

from zsn2m_runtime.errors import OutputError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import SAMPLE_DTYPES
from zsn2m_runtime.streaming import image_sink
from zsn2m_runtime.streaming.ends import Packet, Picture, StreamInfo
from zsn2m_runtime.streaming.image_sink import NullSink, StackSink
from zsn2m_runtime.streaming.image_source import ImageSource


@pytest.mark.parametrize(
    ("frames", "is_big"), [(None, True), (3, False), (image_sink.LARGEST_CLASSIC_PLAN // 144 + 1, True)]
)
def test_a_stack_is_big_where_its_length_is_unknown_or_long(tmp_path: Path, frames: int | None, is_big: bool) -> None:
    path = tmp_path / "out" / "stack.tif"
    sink = StackSink(path, StreamInfo("test", 6, 8, "uint8", 3, None, frames=frames))
    for number in (1, 2, 3):
        sink.write(picture(number))
        sink.write(Packet("audio"))
    assert not path.exists()
    assert sink.finish() == str(path)
    assert names_in(path.parent) == ["stack.tif"]
    assert values_of(path) == [1, 2, 3]
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == is_big
    with open_image(path) as image:
        assert [page.pixels[5, 7, 2] for page in image] == [1, 2, 3]


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (5, 7, 3)])
def test_a_stack_keeps_every_sample(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    pixels = (np.random.default_rng(0).random(shape) * 127).astype(dtype)
    alpha = np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 else pixels)
    sink = StackSink(tmp_path / "a.tif", StreamInfo("test", *shape[:2], dtype, 1 + 2 * (len(shape) == 3), None))
    for number in (1, 2):
        sink.write(Picture(Frame(pixels, alpha), number, "a"))
    sink.finish()
    with open_image(tmp_path / "a.tif") as image:
        for frame in image:
            np.testing.assert_array_equal(frame.pixels, pixels)
            np.testing.assert_array_equal(frame.alpha, alpha)


def test_a_stack_of_a_failed_stream_opens_under_a_partial_name(tmp_path: Path) -> None:
    sink = StackSink(tmp_path / "stack.tif", INFO)
    sink.write(picture(1))
    sink.write(picture(2))
    with pytest.raises(OutputError, match=r"page 3: .*RGB.*grey"):
        sink.write(picture(3, shape=(6, 8)))
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")
    assert names_in(tmp_path) == ["stack.partial.tif"]
    assert values_of(tmp_path / "stack.partial.tif") == [1, 2]
    assert sink.salvage() is None


def test_a_partial_stack_takes_the_place_of_no_other_file(tmp_path: Path) -> None:
    source = tmp_path / "stack.partial.tif"
    source.write_bytes(b"the input")
    for name in ("stack.partial-2.tif", "stack.partial-3.tif"):
        sink = StackSink(tmp_path / "stack.tif", INFO)
        sink.write(picture(1))
        assert sink.salvage() == str(tmp_path / name)
    assert source.read_bytes() == b"the input"
    assert values_of(tmp_path / name) == [1]


def test_a_stack_without_a_page_leaves_nothing(tmp_path: Path) -> None:
    sink = StackSink(tmp_path / "new" / "stack.tif", INFO)
    assert sink.salvage() is None
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("room", range(600, 1400, 40))  # ends inside pixels, directories and links
def test_a_full_disk_ends_a_stack_with_the_pages_that_fit(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_disk(monkeypatch, room)
    sink = StackSink(tmp_path / "stack.tif", INFO)
    with pytest.raises(OutputError, match=r"stack\.tif: .*the disk is full"):
        for number in range(1, 9):
            sink.write(picture(number))
    written = number - 1
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")
    assert values_of(tmp_path / "stack.partial.tif") == list(range(1, written + 1))
    assert 1 <= written < 8


def test_a_disk_that_says_at_the_end_that_it_is_full_costs_no_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = StackSink(tmp_path / "stack.tif", INFO)
    sink.write(picture(1))
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EDQUOT, "quota")))
    with pytest.raises(OutputError, match="quota is used up"):
        sink.finish()
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")
    assert values_of(tmp_path / "stack.partial.tif") == [1]


def test_a_source_that_gives_more_than_it_said_fills_a_classic_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_sink, "CLASSIC_LIMIT", 1000)
    sink = StackSink(tmp_path / "stack.tif", StreamInfo("test", 6, 8, "uint8", 3, None, frames=1))
    with pytest.raises(OutputError, match="expected 1 frames"):
        for number in range(1, 9):
            sink.write(picture(number))
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")


def test_a_stack_never_replaces_its_input(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 6, 8), np.uint8), metadata=None)
    source = ImageSource([tmp_path / "a.tif"])
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    for out in ("a.tif", "link.tif"):
        with pytest.raises(UsageError, match="inputs"):
            StackSink(tmp_path / out, source.info, source.paths)


def test_the_null_sink_counts_pictures_only() -> None:
    sink = NullSink()
    for item in (picture(1), Packet("audio"), picture(2)):
        sink.write(item)
    assert (sink.frames, sink.finish(), sink.salvage()) == (2, "no output", None)
