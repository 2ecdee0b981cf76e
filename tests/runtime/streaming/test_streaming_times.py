"""Where frames and packets stand in time in an output."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.clips import (
    HEIGHT,
    STEP,
    TICK,
    WIDTH,
    Clip,
    frames_of,
    noise,
    packets_of,
    times_of,
    video_sink,
    video_source,
    write_all,
)

from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Packet, Picture, StreamInfo
from zsn2m_runtime.streaming.video.source import VideoSource
from zsn2m_runtime.streaming.video.timeline import Timeline

INFO = StreamInfo("noise", HEIGHT, WIDTH, "uint8", 3, (0, 255))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """8-bit H.264 with AAC sound."""
    return Clip(audio=True).write(tmp_path / "clip.mp4")  # type: ignore[no-any-return]


def place_all(timeline: Timeline, *times: int | None, base: Fraction = TICK, duration: int | None = None) -> list[int]:
    frame = Frame(np.zeros((1, 1), np.uint8))
    pictures = [
        Picture(frame, number, "", time, None if time is None else base, duration)
        for number, time in enumerate(times, start=1)
    ]
    return [timeline.place(picture)[0] for picture in pictures]


def test_frames_keep_their_ticks() -> None:
    assert place_all(Timeline(TICK, Fraction(24)), 5, 1006, 9999) == [5, 1006, 9999]
    assert place_all(Timeline(Fraction(1, 1000), Fraction(24)), 0, 1001, 2002) == [0, 42, 83]


def test_frames_without_a_time_stand_at_the_rate() -> None:
    assert place_all(Timeline(Fraction(1, 1000), Fraction(25)), None, None, None) == [0, 40, 80]


def test_times_that_do_not_rise_are_moved_apart() -> None:
    assert place_all(Timeline(TICK, Fraction(24)), 10, 10, 9, 13) == [10, 11, 12, 13]


def test_a_live_stream_begins_at_zero() -> None:
    timeline = Timeline(TICK, Fraction(24), from_zero=True)
    assert place_all(timeline, 24_000, 25_001) == [0, 1001]
    assert timeline.shift == -1


def test_durations_are_the_frames_own_or_the_rates() -> None:
    frame, timeline = Frame(np.zeros((1, 1), np.uint8)), Timeline(Fraction(1, 1000), Fraction(25))
    assert timeline.place(Picture(frame, 1, "", 0, TICK, 2400))[1] == 100
    assert timeline.place(Picture(frame, 2, "", 2400, TICK))[1] == 40


def test_frames_of_no_video_get_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    for rate, expected in ((None, 25), (Fraction(10), 10)):
        sink = video_sink(tmp_path / "out.mp4", INFO, rate=rate)
        write_all(sink, noise(4, "uint8", 3, 255))
        assert times_of(Path(sink.finish())) == [number / expected for number in range(4)]


def test_a_video_of_a_live_stream_begins_at_zero(tmp_path: Path) -> None:
    sink = video_sink(tmp_path / "out.mp4", replace(INFO, live=True))
    for number, pixels in enumerate(noise(3, "uint8", 3, 255), start=1):
        sink.write(Picture(Frame(pixels), number, "", 777_000 + 40 * number, Fraction(1, 1000)))
    assert times_of(Path(sink.finish())) == [0, 0.04, 0.08]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_of_a_live_stream_moves_with_its_frames(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = Clip(audio=True, times=range(24_000, 24_000 + 40 * STEP, STEP), format="mpegts").write(tmp_path / "a.ts")
    source = video_source(first, live=True)
    sink = video_sink(tmp_path / f"out{suffix}", source.info, source=source)
    for item in source:
        sink.write(item)
    place = Path(sink.finish())
    before, after = packets_of(first, "audio"), packets_of(place, "audio")
    begin = times_of(first)[0]
    header = 7  # bytes before each packet of AAC in MPEG-TS only
    expected = [(data[header:], time - begin) for data, time, _ in before if time >= begin]
    assert [data for data, _, _ in after] == [data for data, _ in expected] != []
    assert [time for _, time, _ in after] == pytest.approx([time for _, time in expected], abs=1e-3)
    assert times_of(place)[0] == 0
    assert not caplog.messages


def test_a_packet_out_of_order_is_left_out_and_told(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = VideoSource(clip)
    sink = video_sink(tmp_path / "out.mp4", source.info, source=source)
    late = None
    for item in source:
        if isinstance(item, Packet) and item.packet.dts is not None and item.packet.dts > 4000 and late is None:
            late = item.packet
            late.pts = late.dts = -2000
        sink.write(item)
    sink.finish()
    assert late is not None
    assert "out.mp4: leaving out a packet of audio that is out of order" in caplog.text
    assert len(packets_of(tmp_path / "out.mp4", "audio")) == len(packets_of(clip, "audio")) - 1
    assert len(frames_of(tmp_path / "out.mp4")) == 12
