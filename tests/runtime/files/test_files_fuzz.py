"""Files whose bytes are wrong in any way give a frame or an error of ours, soon and within little memory.

Few examples here; `pytest -m slow` runs many (counts in docs/decisions/limits-of-images.md).
"""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.clips import Clip
from support.image_files import KINDS, save_any

from zsn2m_runtime.errors import InputError, Zsn2mError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.video.source import VideoSource

FEW, MANY = 15, 1000
MOST_MEMORY = 300_000_000  # bytes that Python's own allocators see; a frame at the limits is larger
SECONDS = 20
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)
VIDEOS = {
    ".mkv": Clip("ffv1", "gray"),
    ".mp4": Clip(),
    ".avi": Clip("mjpeg", "yuvj420p"),
    ".webm": Clip("libvpx-vp9", "yuv420p"),
}
_contents: dict[str, bytes] = {}

# Where (a share of the file; the header half of the time), what is done there, and with which bytes.
DAMAGE = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 1), st.floats(0, 0.05)),
        st.sampled_from(("replace", "insert", "remove", "repeat", "cut")),
        st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"))),
    ),
    min_size=1,
    max_size=4,
)
Damage = list[tuple[float, str, bytes]]


def damaged(content: bytes, damage: Damage) -> bytes:
    """The bytes with each fault in turn."""
    for share, action, data in damage:
        place = int(share * len(content))
        before, after = content[:place], content[place:]
        content = {
            "replace": before + data + after[len(data) :],
            "insert": before + data + after,
            "remove": before + after[len(data) :],
            "repeat": before + after[:200] * len(data) + after,
            "cut": before if place else after,
        }[action]
    return content


def original(suffix: str, folder: Path) -> bytes:
    """An undamaged file of a kind, made once."""
    if suffix not in _contents:
        path = folder / f"whole{suffix}"
        if suffix in VIDEOS:
            VIDEOS[suffix].write(path)
        else:
            save_any(path, PIXELS)
        _contents[suffix] = path.read_bytes()
    return _contents[suffix]


def read(path: Path) -> list[Frame]:
    """All that a file gives before it fails."""
    frames = []
    try:
        if path.suffix in VIDEOS:
            video = VideoSource(path)
            try:
                frames += [item.frame for item in video if isinstance(item, Picture)]
            finally:
                video.close()
        else:
            with open_image(path) as image:
                for number, frame in enumerate(image):
                    frames.append(frame)
                    if number > 20:
                        break
                _ = image.axes, image.metadata, image.storage, image.remarks
    except Zsn2mError as error:
        assert str(path) in str(error)
    return frames


def check(suffix: str, folder: Path, damage: Damage) -> None:
    path = folder / f"damaged{suffix}"
    path.write_bytes(damaged(original(suffix, folder), damage))
    tracemalloc.start()
    try:
        frames = read(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    for frame in frames:
        assert frame.pixels.ndim in (2, 3)
        assert frame.pixels.size > 0


HOW = {"deadline": 1000 * SECONDS, "suppress_health_check": list(HealthCheck), "database": None, "derandomize": True}


@pytest.mark.parametrize("suffix", [*KINDS, *VIDEOS])
def test_damaged_files_give_frames_or_our_errors(suffix: str, tmp_path: Path) -> None:
    run = settings(max_examples=FEW, **HOW)(given(damage=DAMAGE)(lambda damage: check(suffix, tmp_path, damage)))  # type: ignore[arg-type]
    run()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [*KINDS, *VIDEOS])
def test_many_damaged_files_give_frames_or_our_errors(suffix: str, tmp_path: Path) -> None:
    run = settings(max_examples=MANY, **HOW)(given(damage=DAMAGE)(lambda damage: check(suffix, tmp_path, damage)))  # type: ignore[arg-type]
    run()


@pytest.mark.parametrize("suffix", KINDS)
def test_bytes_that_only_begin_like_a_file(suffix: str, tmp_path: Path) -> None:
    beginning = original(suffix, tmp_path)[:40]

    @settings(max_examples=FEW, **HOW)  # type: ignore[arg-type]
    @given(rest=st.binary(max_size=300))
    def run(rest: bytes) -> None:
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(beginning + rest)
        read(path)

    run()


def test_an_exr_whose_header_breaks_off_allocates_nothing(tmp_path: Path) -> None:
    """Its size is too large by then, and its library would read on."""
    path = tmp_path / "damaged.exr"
    content = original(".exr", tmp_path)
    place = content.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    broken = content[:place] + struct.pack("<iiii", 0, -(1 << 30), 51, 39) + content[place + 16 : place + 40]
    path.write_bytes(broken + bytes(10_000))
    with pytest.raises(InputError, match=str(path)):
        open_image(path)


def test_a_video_of_an_unknown_codec(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(original(".mp4", tmp_path).replace(b"avc1", b"zzzz"))
    with pytest.raises(InputError, match="FFmpeg has no decoder"):
        VideoSource(path)
