"""Writing a container: its video track, encoded from arrays, and the tracks that pass through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.streaming.containers import PIPE_BUFFER, RAW, Y4M, Container
from zsn2m_runtime.streaming.ends import Picture, StreamInfo
from zsn2m_runtime.streaming.video.colour import FULL, LIMITED, RANGE_UNSPECIFIED, UNSPECIFIED, Colour
from zsn2m_runtime.streaming.video.encoder import CONSTANT_RATE, Plan
from zsn2m_runtime.streaming.video.fragments import FragmentFile
from zsn2m_runtime.streaming.video.frames import FrameWriter
from zsn2m_runtime.streaming.video.source import SQUARE, VideoSource
from zsn2m_runtime.streaming.video.timeline import Timeline
from zsn2m_runtime.streaming.video.tracks import Tracks, copy_labels

FRAGMENT = 1_000_000  # microseconds of a fragment: what a crash or a full disk costs at most
MOST_MOVED = 0.1  # of a frame: more than the rounding of milliseconds explains
MPEG_TICK = Fraction(1, 90_000)  # seconds of a tick, for live frames: that of MPEG-2 systems (ISO 13818-1)


@dataclass(frozen=True)
class Header:
    """What the header of an output says of its video track.

    name: how messages call the output; plan: container, codec and pixel format; info: what the frames are
    tags: of their colours, from `tags_of`; rate: frames per second where frames carry no time
    """

    name: str
    plan: Plan
    info: StreamInfo
    tags: Colour
    rate: Fraction


class VideoWriter:
    """An output whose header is written on opening, so that all it cannot hold is found before the first frame.

    Args:
        place: absolute path, or file object; a FragmentFile where the container has fragments
        source: whose tracks, rotation and shape of pixels go through
    Attributes:
        is_evened: whether frames were moved to a constant rate
    Raises:
        UsageError: if the encoder or the container refuses the frames or a track.
        OSError: if it cannot be written, now or later.
    """

    def __init__(self, place: Any, header: Header, source: VideoSource | None = None) -> None:
        plan, info = header.plan, header.info
        self._place, self._header = place, header
        self._time_base = _time_base(header, source)
        self._timeline = Timeline(self._time_base, header.rate, from_zero=info.live)
        chroma = "center" if plan.codec == "mjpeg" else "left"  # where players look for its samples
        self._frames = FrameWriter(info, plan.bits, plan.pixel_format, header.tags.with_defaults(info.height), chroma)
        self._output = _open(place, plan.container)
        self._stream = self._add_video(chroma)
        if source and source.aspect != SQUARE:
            self._stream.sample_aspect_ratio = source.aspect
        self._tracks = self._pass_on(source) if source else None
        self.is_evened, self._has_constant_rate = False, _has_constant_rate(plan)
        self._has_gaps, self._count, self._first = plan.container.format not in (Y4M.format, RAW.format), 0, 0
        self._early: list[Any] = []  # packets from before the first frame, which sets the time shift
        self._start()

    def write_frame(self, picture: Picture) -> None:
        """Encode the next frame; it may stay in the encoder for a while."""
        frame = self._frames.frame(picture.frame)
        self._header.tags.tag(frame)
        frame.time_base = self._time_base
        frame.pts, frame.duration = self._timeline.place(picture)
        self._count += 1
        self._note_time(frame.pts)
        self._mux(self._stream.encode(frame))
        early, self._early = self._early, []
        for packet in early:
            self.write_packet(packet)

    def _note_time(self, ticks: int) -> None:
        if self._count == 1:
            self._first = ticks
        gap = not self._has_gaps and ticks - self._first != self._count - 1
        self.is_evened |= self._has_constant_rate and (gap or self._timeline.moved > MOST_MOVED)

    def write_packet(self, packet: Any) -> None:
        """Copy a packet of a track that passes through; of a live stream, none from before its first frame."""
        if self._timeline.shift is None:
            self._early.append(packet)
        elif self._tracks:
            self._tracks.write(packet, self._timeline.shift)

    def finish(self) -> None:
        """Write what the encoder still holds, and the end of the file."""
        self._mux(self._stream.encode(None))
        self.close()

    def close(self) -> None:
        """End the file without what the encoder still holds; may be called twice."""
        self._output.close()

    def _mux(self, packets: list[Any]) -> None:
        if packets and isinstance(self._place, FragmentFile):
            self._place.has_packets = True
        self._output.mux(packets)

    def _add_video(self, chroma: str) -> Any:
        plan, info = self._header.plan, self._header.info
        try:
            stream = self._output.add_stream(
                plan.codec,
                rate=self._header.rate,
                options={**plan.options, "chroma_sample_location": chroma},
                width=info.width,
                height=info.height,
                pix_fmt=plan.pixel_format.name,
                time_base=self._time_base,
            )
        except ValueError as error:
            raise UsageError(
                f"{self._header.name}: expected a codec that {plan.container.format} holds, but got {plan.codec}; "
                f"choose another, or write a .mkv"
            ) from error
        self._header.tags.tag(stream)
        return stream

    def _pass_on(self, source: VideoSource) -> Tracks:
        name, plan = self._header.name, self._header.plan
        if source.matrix:
            if not plan.container.rotation:
                raise UsageError(
                    f"{name}: expected a container that holds the source's rotation, but {plan.container.format} does "
                    f"not; write a .mp4, .mov or .mkv, or read the source upright"
                )
            self._stream.set_display_matrix(source.matrix)
        copy_labels(source.decoder.video, self._stream)
        return Tracks(self._output, source.decoder, name)

    def _start(self) -> None:
        name, plan, info = self._header.name, self._header.plan, self._header.info
        try:
            self._stream.codec_context.open()
        except (ValueError, av.FFmpegError) as error:
            raise UsageError(
                f"{name}: expected frames that {plan.codec} takes, but it refused {info.width}x{info.height} "
                f"{plan.pixel_format.name}; choose another codec or pixel format"
            ) from error
        try:
            self._output.start_encoding()
        except OSError:
            raise
        except (ValueError, av.FFmpegError) as error:
            tracks = ", ".join(str(stream.name) for stream in self._output.streams)
            raise UsageError(
                f"{name}: expected tracks that {plan.container.format} holds, but it refused {tracks}; write a .mkv, "
                f"or leave audio and subtitles out with --no-tracks"
            ) from error


def _open(place: Any, container: Container) -> OutputContainer:
    settings = {"flush_packets": "1"}  # a reader at the other end of a pipe gets each frame at once
    if container.early_packets:
        settings["avoid_negative_ts"] = "disabled"  # or sound that begins before zero would shift all times
    if container.fragments:
        settings |= {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": str(FRAGMENT)}
    if container.format == Y4M.format:
        settings["strict"] = "unofficial"  # FFmpeg's Y4M of more than 8 bits is
    output: OutputContainer = av.open(
        place,
        "w",
        format=container.format,
        container_options=settings,
        buffer_size=PIPE_BUFFER,
        metadata_errors="surrogateescape",
    )
    return output


def tags_of(plan: Plan, info: StreamInfo, source: VideoSource | None) -> Colour:
    """The source's colour tags, adapted to the pixel format; without a video as source, what its RGB becomes."""
    kind = plan.pixel_format.kind
    if source is None:
        tags = Colour(range=FULL if info.channels == 1 else LIMITED).with_defaults(info.height)
    else:
        tags = source.colour
        if kind == "yuv" and source.kind.kind == "rgb":
            tags = replace(tags, matrix=UNSPECIFIED, range=RANGE_UNSPECIFIED).with_defaults(info.height)
        if source.kind.kind == "grey" and tags.range == RANGE_UNSPECIFIED:
            tags = replace(tags, range=FULL)  # which players assume of grey, but not of YUV, as H.264 stores it
    if plan.codec == "mjpeg":
        tags = replace(tags, range=FULL)  # JPEG has no other
    return tags.as_rgb() if kind == "rgb" else tags


def _has_constant_rate(plan: Plan) -> bool:
    return not plan.container.free_times or plan.codec in CONSTANT_RATE


def _time_base(header: Header, source: VideoSource | None) -> Fraction:
    if source and not _has_constant_rate(header.plan):
        return source.decoder.time_base
    is_live = header.info.live and not _has_constant_rate(header.plan)
    return MPEG_TICK if is_live else 1 / header.rate
