"""Videos in and out: pixels at their depth, every time and tag and track kept, damage told where it is."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import (
    HEIGHT,
    RATE,
    STEP,
    TICK,
    WIDTH,
    Clip,
    frames_of,
    info_of,
    noise,
    packets_of,
    pixels_of,
    ramp,
    samples,
    through,
    times_of,
    write_all,
)

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.streaming.items import Passenger, Picture
from zsn2m_runtime.streaming.pipeline import Pipeline
from zsn2m_runtime.streaming.video.sink import VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource

TURNED = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)  # a quarter turn clockwise
TAGS = (1, 9, 16, 9)  # limited range, BT.2020, PQ
RAW = {"video_size": f"{WIDTH}x{HEIGHT}", "framerate": "25"}


def tags_of(path: Path) -> tuple[int, ...]:
    frame = frames_of(path)[0]
    return frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """8-bit H.264 with AAC sound and a title."""
    return Clip(audio=True, tags=TAGS).write(tmp_path / "clip.mp4")  # type: ignore[no-any-return]


# What goes through unchanged


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
    sink = VideoSink(tmp_path / "out.mp4", source.info, source=source)
    with Pipeline(source, lambda item: item) as pipeline:
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
    sink = VideoSink(tmp_path / "out.mkv", source.info, source=source)
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
    assert "out.nut: pixels are 4/3 as wide as high, which ffv1 does not say here" in caplog.text


def test_packets_of_tracks_come_among_the_frames_only_if_asked_for(clip: Path) -> None:
    items = list(VideoSource(clip))
    kinds = [isinstance(item, Passenger) for item in items]
    assert sum(kinds) == len(packets_of(clip, "audio"))
    assert any(a and not b for a, b in pairwise(kinds))  # not all at the end
    silent = VideoSource(clip, pass_tracks=False)
    assert not any(isinstance(item, Passenger) for item in silent)
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
    assert source.decoder.left_out == ["video (mjpeg)"]
    with caplog.at_level("INFO"):
        through(tmp_path / "covered.mp4", tmp_path / "out.mp4")
    assert "out.mp4: not copied from the source: video (mjpeg)" in caplog.text
    write(tmp_path / "sound.mp4", with_video=False)
    with pytest.raises(InputError, match=r"sound.mp4: expected a video track, but there is none"):
        VideoSource(tmp_path / "sound.mp4")


# Depth


@pytest.mark.parametrize(
    ("dtype", "channels", "high", "pixel_format"),
    [
        ("uint8", 3, 255, "bgr0"),
        ("uint8", 1, 255, "gray"),
        ("uint16", 3, 1023, "gbrp10le"),
        ("uint16", 1, 1023, "gray10le"),
        ("uint16", 3, 4095, "gbrp12le"),
        ("uint16", 1, 65535, "gray16le"),
        ("uint16", 3, 65535, "gbrp16le"),
    ],
)
@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".nut"])
def test_lossless_gives_every_sample_back(
    tmp_path: Path, suffix: str, dtype: str, channels: int, high: int, pixel_format: str
) -> None:
    arrays = noise(3, dtype, channels, high)
    sink = VideoSink(tmp_path / f"out{suffix}", info_of(arrays[0], high), lossless=True)
    write_all(sink, arrays)
    place = Path(sink.finish())
    source = VideoSource(place)
    assert (source.kind.name, source.info.range, source.info.dtype) == (pixel_format, (0, high), dtype)
    found = pixels_of(place)
    assert len(found) == 3
    assert all(np.array_equal(a, b) for a, b in zip(found, arrays, strict=True))
    again = pixels_of(through(place, tmp_path / f"again{suffix}", lossless=True))
    assert all(np.array_equal(a, b) for a, b in zip(again, arrays, strict=True))


def test_ten_bits_never_pass_through_eight(tmp_path: Path) -> None:
    steps = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 876  # of one level of 10 bits each

    def picture(*_: Any) -> av.VideoFrame:
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
        luma, *chroma = (samples(plane, 1023) for plane in frame.planes)
        luma[:, :WIDTH] = 64 + steps
        for plane in chroma:
            plane[...] = 512
        return frame

    first = Clip("ffv1", "yuv420p10le", picture=picture).write(tmp_path / "in.mkv")
    source = VideoSource(first)
    assert (source.info.dtype, source.info.range) == ("uint16", (0, 1023))
    pixels = pixels_of(first)[0]
    exact = steps[..., None] / 876 * 1023  # 64 to 940 is 0 to 1023
    assert np.abs(pixels - exact).max() < 0.51
    assert np.array_equal(pixels_of(through(first, tmp_path / "lossless.mkv", lossless=True))[0], pixels)
    frame = frames_of(through(first, tmp_path / "out.mp4", codec="libx265", crf=0))[0]
    assert frame.format.name == "yuv420p10le"
    assert np.abs(samples(frame.planes[0], 1023)[:, :WIDTH] - 64.0 - steps).mean() < 1  # through 8 bits: 1 and more


def test_full_range_goes_through_without_an_offset(tmp_path: Path) -> None:
    first = Clip(tags=(2, 2, 2, 2), options={"crf": "0"}).write(tmp_path / "in.mp4")
    result = through(first, tmp_path / "out.mp4", crf=0)
    assert frames_of(result)[0].format.name == "yuvj420p"
    for before, after in zip(frames_of(first), frames_of(result), strict=True):
        for one, other in zip(before.planes, after.planes, strict=True):
            difference = samples(one)[:, : one.width].astype(int) - samples(other)[:, : one.width]
            assert np.abs(difference).max() <= 1
            assert abs(difference.mean()) < 0.1


def test_chroma_stays_in_its_place(tmp_path: Path) -> None:
    def picture(*_: Any) -> av.VideoFrame:
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        luma, *chroma = (samples(plane) for plane in frame.planes)
        luma[...] = 128
        for plane in chroma:
            rows, columns = np.indices(plane.shape)
            plane[...] = 128 + 25 * np.sin(columns / 2) * np.cos(rows / 2)
        return frame

    first = Clip(picture=picture, options={"crf": "0"}).write(tmp_path / "in.mp4")
    before, after = (frames_of(place)[0] for place in (first, through(first, tmp_path / "out.mp4", crf=0)))
    for one, other in zip(before.planes[1:], after.planes[1:], strict=True):
        inside = np.s_[2:-2, 2 : one.width - 2]
        assert np.abs(samples(one)[inside].astype(int) - samples(other)[inside]).max() <= 2


def test_rgb_becomes_yuv_of_the_kind_that_players_assume(tmp_path: Path) -> None:
    first = Clip("ffv1", "bgr0", picture=lambda number, _, size: ramp(number, "yuv420p", size).reformat(format="bgr0"))
    place = first.write(tmp_path / "in.mkv")
    result = through(place, tmp_path / "out.mp4", crf=0)
    assert frames_of(result)[0].format.name == "yuv444p"
    assert tags_of(result) == (1, 2, 2, 6)  # BT.601, as below 720 rows
    for before, after in zip(pixels_of(place), pixels_of(result), strict=True):
        assert np.abs(before.astype(int) - after).max() <= 3


def test_full_range_of_a_pixel_format_needs_no_tag() -> None:
    luma = np.tile(np.arange(WIDTH, dtype=np.uint8) * 4, (HEIGHT, 1))
    data = luma.tobytes() + bytes([128]) * (luma.size // 2)
    options = {**RAW, "pixel_format": "yuvj420p"}
    (pixels,) = pixels_of(io.BytesIO(data), format="rawvideo", options=options)
    assert np.array_equal(pixels, np.repeat(luma[..., None], 3, 2))


def test_tags_reach_codecs_that_write_them_into_every_frame(tmp_path: Path) -> None:
    first = Clip(tags=TAGS).write(tmp_path / "in.mp4")
    result = through(first, tmp_path / "out.mkv", codec="prores_ks", pixel_format="yuv422p10le")
    assert tags_of(result) == TAGS


def test_full_range_is_told_to_vp9(tmp_path: Path) -> None:
    result = through(Clip(tags=(2, 2, 2, 2)).write(tmp_path / "in.mp4"), tmp_path / "out.webm")
    assert frames_of(result)[0].color_range == 2


@pytest.mark.parametrize("name", ["rgb24", "gbrp", "nv12", "yuv422p", "yuyv422", "gray", "pal8"])
def test_eight_bit_formats_become_uint8(name: str) -> None:
    data = np.full((HEIGHT, WIDTH * 4), 128, np.uint8).tobytes()
    source = VideoSource(io.BytesIO(data), format="rawvideo", options={**RAW, "pixel_format": name})
    assert (source.info.dtype, source.info.channels) == ("uint8", 1 if name == "gray" else 3)
    item = next(iter(source))
    assert isinstance(item, Picture)
    assert item.frame.pixels.shape == ((HEIGHT, WIDTH) if name == "gray" else (HEIGHT, WIDTH, 3))


def test_grey_keeps_its_values_in_a_codec_without_grey(tmp_path: Path) -> None:
    ramps = [np.tile(np.arange(WIDTH, dtype=np.uint8) * 4, (HEIGHT, 1))] * 3
    sink = VideoSink(tmp_path / "out.mp4", info_of(ramps[0], 255), codec="libx264", pixel_format="yuv420p", crf=0)
    write_all(sink, ramps)
    frame = frames_of(Path(sink.finish()))[0]
    assert frame.color_range == 2
    assert np.array_equal(samples(frame.planes[0])[:, :WIDTH], ramps[0])


@pytest.mark.parametrize("name", ["rgba", "ya8", "grayf32le"])
def test_alpha_and_floating_point_are_refused(name: str) -> None:
    data = io.BytesIO(bytes(HEIGHT * WIDTH * 4))
    with pytest.raises(InputError, match=rf"in: expected pixels in grey, RGB or YUV.*but got {name}; convert it first"):
        VideoSource(data, format="rawvideo", options={**RAW, "pixel_format": name}, name="in")


def test_a_codec_of_too_few_bits_is_refused_unless_the_pixel_format_is_named(tmp_path: Path) -> None:
    first = Clip("ffv1", "yuv420p12le").write(tmp_path / "in.mkv")
    with pytest.raises(
        UsageError, match=r"keeps yuv420p12le \(12 bits\), but libx264 takes 10.*--codec libx265, --lossl"
    ):
        through(first, tmp_path / "out.mp4")
    result = through(first, tmp_path / "out.mp4", pixel_format="yuv420p")
    assert frames_of(result)[0].format.name == "yuv420p"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_odd_sizes_get_a_pixel_format_that_holds_them(tmp_path: Path) -> None:
    first = Clip("ffv1", "yuv420p", size=(65, 47)).write(tmp_path / "in.mkv")
    frame = frames_of(through(first, tmp_path / "out.mp4"))[0]
    assert (frame.width, frame.height, frame.format.name) == (65, 47, "yuv444p")


# Pipes


def test_y4m_comes_and_goes_through_pipes() -> None:
    first = Clip("wrapped_avframe", times=range(12), time_base=1 / RATE, format="yuv4mpegpipe").write(io.BytesIO())
    first.seek(0)
    out = through(first, io.BytesIO(), {"format": "yuv4mpegpipe"}, format="yuv4mpegpipe")
    assert not out.closed
    header = out.getvalue().split(b"\n")[0]
    assert header.startswith(b"YUV4MPEG2 W64 H48 F24000:1001") and b"C420mpeg2" in header
    before, after = (frames_of(io.BytesIO(pipe.getvalue()), format="yuv4mpegpipe") for pipe in (first, out))
    assert len(after) == 12
    for a, b in zip(before, after, strict=True):
        assert np.abs(a.to_ndarray().astype(int) - b.to_ndarray()).max() <= 1


def test_y4m_holds_ten_bits() -> None:
    arrays = noise(2, "uint16", 1, 1023)
    out = io.BytesIO()
    sink = VideoSink(out, info_of(arrays[0], 1023), format="yuv4mpegpipe")
    write_all(sink, arrays)
    sink.finish()
    out.seek(0)
    assert all(np.array_equal(a, b) for a, b in zip(pixels_of(out, format="yuv4mpegpipe"), arrays, strict=True))


@pytest.mark.parametrize(
    ("name", "dtype", "channels", "high"), [("rgb24", "uint8", 3, 255), ("gray16le", "uint16", 1, 65535)]
)
def test_raw_frames_come_and_go_through_pipes(name: str, dtype: str, channels: int, high: int) -> None:
    arrays = noise(4, dtype, channels, high)
    data = b"".join(array.tobytes() for array in arrays)
    read = {"format": "rawvideo", "options": {**RAW, "pixel_format": name}}
    source = VideoSource(io.BytesIO(data), **read)  # type: ignore[arg-type]
    assert source.info.rate == 25
    assert all(
        np.array_equal(item.frame.pixels, array)
        for item, array in zip(source, arrays, strict=True)
        if isinstance(item, Picture)
    )
    assert through(io.BytesIO(data), io.BytesIO(), read, format="rawvideo").getvalue() == data


def test_a_reader_that_went_away_is_an_error() -> None:
    class Broken(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    arrays = noise(2, "uint8", 3, 255)
    sink = VideoSink(Broken(), info_of(arrays[0], 255), format="rawvideo")
    with pytest.raises(OutputError, match="Broken pipe"):
        write_all(sink, arrays)
    assert sink.salvage() is None
