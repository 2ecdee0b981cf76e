"""Videos in and out: every time and tag and track kept."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.clips import (
    STEP,
    TICK,
    WIDTH,
    Clip,
    frames_of,
    packets_of,
    ramp,
    tags_of,
    through,
    times_of,
    video_sink,
    video_source,
)

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.pipeline import Pipeline
from zsn2m_runtime.streaming.ends import Packet
from zsn2m_runtime.streaming.video.source import VideoSource

TAGS = (1, 9, 16, 9)  # limited range, BT.2020, PQ


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """8-bit H.264 with AAC sound and a title."""
    return Clip(audio=True, tags=TAGS).write(tmp_path / "clip.mp4")  # type: ignore[no-any-return]


@pytest.mark.parametrize("out", ["out.mp4", "out.mov"])
def test_frames_times_sound_and_tags_go_through(clip: Path, tmp_path: Path, out: str) -> None:
    result = through(clip, tmp_path / out)
    assert times_of(result) == times_of(clip) == [number * STEP / 24_000 for number in range(12)]
    assert packets_of(result, "video")[-1][2] == packets_of(clip, "video")[-1][2]  # how long the last frame stays
    assert packets_of(result, "audio") == packets_of(clip, "audio") != []
    assert tags_of(result) == tags_of(clip) == TAGS
    with av.open(str(result)) as container:
        assert container.metadata["title"] == "a test"
        assert container.streams.audio[0].language == "fra"


def test_matroska_keeps_times_to_a_millisecond_and_packets_to_a_byte(tmp_path: Path) -> None:
    first = Clip(audio=True, subtitle="subrip", tags=TAGS).write(tmp_path / "in.mkv")
    result = through(first, tmp_path / "out.mkv")
    assert times_of(result) == times_of(first) == pytest.approx([k * STEP / 24_000 for k in range(12)], abs=5e-4)
    for kind in ("audio", "subtitle"):
        assert packets_of(result, kind) == packets_of(first, kind) != []
    assert tags_of(result) == TAGS
    with av.open(str(result)) as container:
        (audio,) = container.streams.audio
        assert (audio.language, audio.disposition) == ("fra", av.stream.Disposition.comment)


def test_mp4_subtitles_go_through(tmp_path: Path) -> None:
    first = Clip(subtitle="mov_text").write(tmp_path / "in.mp4")
    words = [packet for packet in packets_of(through(first, tmp_path / "out.mp4"), "subtitle") if len(packet[0]) > 2]
    assert words == [(b"\x00\x0cgood morning", 0.1, 0.2)]


def test_variable_frame_rate_stays_variable(tmp_path: Path) -> None:
    times = [0, 1001, 2002, 7007, 7500, 9009, 24_000]
    first = Clip(times=times, options={"bf": "0"}).write(tmp_path / "in.mp4")
    result = through(first, tmp_path / "out.mp4")
    assert times_of(result) == [time / 24_000 for time in times]
    assert [frame.time_base for frame in frames_of(result)] == [TICK] * len(times)
    with av.open(str(through(first, tmp_path / "out.mkv", lossless=True))) as container:
        assert container.duration == pytest.approx((times[-1] + STEP) / 24_000 * 1e6, abs=500)  # with the last frame's


def test_sound_that_begins_before_zero_moves_no_frame(clip: Path, tmp_path: Path) -> None:
    assert packets_of(clip, "audio")[0][1] < 0
    result = through(clip, tmp_path / "out.mkv")
    assert times_of(result) == pytest.approx(times_of(clip), abs=5e-4)
    assert packets_of(result, "audio")[0][1] == pytest.approx(packets_of(clip, "audio")[0][1], abs=5e-4)


def test_containers_without_times_before_zero_begin_with_the_first_frame(tmp_path: Path) -> None:
    first = Clip().write(tmp_path / "in.mp4")
    assert times_of(through(first, tmp_path / "out.nut")) == times_of(first)
    assert times_of(through(first, tmp_path / "out.avi", lossless=True)) == times_of(first)


def test_the_order_of_tracks_does_not_matter(clip: Path, tmp_path: Path) -> None:
    place = tmp_path / "sound first.mkv"
    with av.open(str(clip)) as first, av.open(str(place), "w") as container:
        streams = {s.index: container.add_stream_from_template(s, opaque=True) for s in reversed(first.streams)}
        for packet in first.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    result = through(place, tmp_path / "out.mkv")
    assert times_of(result) == times_of(place)
    assert len(times_of(place)) == 12
    assert packets_of(result, "audio") == packets_of(place, "audio")


def test_frames_and_packets_go_through_threads(tmp_path: Path) -> None:
    first = Clip(audio=True, times=range(0, 150 * STEP, STEP)).write(tmp_path / "in.mp4")
    source = VideoSource(first)
    sink = video_sink(tmp_path / "out.mp4", source.info, source=source)
    with Pipeline(source, iter) as pipeline:
        for item in pipeline:
            sink.write(item)
    sink.finish()
    source.close()
    assert times_of(tmp_path / "out.mp4") == times_of(first)
    assert packets_of(tmp_path / "out.mp4", "audio") == packets_of(first, "audio")


def test_chapters_go_through(clip: Path, tmp_path: Path) -> None:
    chapter = {"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}}
    source = VideoSource(clip)
    source.decoder.container.set_chapters([chapter])  # type: ignore[list-item]
    sink = video_sink(tmp_path / "out.mkv", source.info, source=source)
    for item in source:
        sink.write(item)
    sink.finish()
    with av.open(str(tmp_path / "out.mkv")) as container:
        (found,) = container.chapters()
        assert found["metadata"] == {"title": "one"}
        assert found["end"] * (found["time_base"] or 0) == Fraction(1, 5)


def test_shape_of_pixels_goes_through_or_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Clip(aspect=Fraction(4, 3)).write(tmp_path / "in.mkv")
    for name in ("out.mp4", "out.mkv"):
        with av.open(str(through(first, tmp_path / name))) as container:
            assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3), name
    through(first, tmp_path / "out.nut", lossless=True)
    assert "out.nut: not kept of the source: shape of pixels" in caplog.text


def test_packets_of_tracks_come_among_the_frames_only_if_asked_for(clip: Path) -> None:
    items = list(VideoSource(clip))
    kinds = [isinstance(item, Packet) for item in items]
    assert sum(kinds) == len(packets_of(clip, "audio"))
    assert any(a and not b for a, b in pairwise(kinds))  # not all at the end
    silent = video_source(clip, pass_tracks=False)
    assert not any(isinstance(item, Packet) for item in silent)
    assert silent.decoder.left_out == ["audio (aac)"]


def test_a_cover_picture_is_no_video_and_is_said_to_stay_behind(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def write(place: Path, with_video: bool) -> None:
        with av.open(str(clip)) as first, av.open(str(place), "w") as container:
            kept = [stream for stream in first.streams if with_video or stream.type == "audio"]
            streams = {stream.index: container.add_stream_from_template(stream, opaque=True) for stream in kept}
            cover = container.add_stream("mjpeg", width=16, height=16, pix_fmt="yuvj420p")
            cover.disposition = av.stream.Disposition.attached_pic
            for packet in (*first.demux(kept), *cover.encode(ramp(0, "yuvj420p", (16, 16)))):
                if packet.size:
                    packet.stream = cover if packet.stream is cover else streams[packet.stream_index]
                    container.mux(packet)

    write(tmp_path / "covered.mp4", with_video=True)
    source = VideoSource(tmp_path / "covered.mp4")
    assert (source.info.width, source.info.frames) == (WIDTH, 12)
    assert source.decoder.left_out == ["cover picture (mjpeg)"]
    with caplog.at_level("INFO"):
        through(tmp_path / "covered.mp4", tmp_path / "out.mp4")
    assert "out.mp4: not kept of the source: cover picture (mjpeg)" in caplog.text
    write(tmp_path / "sound.mp4", with_video=False)
    with pytest.raises(InputError, match=r"sound.mp4: .*video track"):
        VideoSource(tmp_path / "sound.mp4")
