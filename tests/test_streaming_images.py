"""Image files at both ends of a stream: order, names, whole files, and what is left after a failure."""

from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming import image_sink
from zsn2m_runtime.streaming.image_sink import FolderSink, NullSink, StackSink
from zsn2m_runtime.streaming.image_source import ImageSource
from zsn2m_runtime.streaming.items import Passenger, Picture, StreamInfo

INFO = StreamInfo("test", 6, 8, "uint8", 3, (0, 255))


def frame_of(value: int, dtype: str = "uint8", shape: tuple[int, ...] = (6, 8, 3)) -> Frame:
    """A frame that is known by its value."""
    return Frame(np.full(shape, value, dtype))


def picture(number: int, name: str = "", **kind: Any) -> Picture:
    """The picture of a number, full of that value."""
    return Picture(frame_of(number, **kind), number, name or f"frame_{number:04d}")


def values_of(path: Path) -> list[int]:
    """The first sample of every page, as another reader sees them."""
    with tifffile.TiffFile(path) as file:
        return [int(page.asarray().flat[0]) for page in file.pages]


def collect(source: ImageSource, given: list[Picture]) -> None:
    """Add what a source gives, also before it fails."""
    for item in source:
        given.append(item)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """1.png, 2.png and 10.png, full of their number."""
    for number in (10, 2, 1):
        save_image(tmp_path / f"{number}.png", frame_of(number))
    return tmp_path


@pytest.mark.parametrize("argument", ["", "*.png", "[0-9]*"])
def test_a_folder_or_pattern_gives_its_files_in_natural_order(folder: Path, argument: str) -> None:
    source = ImageSource([folder / argument])
    assert source.info == StreamInfo(str(folder / argument), 6, 8, "uint8", 3, (0, 255), frames=3)
    pictures = list(source)
    assert [(item.number, item.name, item.frame.pixels[0, 0, 0]) for item in pictures] == [
        (1, "1", 1),
        (2, "2", 2),
        (3, "10", 10),
    ]
    assert [(item.pts, item.time_base) for item in pictures] == [(None, None)] * 3
    source.close()
    source.close()


def test_a_rate_gives_the_frames_a_clock(folder: Path) -> None:
    source = ImageSource([folder], rate=Fraction(30000, 1001))
    assert source.info.rate == Fraction(30000, 1001)
    timing = [(item.pts, item.time_base, item.duration) for item in source]
    assert timing == [(place, Fraction(1001, 30000), 1) for place in range(3)]


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_the_pages_of_stacks_and_files_between_them_are_one_stream(tmp_path: Path, suffix: str) -> None:
    stack = np.arange(3, dtype=np.uint16)[:, None, None, None] * np.ones((1, 6, 8, 1), np.uint16)
    if suffix == ".npy":
        np.save(tmp_path / "a.npy", stack)
    else:
        tifffile.imwrite(tmp_path / "a.tif", stack[..., 0], photometric="minisblack", metadata=None)
    save_image(tmp_path / "b.png", frame_of(9, "uint16", (6, 8)))
    source = ImageSource([tmp_path])
    assert (source.info.frames, source.info.dtype, source.info.channels, source.info.range) == (4, "uint16", 1, None)
    assert [(item.number, item.name, item.frame.pixels[0, 0]) for item in source] == [
        (1, "a_page_0001", 0),
        (2, "a_page_0002", 1),
        (3, "a_page_0003", 2),
        (4, "b", 9),
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (frame_of(0, shape=(6, 9, 3)), "expected 6x8 RGB uint8 like the first frame, but got 6x9 RGB uint8"),
        (frame_of(0, "uint16"), "but got 6x8 RGB uint16"),
        (frame_of(0, shape=(6, 8)), "but got 6x8 grey uint8"),
        (Frame(frame_of(0).pixels, frame_of(0).pixels[..., 0]), r"but got 6x8 RGB \+ alpha uint8"),
    ],
)
def test_a_frame_of_another_kind_ends_the_stream_after_those_before_it(
    folder: Path, other: Frame, message: str
) -> None:
    save_image(folder / "2.png", other)
    given: list[Picture] = []
    with pytest.raises(InputError, match=rf"2\.png: .*{message}"):
        collect(ImageSource([folder]), given)
    assert [item.number for item in given] == [1]


def test_a_page_of_another_size_is_named(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for width in (8, 9):
            writer.write(np.zeros((6, width), np.uint8), metadata=None)
    given: list[Picture] = []
    with pytest.raises(InputError, match=r"a\.tif: page 2: expected 6x8 grey uint8 .* but got 6x9"):
        collect(ImageSource([tmp_path]), given)
    assert len(given) == 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_truncated_file_ends_the_stream_when_its_turn_comes(tmp_path: Path, suffix: str) -> None:
    for number in range(1, 4):
        save_image(tmp_path / f"{number}{suffix}", frame_of(number))
    cut = tmp_path / f"2{suffix}"
    cut.write_bytes(cut.read_bytes()[:-40])
    given: list[Picture] = []
    source = ImageSource([tmp_path])
    assert source.info.frames == 3
    with pytest.raises(InputError, match=rf"2\{suffix}: expected a complete"):
        collect(source, given)
    assert [item.frame.pixels[0, 0, 0] for item in given] == [1]


def test_no_files_or_an_unreadable_first_one_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="but got none"):
        ImageSource([tmp_path])
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"1\.png"):
        ImageSource([tmp_path])


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", "uint8"), (".png", "uint16"), (".tif", "float32")])
def test_a_folder_gets_a_file_for_every_picture_and_none_for_other_tracks(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    out = tmp_path / "new" / "out"
    sink = FolderSink(out, suffix, StreamInfo("test", 6, 8, dtype, 3, None))
    for number in (1, 2):
        sink.write(picture(number, dtype=dtype))
        sink.write(Passenger("audio"))
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
        sink = FolderSink(out, suffix, images.info, images.paths)
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
    sink = FolderSink(tmp_path / "out", ".tif", source.info, source.paths)
    for item in source:
        sink.write(item)
    assert names_in(tmp_path / "out") == ["a_page_0001.tif", "a_page_0002.tif"]


def test_a_folder_that_holds_the_inputs_is_refused(folder: Path) -> None:
    source = ImageSource([folder])
    (folder / "link").symlink_to(folder)
    for out in (folder, folder / "link"):
        with pytest.raises(UsageError, match=r"1\.png: expected an output other than the inputs"):
            FolderSink(out, ".png", source.info, source.paths)
    FolderSink(folder, ".tif", source.info, source.paths)  # beside them is fine


def test_two_inputs_that_would_become_one_file_are_refused(folder: Path) -> None:
    save_image(folder / "2.bmp", frame_of(2))
    source = ImageSource([folder])
    with pytest.raises(UsageError, match=r"2\.bmp and .*2\.png would both become .*2\.png"):
        FolderSink(folder / "out", ".png", source.info, source.paths)


def test_files_of_a_folder_stay_after_a_failure(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "out", ".png", INFO)
    assert sink.salvage() is None
    sink.write(picture(1))
    (tmp_path / "out" / "frame_0002.png").mkdir()
    with pytest.raises(OutputError, match=r"frame_0002\.png"):
        sink.write(picture(2))
    assert sink.salvage() == str(tmp_path / "out")
    assert names_in(tmp_path / "out") == ["frame_0001.png", "frame_0002.png"]


@pytest.mark.parametrize(
    ("frames", "is_big"), [(None, True), (3, False), (image_sink.LARGEST_CLASSIC_PLAN // 144 + 1, True)]
)
def test_a_stack_is_big_where_its_length_is_unknown_or_long(tmp_path: Path, frames: int | None, is_big: bool) -> None:
    path = tmp_path / "out" / "stack.tif"
    sink = StackSink(path, StreamInfo("test", 6, 8, "uint8", 3, None, frames=frames))
    for number in (1, 2, 3):
        sink.write(picture(number))
        sink.write(Passenger("audio"))
    assert not path.exists()
    assert sink.finish() == str(path)
    assert names_in(path.parent) == ["stack.tif"]
    assert values_of(path) == [1, 2, 3]
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == is_big
    with open_image(path) as image:
        assert [page.pixels[5, 7, 2] for page in image] == [1, 2, 3]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (5, 7, 3)])
def test_a_stack_keeps_every_sample(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    pixels = (np.random.default_rng(0).random(shape) * 255).astype(dtype)
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
    with pytest.raises(OutputError, match="page 3: expected 6x8 RGB uint8, but got 6x8 grey uint8"):
        sink.write(picture(3, shape=(6, 8)))
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")
    assert names_in(tmp_path) == ["stack.partial.tif"]
    assert values_of(tmp_path / "stack.partial.tif") == [1, 2]
    assert sink.salvage() is None


def test_a_stack_without_a_page_leaves_nothing(tmp_path: Path) -> None:
    sink = StackSink(tmp_path / "new" / "stack.tif", INFO)
    assert sink.salvage() is None
    assert names_in(tmp_path) == []


class FullDisk:
    """A file on a disk with room for so many bytes."""

    def __init__(self, stream: Any, room: int) -> None:
        self._stream, self._room = stream, room

    def write(self, data: Any) -> int:
        if self._stream.tell() + len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@pytest.mark.parametrize("room", range(600, 1400, 40))  # ends inside pixels, directories and links
def test_a_full_disk_ends_a_stack_with_the_pages_that_fit(tmp_path: Path, room: int) -> None:
    sink = StackSink(tmp_path / "stack.tif", INFO)
    sink._stream = FullDisk(sink._stream, room)
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
    monkeypatch.setattr(image_sink.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EDQUOT, "quota")))
    with pytest.raises(OutputError, match="quota is used up"):
        sink.finish()
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")
    assert values_of(tmp_path / "stack.partial.tif") == [1]


def test_a_source_that_gives_more_than_it_said_fills_a_classic_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_sink, "CLASSIC_LIMIT", 1000)
    sink = StackSink(tmp_path / "stack.tif", StreamInfo("test", 6, 8, "uint8", 3, None, frames=1))
    with pytest.raises(OutputError, match="expected 1 frames, as the source said"):
        for number in range(1, 9):
            sink.write(picture(number))
    assert sink.salvage() == str(tmp_path / "stack.partial.tif")


def test_a_stack_never_replaces_its_input(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 6, 8), np.uint8), metadata=None)
    source = ImageSource([tmp_path / "a.tif"])
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    for out in ("a.tif", "link.tif"):
        with pytest.raises(UsageError, match="expected an output other than the inputs"):
            StackSink(tmp_path / out, source.info, source.paths)


def test_the_null_sink_counts_pictures_only() -> None:
    sink = NullSink()
    for item in (picture(1), Passenger("audio"), picture(2)):
        sink.write(item)
    assert (sink.frames, sink.finish(), sink.salvage()) == (2, "no output", None)
