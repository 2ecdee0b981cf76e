"""Image files as a source: order, names, and where a stream of them ends."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.pictures import frame_of

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Picture, StreamInfo
from zsn2m_runtime.streaming.image_source import ImageSource


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
        (frame_of(0, shape=(6, 9, 3)), "got 6x9 RGB uint8"),
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
        given.extend(ImageSource([folder]))
    assert [item.number for item in given] == [1]


def test_a_page_of_another_size_is_named(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for width in (8, 9):
            writer.write(np.zeros((6, width), np.uint8), metadata=None)
    given: list[Picture] = []
    with pytest.raises(InputError, match=r"a\.tif: page 2: .*6x8.*6x9"):
        given.extend(ImageSource([tmp_path]))
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
        given.extend(source)
    assert [item.frame.pixels[0, 0, 0] for item in given] == [1]


def test_no_files_or_an_unreadable_first_one_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="but got none"):
        ImageSource([tmp_path])
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"1\.png"):
        ImageSource([tmp_path])
