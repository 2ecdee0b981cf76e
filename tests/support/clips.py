"""Small videos for tests, made by PyAV alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import Picture, StreamInfo
from zsn2m_runtime.streaming.options import Encoding
from zsn2m_runtime.streaming.video.demuxer import Reading
from zsn2m_runtime.streaming.video.sink import VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource

WIDTH, HEIGHT = 64, 48
RAW = {"video_size": f"{WIDTH}x{HEIGHT}", "framerate": "25"}  # FFmpeg's options for frames without a header
TICK = Fraction(1, 24_000)  # seconds
STEP = 1001  # ticks of a frame at 23.976 frames per second
RATE = Fraction(24_000, 1001)
SOUND_RATE = 48_000  # samples per second


def ramp(number: int, pixel_format: str = "yuv420p", size: tuple[int, int] = (WIDTH, HEIGHT)) -> av.VideoFrame:
    """A frame that rises from left to right, from a start that moves with the number; its colours are faint."""
    frame = av.VideoFrame(*size, pixel_format)
    high = 2 ** frame.format.components[0].bits - 1
    for index, plane in enumerate(frame.planes):
        rows = samples(plane, high)
        first, last = (0.45, 0.55) if index else (0.2 + 0.01 * number, 0.7)
        rows[...] = np.linspace(first, last, rows.shape[1]) * high
    return frame


def samples(plane: Any, high: int = 255) -> np.ndarray:
    """The rows of a plane on its memory, padding included."""
    return np.frombuffer(plane, np.uint8 if high == 255 else np.uint16).reshape(plane.height, -1)


@dataclass
class Clip:
    """A video to write.

    `times` are the timestamps of its frames; `tags` are range, primaries, transfer and matrix; `subtitle` is a codec.
    """

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    times: Sequence[int] = range(0, 12 * STEP, STEP)
    time_base: Fraction = TICK
    size: tuple[int, int] = (WIDTH, HEIGHT)
    picture: Callable[..., av.VideoFrame] = ramp
    options: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    tags: tuple[int, int, int, int] = (0, 2, 2, 2)
    aspect: Fraction | None = None
    matrix: Sequence[int] | None = None
    audio: bool = False
    subtitle: str | None = None
    format: str | None = None

    def write(self, place: Any) -> Any:
        """Write it to a path or file object; returns that."""
        file = str(place) if isinstance(place, Path) else place
        with av.open(file, "w", format=self.format, container_options=self.settings) as container:
            container.metadata["title"] = "a test"
            video = self._add_video(container)
            audio = container.add_stream("aac", rate=SOUND_RATE) if self.audio else None
            if audio:
                audio.metadata["language"] = "fra"
                audio.disposition = av.stream.Disposition.comment
            subtitle = container.add_mux_stream(self.subtitle, time_base=Fraction(1, 1000)) if self.subtitle else None
            container.start_encoding()
            begin = round(self.times[0] * self.time_base * SOUND_RATE)
            for number, time in enumerate(self.times):
                container.mux(video.encode(self._frame(number, time)))
                if audio:
                    container.mux(audio.encode(_sound(number, begin)))
                if subtitle and number == 2:
                    container.mux(_words(subtitle, self.subtitle))
            for stream in filter(None, (video, audio)):
                container.mux(stream.encode(None))
        return place

    def _add_video(self, container: Any) -> Any:
        video = container.add_stream(
            self.codec,
            rate=RATE,
            options=self.options,
            width=self.size[0],
            height=self.size[1],
            pix_fmt=self.pixel_format,
            time_base=self.time_base,
        )
        video.codec_context.flags |= av.codec.context.Flags.frame_duration
        video.color_range, video.color_primaries, video.color_trc, video.colorspace = self.tags
        if self.aspect:
            video.sample_aspect_ratio = self.aspect
        video.set_display_matrix(self.matrix)
        return video

    def _frame(self, number: int, time: int) -> av.VideoFrame:
        frame = self.picture(number, self.pixel_format, self.size)
        frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace = self.tags
        frame.pts, frame.time_base = time, self.time_base
        frame.duration = round(1 / RATE / self.time_base)
        return frame


def _sound(number: int, begin: int) -> av.AudioFrame:
    length = 1024  # samples of a frame of AAC
    noise = np.random.default_rng(number).normal(0, 0.1, (2, length)).astype(np.float32)
    sound = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
    sound.sample_rate, sound.pts, sound.time_base = SOUND_RATE, begin + number * length, Fraction(1, SOUND_RATE)
    return sound


def _words(subtitle: Any, codec: str | None) -> av.Packet:
    text = b"good morning"
    packet = av.Packet(text if codec == "subrip" else len(text).to_bytes(2, "big") + text)
    packet.stream, packet.time_base = subtitle, Fraction(1, 1000)
    packet.pts = packet.dts = 100
    packet.duration = 200
    return packet


def frames_of(place: Any, **how: Any) -> list[av.VideoFrame]:
    """All frames of a video, decoded."""
    with av.open(str(place) if isinstance(place, Path) else place, **how) as container:
        return list(container.decode(container.streams.video[0]))


def times_of(place: Any, **how: Any) -> list[float]:
    """Timestamps of all frames, in seconds."""
    return [frame.time for frame in frames_of(place, **how)]


def tags_of(path: Path) -> tuple[int, ...]:
    """Range, primaries, transfer and matrix of the first frame."""
    frame = frames_of(path)[0]
    return frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace


def packets_of(path: Path, kind: str) -> list[tuple[bytes, float, float]]:
    """Bytes, timestamp and duration (seconds) of every packet of the tracks of a kind."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.stream.type == kind and packet.size]
        return [
            (bytes(packet), float(packet.pts * packet.time_base), float((packet.duration or 0) * packet.time_base))
            for packet in packets
        ]


def video_source(place: Any, *, upright: bool = False, name: str | None = None, **reading: Any) -> VideoSource:
    """A video opened for reading; further arguments are those of Reading."""
    return VideoSource(place, Reading(**reading), upright=upright, name=name)


def video_sink(
    place: Any,
    info: StreamInfo,
    *,
    source: VideoSource | None = None,
    container: str | None = None,
    rate: Fraction | None = None,
    **encoding: Any,
) -> VideoSink:
    """A video opened for writing; further arguments are those of Encoding."""
    return VideoSink(place, info, Encoding(**encoding), source=source, container=container, rate=rate)


def through(place: Any, out: Any, read: dict[str, Any] | None = None, **write: Any) -> Any:
    """A video through source and sink as it is; returns the output."""
    sink_of(place, out, read, **write)
    return out


def sink_of(place: Any, out: Any, read: dict[str, Any] | None = None, **write: Any) -> VideoSink:
    """A video through source and sink as it is; returns the sink, which knows what it lost."""
    source = video_source(place, **(read or {}))
    sink = video_sink(out, source.info, source=source, **write)
    for item in source:
        sink.write(item)
    sink.finish()
    source.close()
    return sink


def pixels_of(place: Any, **read: Any) -> list[Pixels]:
    """The arrays of all frames."""
    source = video_source(place, **read)
    try:
        return [np.array(item.frame.pixels) for item in source if isinstance(item, Picture)]
    finally:
        source.close()


def noise(count: int, dtype: str, channels: int, high: int) -> list[Pixels]:
    """Frames of random samples from 0 to `high`."""
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return [np.random.default_rng(seed).integers(0, high + 1, shape).astype(dtype) for seed in range(count)]


def info_of(pixels: Pixels, high: int, **more: Any) -> StreamInfo:
    """The info of a source of such frames."""
    channels = 1 if pixels.ndim == 2 else 3
    return StreamInfo("noise", *pixels.shape[:2], pixels.dtype.name, channels, (0, high), **more)


def write_all(sink: VideoSink, arrays: list[Pixels]) -> None:
    """Write arrays as frames 1, 2, ..."""
    for number, pixels in enumerate(arrays, start=1):
        sink.write(Picture(Frame(pixels), number, f"frame {number}"))
