"""What a small file says of its size costs neither memory nor time, and an option takes it at its word."""

import io
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support import bombs
from support.bundles import BundleMaker
from support.clips import video_source
from support.commands import run_command, write_frame
from support.image_files import KINDS

from zsn2m_deploy import FrameOptions
from zsn2m_deploy.frames.loading import load_training_frames
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import limits, open_image
from zsn2m_runtime.files.stated_size import count_scans, stated_size
from zsn2m_runtime.machine import memory
from zsn2m_runtime.streaming.image_source import ImageSource

MOST_MEMORY = 400_000_000  # bytes above what importing takes
OPENER = """
import resource, sys
from pathlib import Path
from zsn2m_runtime.files import open_image
from zsn2m_runtime.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        open_image(Path(name)).read()
    except InputError as error:
        print(Path(name).name, "--max-pixels" in str(error), error)
    else:
        print(Path(name).name, "was read")
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


def test_bombs_are_refused_at_once_by_a_message_that_names_the_option(tmp_path: Path) -> None:
    paths = bombs.bombs(tmp_path)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", OPENER, *map(str, paths.values())], capture_output=True, text=True, check=True
    )
    *lines, taken = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[name, "True"] for name in paths]
    assert int(taken) < MOST_MEMORY
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("suffix", KINDS)
def test_the_option_is_the_limit_of_every_format(tmp_path: Path, suffix: str) -> None:
    path = bombs.save_small(tmp_path, suffix)
    pixels = bombs.SMALL.shape[0] * bombs.SMALL.shape[1]
    with open_image(path, pixels) as image:
        assert image.read().pixels.shape[:2] == bombs.SMALL.shape[:2]
        stated = stated_size(path) or image.largest
    assert (stated.height, stated.width) == bombs.SMALL.shape[:2]
    with pytest.raises(InputError, match=r"767 pixels .*32 x 24 .*--max-pixels 768"):
        open_image(path, pixels - 1)
    with pytest.raises(UsageError, match="at least 1"):
        open_image(path, 0)


def test_scans_of_a_jpeg_count(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bombs.scans_jpeg(3000, 200))
    assert count_scans(path.read_bytes()) == 205
    with pytest.raises(InputError, match=r"205 times .* --max-pixels 184500000"):
        open_image(path)
    path.write_bytes(bombs.scans_jpeg(300, 200))
    with open_image(path) as image:
        assert image.read().pixels.shape == (300, 300)
    thumbnail = b"\xff\xe1" + struct.pack(">H", 8) + b"\xff\xda\xff\xda\xff\xda"
    content = path.read_bytes()
    assert count_scans(content[:2] + thumbnail + content[2:]) == 205


def test_a_later_frame_of_a_gif_cannot_grow_the_picture(tmp_path: Path) -> None:
    first, second = (Image.new("L", (20, 10), level) for level in (1, 200))
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=[second])
    content = bytearray(buffer.getvalue())
    place = content.rfind(b"\x2c\x00\x00\x00\x00")  # the image descriptor of the second
    content[place + 5 : place + 9] = struct.pack("<HH", 9000, 9000)
    (tmp_path / "a.gif").write_bytes(content)
    with pytest.raises(InputError, match="frame 2 is larger"):
        open_image(tmp_path / "a.gif")


def test_large_files_are_no_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE_PIXELS", 1000)
    noise = np.random.default_rng(0).integers(0, 255, (100, 120), np.uint8)
    np.save(tmp_path / "a.npy", noise)
    tifffile.imwrite(tmp_path / "a.tif", noise, compression="zlib")
    for name in ("a.npy", "a.tif"):
        with open_image(tmp_path / name) as image:
            assert (image.read().pixels == noise).all()
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((1000, 1000), np.uint8), compression="zlib")
    with pytest.raises(InputError, match=r"1000 x 1000 pixels .* --max-pixels 1000000"):
        open_image(tmp_path / "a.tif")


def test_frames_that_do_not_fit_in_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", np.zeros((100, 120), np.uint8))
    monkeypatch.setattr(limits, "available_memory", lambda: 20_000)
    monkeypatch.setattr(limits, "LITTLE", 10_000)
    with pytest.raises(InputError, match=r"fits in memory .* --max-pixels 12000 "):
        open_image(tmp_path / "a.npy")
    with open_image(tmp_path / "a.npy", 12_000) as image:
        assert image.read().pixels.shape == (100, 120)


def test_available_memory_is_that_of_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (memory.available_memory() or 1) > 0
    for name, text in (("max", "5000\n"), ("current", "3000\n"), ("stat", "anon 1\ninactive_file 700\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    monkeypatch.setattr(memory, "_CONTAINER", ((tmp_path / "memory.max", tmp_path / "memory.current"),))
    assert memory.available_memory() == 2700
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr(memory, "_OF_SYSTEM", tmp_path / "none")
    assert memory.available_memory() is None


@pytest.mark.parametrize(
    "entries",
    [
        [*bombs.page_entries(1, 1, 1), *((65000 + number, 7, 100_000, 900) for number in range(40))],
        [*bombs.page_entries(1, 1, 1), *((34665, 4, 1, 8) for _ in range(70))],
        [*bombs.page_entries(1, 1, 1), *((34665, 4, 1, 1000) for _ in range(70))],
    ],
    ids=["the same bytes again and again", "a circle", "one directory again and again"],
)
def test_tags_cannot_stand_for_more_than_the_file(tmp_path: Path, entries: list[tuple[int, int, int, int]]) -> None:
    directory_of_16000_tags = struct.pack("<H", 16_000) + bytes(200_000)
    (tmp_path / "a.tif").write_bytes(bombs.tiff(entries[:80], directory_of_16000_tags))
    with pytest.raises(InputError, match=r"more bytes than it has|more than 8 directories"):
        open_image(tmp_path / "a.tif")


def pages_that_share(entry: tuple[int, int, int, int], data: bytes, pages: int) -> bytes:
    """Pages of one pixel, one more than told; each has one more tag, its value among the data at 1000."""
    entries = sorted([*bombs.page_entries(1, 1, 1), entry])
    start = 1000 + len(data)
    size = len(bombs.directory(entries))
    places = [start + page * size for page in range(1, pages)]
    return bombs.tiff(entries, data, start) + b"".join(bombs.directory(entries, place) for place in (*places, 0))


def test_pages_cannot_share_tags_without_end(tmp_path: Path) -> None:
    million = 1 << 20
    exif = bombs.directory([(37500, 7, million, 1100)]).ljust(100, b"\0") + bytes(million)
    for entry, data in (((65000, 7, million, 1000), bytes(million)), ((34665, 4, 1, 1000), exif)):
        for pages, is_refused in ((40, False), (100, True)):
            (tmp_path / "a.tif").write_bytes(pages_that_share(entry, data, pages))
            if is_refused:
                with pytest.raises(InputError, match="more bytes than it has"):
                    open_image(tmp_path / "a.tif")
            else:
                open_image(tmp_path / "a.tif").close()


def test_pictures_below_a_page_cannot_share_tags_without_end(tmp_path: Path) -> None:
    million, places = 1 << 20, 100
    below = bombs.directory(sorted([*bombs.page_entries(1, 1, 1), (65000, 7, million, 2000)]))
    data = struct.pack("<I", 1400) * places + below.ljust(600, b"\0") + bytes(million)
    entries = sorted([*bombs.page_entries(4, 1, 16), (330, 4, places, 1000)])
    (tmp_path / "a.tif").write_bytes(bombs.tiff(entries, data))
    with pytest.raises(InputError, match="more bytes than it has"):
        open_image(tmp_path / "a.tif")


def test_directories_below_a_page_are_few(tmp_path: Path) -> None:
    small = bombs.directory([(37500, 7, 1, 0)])
    for count in (8, 9):
        entries = [*bombs.page_entries(1, 1, 1), *((34665, 4, 1, 1000) for _ in range(count))]
        (tmp_path / f"{count}.tif").write_bytes(bombs.tiff(entries, small))
    open_image(tmp_path / "8.tif").close()
    with pytest.raises(InputError, match="more than 8 directories"):
        open_image(tmp_path / "9.tif")


def test_videos_of_huge_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mov"
    bombs.huge_video(path, 300)
    with pytest.raises(InputError, match=r"89,999 pixels .* 300 x 300 .* --max-pixels 90000"):
        video_source(path, max_pixels=89_999)
    with pytest.raises(InputError, match=r"10 pixels.*--max-pixels"):
        video_source(path, max_pixels=10)
    video_source(path, max_pixels=90_000).close()
    assert run_command(capsys, "inspect", path, "--max-pixels", 80_000).code == 3
    assert run_command(capsys, "inspect", path, "--max-pixels", 90_000).code == 0


def test_every_command_has_the_option(
    make_bundle: BundleMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame, out = write_frame(tmp_path / "a.png"), tmp_path / "out"
    for arguments in (
        ("train-and-export", frame, "-o", tmp_path / "a.zsn2m"),
        ("denoise", make_bundle(), frame, "-o", out),
        ("stream", make_bundle(), frame, "-o", out),
        ("inspect", frame),
    ):
        ended = run_command(capsys, *arguments, "--max-pixels", 5)
        assert ended.code == 3, ended.err
        assert "(--max-pixels)" in ended.err
    with pytest.raises(InputError, match="max_pixels in Python"):
        load_training_frames([frame], FrameOptions(max_pixels=5))
    with pytest.raises(InputError, match="max_pixels in Python"):
        ImageSource([frame], max_pixels=5)
