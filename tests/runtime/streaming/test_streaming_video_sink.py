"""Outputs that appear whole or not at all, keep what was done after a failure, and refuse what they cannot hold."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.clips import (
    HEIGHT,
    WIDTH,
    Clip,
    frames_of,
    info_of,
    noise,
    pixels_of,
    through,
    times_of,
    video_sink,
    write_all,
)

from zsn2m_runtime.errors import OutputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Picture, StreamInfo
from zsn2m_runtime.streaming.video.sink import VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource

TURNED = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)  # a quarter turn clockwise
INFO = StreamInfo("noise", HEIGHT, WIDTH, "uint8", 3, (0, 255))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """8-bit H.264 with AAC sound."""
    return Clip(audio=True).write(tmp_path / "clip.mp4")  # type: ignore[no-any-return]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    place = tmp_path / "out.mp4"
    place.write_bytes(b"old")
    sink = VideoSink(place, INFO)
    write_all(sink, noise(5, "uint8", 3, 255))
    assert place.read_bytes() == b"old"
    assert sink.finish() == str(place)
    assert len(frames_of(place)) == 5
    assert names(tmp_path) == ["out.mp4"]


def test_h264_is_encoded_quickly_and_as_asked(tmp_path: Path) -> None:
    """x264 writes its settings into the first frame; 10 frames of lookahead are those of `veryfast`."""
    for name, options, crf in (("usual.mp4", {}, b"crf=17.0"), ("asked.mp4", {"crf": 30}, b"crf=30.0")):
        sink = video_sink(tmp_path / name, INFO, **options)
        write_all(sink, noise(3, "uint8", 3, 255))
        sink.finish()
        content = (tmp_path / name).read_bytes()
        assert b"rc_lookahead=10" in content
        assert crf in content


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_what_was_written_before_a_failure_plays(tmp_path: Path, clip: Path, suffix: str) -> None:
    source = VideoSource(clip)
    sink = video_sink(tmp_path / f"out{suffix}", source.info, source=source)
    count = 0
    for item in source:
        sink.write(item)
        count += isinstance(item, Picture)
        if count == 7:
            break
    kept = sink.salvage()
    assert kept == str(tmp_path / f"out.partial{suffix}")
    assert len(frames_of(Path(kept))) == 7
    assert names(tmp_path) == ["clip.mp4", f"out.partial{suffix}"]
    assert sink.salvage() is None


def test_a_partial_video_does_not_take_the_place_of_its_source(tmp_path: Path) -> None:
    place = Clip().write(tmp_path / "out.partial.mkv")
    before = place.read_bytes()
    source = VideoSource(place)
    sink = video_sink(tmp_path / "out.mkv", source.info, source=source)
    for item in source:
        sink.write(item)
    assert sink.salvage() == str(tmp_path / "out.partial-2.mkv")
    assert place.read_bytes() == before


def test_nothing_is_kept_of_a_stream_without_frames(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "new" / "out.mp4", INFO)
    assert sink.salvage() is None
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_is_an_error_and_keeps_what_plays(small_disk: Path, suffix: str) -> None:
    sink = video_sink(small_disk / f"out{suffix}", INFO, crf=0)
    with pytest.raises(OutputError, match=rf"out{suffix}: .*the disk is full"):
        write_all(sink, noise(100, "uint8", 3, 255))
    kept = sink.salvage()
    assert kept is not None
    assert len(pixels_of(Path(kept), live=True)) > 2


class FullDisk:
    """A file on a disk with room for so many bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: Any) -> int:
        if self._file.tell() + len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _size_and_index(path: Path) -> tuple[int, int]:
    """Bytes of an MP4 or MOV file, and of the index at its end."""
    data = path.read_bytes()
    index = len(data) - data.rindex(b"moov") + 4  # its length stands before its name
    assert int.from_bytes(data[-index : 4 - index], "big") == index > 1000
    return len(data), index


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_disk_without_room_for_the_index_costs_a_second_at_most(tmp_path: Path, suffix: str) -> None:
    arrays = noise(60, "uint8", 3, 255)
    whole = VideoSink(tmp_path / f"whole{suffix}", INFO)
    write_all(whole, arrays)
    size, index = _size_and_index(Path(whole.finish()))
    sink = VideoSink(tmp_path / f"out{suffix}", INFO)
    assert sink._stream
    # Half an index: x264 gives the same frames a few bytes more or less from run to run (its B frames and macroblock
    # tree do, in SIMD code; also with one thread), which is far less than the half.
    sink._stream._file = FullDisk(sink._stream._file, size - index // 2)  # type: ignore[assignment]
    write_all(sink, arrays)
    with pytest.raises(OutputError, match="the disk is full"):
        sink.finish()
    kept = sink.salvage()
    assert kept == str(tmp_path / f"out.partial{suffix}")
    assert times_of(Path(kept)) == times_of(tmp_path / f"whole{suffix}")[: len(times_of(Path(kept)))]
    assert len(frames_of(Path(kept))) >= 60 - 25


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_video_without_a_frame_is_not_written(tmp_path: Path, clip: Path, suffix: str) -> None:
    source = VideoSource(clip)
    sink = video_sink(tmp_path / f"out{suffix}", source.info, source=source)
    for item in source:
        if not isinstance(item, Picture):
            sink.write(item)
    with pytest.raises(OutputError, match="at least one frame"):
        sink.finish()
    assert sink.salvage() is None
    assert names(tmp_path) == ["clip.mp4"]


def test_the_input_is_not_written_over(clip: Path, tmp_path: Path) -> None:
    before = clip.read_bytes()
    (tmp_path / "link.mp4").symlink_to(clip)
    for out in (clip, tmp_path / "link.mp4"):
        with pytest.raises(UsageError, match="other than the input"):
            through(clip, out)
    assert clip.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("out.mp4", {"lossless": True}, r"FFV1.* got mp4; .*\.mkv"),
        ("out.webm", {"lossless": True}, "FFV1.* got webm"),
        ("out.mkv", {"lossless": True, "crf": 3}, "either lossless or"),
        ("out.webm", {"codec": "libx264"}, "webm holds"),
        ("out.mp4", {"codec": "h265"}, "encoder.* got 'h265'"),
        ("out.mp4", {"pixel_format": "rgba"}, "pixel format.* got 'rgba'"),
        ("out.mp4", {"pixel_format": "gray"}, "pixel format.* got 'gray'"),
        ("out.mp4", {"codec": "mpeg4", "crf": 20}, "CRF, but mpeg4"),
        ("out.mpeg", {}, "video file ending in"),
        ("out", {}, "no suffix"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_first_frame(
    tmp_path: Path, name: str, how: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        video_sink(tmp_path / name, INFO, **how)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (StreamInfo("x", 48, 64, "float32", 1, None), "got float32"),
        (StreamInfo("x", 48, 64, "uint16", 1, (0, 1000)), "12, 14 or 16 bits"),
        (StreamInfo("x", 48, 64, "uint16", 3, None), "yuv420p16le.* libx264 takes 10 bits"),
        (StreamInfo("x", 49, 65, "uint8", 3, (0, 255)), None),
    ],
)
def test_frames_that_a_codec_cannot_hold_are_refused(tmp_path: Path, info: StreamInfo, message: str | None) -> None:
    if message is None:
        with pytest.raises(UsageError, match="refused 65x49 yuv420p"):
            video_sink(tmp_path / "out.mp4", info, pixel_format="yuv420p")
        return
    with pytest.raises(UsageError, match=message):
        VideoSink(tmp_path / "out.mp4", info)


@pytest.mark.parametrize(
    ("suffix", "choices"),
    [
        (".webm", "--codec libsvtav1, a .mkv with --lossless"),
        (".avi", "--codec libx264, --codec libsvtav1, --lossless"),
    ],
)
def test_what_a_refusal_recommends_is_taken(tmp_path: Path, suffix: str, choices: str) -> None:
    arrays = noise(2, "uint16", 3, 1023)
    info, codec = info_of(arrays[0], 1023), None if suffix == ".webm" else "mpeg4"
    with pytest.raises(UsageError, match=rf"choose {choices}, or accept"):
        video_sink(tmp_path / f"out{suffix}", info, codec=codec)
    sink = video_sink(tmp_path / f"out{suffix}", info, codec="libsvtav1")
    write_all(sink, arrays)
    assert frames_of(Path(sink.finish()))[0].format.name == "yuv420p10le"


@pytest.mark.parametrize(("out", "track"), [("out.webm", "audio .aac."), ("out.y4m", "audio .aac.")])
def test_a_track_that_the_container_cannot_hold_is_refused(clip: Path, tmp_path: Path, out: str, track: str) -> None:
    with pytest.raises(UsageError, match=rf"source's {track}.*--no-tracks"):
        through(clip, tmp_path / out)
    assert names(tmp_path) == ["clip.mp4"]
    through(clip, tmp_path / out, {"pass_tracks": False})


@pytest.mark.parametrize(
    ("shape", "dtype", "alpha"),
    [
        ((48, 63, 3), "uint8", False),
        ((48, 64), "uint8", False),
        ((48, 64, 3), "uint16", False),
        ((48, 64, 3), "uint8", True),
    ],
)
def test_a_frame_that_is_not_as_promised_is_refused(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, alpha: bool
) -> None:
    sink = VideoSink(tmp_path / "out.mp4", INFO)
    frame = Frame(np.zeros(shape, dtype), np.zeros(shape[:2], dtype) if alpha else None)
    with pytest.raises(OutputError, match=r"out.mp4: frame 1: .*48x64"):
        sink.write(Picture(frame, 1, "frame 1"))
    assert sink.salvage() is None


# Rotation


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    return Clip("ffv1", "bgr0", matrix=TURNED).write(tmp_path / "turned.mkv")  # type: ignore[no-any-return]


@pytest.mark.parametrize("out", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_rotation_is_kept_for_the_player(turned: Path, tmp_path: Path, out: str) -> None:
    result = frames_of(through(turned, tmp_path / out))[0]
    assert (result.width, result.height, result.rotation) == (WIDTH, HEIGHT, frames_of(turned)[0].rotation)
    assert result.rotation == -90


def test_frames_are_turned_for_a_container_that_cannot_keep_rotation(turned: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rotation.*avi"):
        through(turned, tmp_path / "out.avi")
    result = through(turned, tmp_path / "out.avi", {"upright": True}, lossless=True)
    assert frames_of(result)[0].rotation == 0
    for before, after in zip(pixels_of(turned), pixels_of(result), strict=True):
        assert np.array_equal(after, np.rot90(before, -1))
