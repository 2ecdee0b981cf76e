"""Videos that are refused, damaged, cut short or live: what is told, and what comes before it."""

from __future__ import annotations

import io
import logging
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import (
    HEIGHT,
    RATE,
    RAW,
    STEP,
    TICK,
    WIDTH,
    Clip,
    frames_of,
    pixels_of,
    through,
    times_of,
    video_source,
)

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.video import demuxer
from zsn2m_runtime.streaming.video.source import VideoSource


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """8-bit H.264 with AAC sound."""
    return Clip(audio=True).write(tmp_path / "clip.mp4")  # type: ignore[no-any-return]


@pytest.fixture
def interlaced(tmp_path: Path) -> Path:
    return Clip(options={"x264-params": "tff=1"}).write(tmp_path / "interlaced.mkv")  # type: ignore[no-any-return]


def test_interlaced_frames_are_refused(interlaced: Path) -> None:
    with pytest.raises(InputError, match=r"interlaced.mkv: frame 1: .*--deinterlace"):
        VideoSource(interlaced)


@pytest.mark.parametrize("value_range", [1, 2])
def test_interlaced_frames_are_made_whole_one_for_one(
    tmp_path: Path, value_range: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tags = (value_range, 2, 2, 2)
    fields = Clip(options={"x264-params": "tff=1"}, tags=tags).write(tmp_path / "fields.mkv")
    plain = Clip(tags=tags).write(tmp_path / "plain.mkv")
    result = through(fields, tmp_path / "out.mkv", {"deinterlace": True})
    assert caplog.messages == [f"{fields}: frame 1 is interlaced: such frames are made whole, one for one"]
    assert times_of(result) == times_of(fields)
    assert not any(frame.interlaced_frame for frame in frames_of(result))
    assert frames_of(result)[0].color_range == value_range
    for whole, expected in zip(pixels_of(fields, deinterlace=True), pixels_of(plain), strict=True):
        assert np.abs(whole.astype(int) - expected).mean() < 2  # the ramps are the same in both fields


def test_a_file_without_its_index_is_refused(clip: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"cut.mp4: .*Invalid data"):
        VideoSource(cut)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".nut", ".y4m"])
def test_frames_before_the_damage_come_first(tmp_path: Path, suffix: str) -> None:
    codec, pixel_format = ("wrapped_avframe", "yuv420p") if suffix == ".y4m" else ("libx264", "yuv420p")
    times = range(0, 20, 1) if suffix in (".avi", ".y4m") else range(0, 20 * STEP, STEP)
    whole = Clip(
        codec,
        pixel_format,
        times,
        1 / RATE if suffix in (".avi", ".y4m") else TICK,
        options={"bf": "0", "crf": "1"},
        settings={"movflags": "faststart"} if suffix == ".mp4" else {},
        format="yuv4mpegpipe" if suffix == ".y4m" else None,
    ).write(tmp_path / f"whole{suffix}")
    cut = tmp_path / f"cut{suffix}"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 3 // 4])
    given: list[Pixels] = []
    with pytest.raises(InputError, match=rf"cut{suffix}: frame \d+: .*cut short") as caught:
        given.extend(item.frame.pixels for item in VideoSource(cut) if isinstance(item, Picture))
    assert 2 <= len(given) < 20
    assert f"frame {len(given) + 1}:" in str(caught.value)
    for a, b in zip(given, pixels_of(whole), strict=False):
        assert np.array_equal(a, b)


def test_frames_that_a_decoder_holds_back_come_before_the_error(tmp_path: Path) -> None:
    whole = Clip(options={"bf": "2", "b_strategy": "0"}, settings={"movflags": "faststart"}).write(
        tmp_path / "whole.mp4"
    )
    with av.open(str(whole)) as container:
        ends = [(packet.pos or 0) + packet.size for packet in container.demux() if packet.size]
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: ends[8] - 1])
    given: list[Any] = []
    with pytest.raises(InputError, match=r"cut.mp4: frame 9: .*incomplete packet"):
        given.extend(VideoSource(cut))
    assert len(given) == 8


def test_matroska_that_was_cut_short_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = Clip(times=range(0, 40 * STEP, STEP), options={"g": "5"}).write(tmp_path / "whole.mkv")
    cut = tmp_path / "cut.mkv"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        assert len(pixels_of(whole)) == 40
        assert not caplog.messages
        assert 1 < len(pixels_of(cut)) < 40
    assert "cut.mkv: it states a duration of 1.67 s, but its frames end after" in caplog.text


def test_frames_that_the_decoder_leaves_out_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = Clip(options={"g": "6", "bf": "0", "sc_threshold": "0"}).write(tmp_path / "whole.mkv")
    late = tmp_path / "late.mkv"  # begins between two frames that need no other
    with av.open(str(whole)) as first, av.open(str(late), "w") as container:
        video = container.add_stream_from_template(first.streams.video[0], opaque=True)
        for packet in [packet for packet in first.demux() if packet.size][1:]:
            packet.stream = video
            container.mux(packet)
    assert len(pixels_of(late)) == 6
    assert "late.mkv: it gave 6 frames for 11 packets" in caplog.text


def test_raw_frames_that_stop_in_the_middle_are_an_error() -> None:
    data = np.zeros((5, HEIGHT, WIDTH, 3), np.uint8).tobytes()[:-100]
    source = video_source(io.BytesIO(data), format="rawvideo", options={**RAW, "pixel_format": "rgb24"}, name="stdin")
    given = []
    with pytest.raises(InputError, match=r"stdin: frame 5: .*incomplete packet"):
        given.extend(source)
    assert len(given) == 4


def test_a_frame_of_another_size_ends_the_stream(tmp_path: Path) -> None:
    place = tmp_path / "joined.mjpeg"
    with place.open("wb") as joined:
        for size in ((64, 48), (32, 32)):
            piece = Clip("mjpeg", "yuvj420p", range(6), size=size)
            joined.write(piece.write(tmp_path / "piece.mjpeg").read_bytes())
    given = []
    with pytest.raises(InputError, match=r"frame 7: .*64x48 yuvj420p.*32x32"):
        given.extend(VideoSource(place))
    assert len(given) == 6


@pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "no.mp4"
    place.write_bytes(content)
    with pytest.raises(InputError, match=r"no.mp4: "):
        VideoSource(place)
    with pytest.raises(InputError, match=r"none.mp4: .*No such file"):
        VideoSource(tmp_path / "none.mp4")


# Live


@pytest.fixture
def silent_port() -> Any:
    """A server that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_server_that_says_nothing_is_given_up(scheme: str, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demuxer, "OPEN_TIMEOUT", 0.2)
    started = time.monotonic()  # without our time-out, libav would wait for ever
    with pytest.raises(InputError) as caught:
        video_source(f"{scheme}://user:se@cret@127.0.0.1:{silent_port}/live.mp4", live=True)
    assert time.monotonic() - started < 30
    assert f"{scheme}://127.0.0.1:{silent_port}/live.mp4: " in str(caught.value)
    assert "cret" not in str(caught.value)


# A process, not a thread: PyAV keeps Python's lock while it writes a header.
CAMERA = """
import sys, time
import av, numpy as np
for _ in range(1000):
    try:
        output = av.open(sys.argv[1], "w", format="rtsp", container_options={"rtsp_transport": "tcp"})
        video = output.add_stream("libx264", rate=50, width=64, height=48, options={"tune": "zerolatency"})
        output.start_encoding()
        break
    except OSError:
        time.sleep(0.05)
for number in range(int(sys.argv[2])):
    output.mux(video.encode(av.VideoFrame.from_ndarray(np.full((72, 64), number, np.uint8), "yuv420p")))
    time.sleep(0.01)
sys.stdin.read()
"""


def test_an_rtsp_stream_gives_frames_and_its_silence_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demuxer, "OPEN_TIMEOUT", 60.0)  # a busy machine starts Python slowly
    monkeypatch.setattr(demuxer, "READ_TIMEOUT", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/camera"
    with subprocess.Popen([sys.executable, "-c", CAMERA, url, "60"], stdin=subprocess.PIPE) as camera:
        # FFmpeg itself is the server: it waits for a camera that sends to it.
        source = video_source(url, live=True, options={"rtsp_flags": "listen", "listen_timeout": "60"})
        assert (source.info.live, source.info.frames, source.info.width) == (True, None, WIDTH)
        given = []
        with pytest.raises(InputError, match=r"frame 61: .*no data for 3 s.*connection"):
            given.extend(source)
        source.close()
        camera.kill()
    times = [item.pts for item in given if isinstance(item, Picture) and item.pts is not None]
    assert len(given) == 60
    assert times == sorted(times) != []


def test_a_live_stream_skips_what_cannot_be_decoded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = Clip("mjpeg", "yuvj420p").write(tmp_path / "bad.nut")
    with av.open(str(place)) as container:
        packets = [(packet.pos or 0, packet.size) for packet in container.demux() if packet.size]
    data = bytearray(place.read_bytes())
    begin, size = data.index(b"\xff\xd8\xff", packets[4][0]), packets[4][1]
    data[begin : begin + size] = bytes(size)
    place.write_bytes(data)
    with pytest.raises(InputError, match=r"bad.nut: frame 5: .*Invalid data"):
        pixels_of(place)
    assert not caplog.messages
    assert len(pixels_of(place, live=True)) == 11
    assert "bad.nut: skipping what cannot be decoded" in caplog.text
