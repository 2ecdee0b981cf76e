"""The decoded frames of a video among the packets of its other tracks; damage is an error in its place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.stream import VideoStream

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.limits import Stated, check_stated
from zsn2m_runtime.streaming.containers import RAW, Y4M
from zsn2m_runtime.streaming.ends import MICROSECOND, Packet
from zsn2m_runtime.streaming.video.completeness import Completeness
from zsn2m_runtime.streaming.video.demuxer import Pipe, Reading, open_container, opening_fault, reason
from zsn2m_runtime.streaming.video.frames import Deinterlacer
from zsn2m_runtime.streaming.video.metadata import side_data, time_code
from zsn2m_runtime.streaming.video.tracks import holds_only, is_cover, kind_of_track

PASSED = ("audio", "subtitle")
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders of these drop alpha

log = logging.getLogger(__name__)


class DamagedError(Exception):
    """A packet or picture that libav returns without an error although it is incomplete."""


class Decoder:
    """The first video track of a container that is not a cover picture.

    Attributes:
        container, video: PyAV's; tracks: those that pass through; attachments: of Matroska, such as fonts
        left_out: the other tracks, in words; side_data: of the frames given so far, in words
    Raises:
        InputError: if it cannot be opened or has no video.
    """

    def __init__(self, place: str | Path | Any, name: str, reading: Reading) -> None:
        self.name, self._reading = name, reading
        is_linear = hasattr(place, "read") and reading.format is not None
        self._pipe = Pipe(place) if is_linear else None
        try:
            self.container = open_container(self._pipe or place, reading)
        except (OSError, ValueError, av.FFmpegError) as error:
            self._check_interrupt()
            raise InputError(f"{name}: {opening_fault(self._pipe or place, reading, error)}") from error
        try:
            self.video = self._first_video()
            self._codec: Any = self.video.codec_context
            self._check_size(self._codec.width, self._codec.height)
        except InputError:
            self.close()
            raise
        self.passes_tracks = reading.pass_tracks
        others = [stream for stream in self.container.streams if stream.index != self.video.index]
        passed = [stream for stream in others if stream.type in PASSED and stream.codec_context is not None]
        self.tracks = passed if reading.pass_tracks else []
        code = time_code(self.container, self.video)
        self.left_out = [
            kind_of_track(stream) for stream in others if stream not in self.tracks and not holds_only(stream, code)
        ]
        self.attachments: list[Any] = [stream for stream in others if stream.type == "attachment"]
        self.side_data: set[str] = set()
        self._completeness = Completeness(name, self.container, self.video)
        self._skipped = 0
        self._is_begun = False
        self._is_told = False  # that frames are interlaced
        self._first: tuple[int, int, str] | None = None
        self._end_position = 0  # bytes

    def _first_video(self) -> VideoStream:
        videos = [stream for stream in self.container.streams.video if not is_cover(stream)]
        if not videos:
            raise InputError(f"{self.name}: expected a video track, but there is none; name a file that has one")
        if videos[0].codec_context is None:
            raise InputError(
                f"{self.name}: expected a video whose codec is known, but FFmpeg has no decoder for it; check that it "
                f"is whole, or convert it first"
            )
        return videos[0]

    @property
    def time_base(self) -> Fraction:
        """Seconds of one tick of the frames' timestamps."""
        return self.video.time_base or MICROSECOND

    @property
    def duration(self) -> Fraction | None:
        """Seconds, as the container says; None where it does not."""
        if self.video.duration:
            return self.video.duration * self.time_base
        return self.container.duration * MICROSECOND if self.container.duration else None

    @property
    def _count(self) -> int:
        return self._completeness.frames

    def frames_and_packets(self) -> Iterator[av.VideoFrame | Packet]:
        """Frames in the order of display, deinterlaced if asked for, and packets in their places.

        Raises:
            InputError: at what is damaged or interlaced, or of another size or pixel format; frames before it were
                given.
        """
        deinterlacer: Deinterlacer | None = None
        failure: InputError | None = None
        try:
            for item in self._checked():
                if isinstance(item, Packet) or not self._reading.deinterlace:
                    yield item
                else:
                    deinterlacer = deinterlacer or Deinterlacer(item, self.time_base)
                    self._tell_interlaced(item)
                    yield from deinterlacer.push(item)
        except InputError as error:
            failure = error
        if deinterlacer:
            yield from deinterlacer.push(None)
        if failure:
            raise failure
        if not self._reading.live:
            self._completeness.warn()

    def close(self) -> None:
        """Release the file; may be called twice."""
        self.container.close()

    def _checked(self) -> Iterator[av.VideoFrame | Packet]:
        for item in self._decoded():
            if isinstance(item, av.VideoFrame):
                self._check(item)
                self._completeness.note_frame(item)
            yield item

    def _check(self, frame: av.VideoFrame) -> None:
        number = self._count + 1
        if frame.interlaced_frame and not self._reading.deinterlace:
            raise InputError(
                f"{self.name}: frame {number}: expected whole frames, but got an interlaced one; add --deinterlace"
            )
        self._check_size(frame.width, frame.height)
        got = frame.width, frame.height, frame.format.name
        self._first = self._first or got
        self.side_data |= side_data(frame)
        if got != self._first:
            raise InputError(
                f"{self.name}: frame {number}: expected {_words(self._first)}, as those before it, but got "
                f"{_words(got)}; cut the video there and stream its parts one by one"
            )

    def _check_size(self, width: int, height: int) -> None:
        check_stated(self.name, Stated(width, height, 1), self._reading.most_pixels)

    def _tell_interlaced(self, frame: av.VideoFrame) -> None:
        if frame.interlaced_frame and not self._is_told:
            self._is_told = True
            log.info(
                "%s: frame %d is interlaced: such frames are made whole, one for one",
                self.name,
                self._count,
            )

    def _decoded(self) -> Iterator[av.VideoFrame | Packet]:
        try:
            passed = [stream.index for stream in self.tracks]
            for packet in self.container.demux():
                self._check_interrupt()
                index = packet.stream.index  # not stream_index, which the empty packet at the end of a track lacks
                if index == self.video.index or not is_cover(packet.stream):
                    self._completeness.note_packet(packet)
                if index == self.video.index:
                    yield from self._frames_of(packet)
                elif packet.size and index in passed:
                    yield Packet(packet)
            self._check_nothing_is_left()
        except (OSError, av.FFmpegError, DamagedError) as error:
            self._check_interrupt()
            with suppress(av.FFmpegError):
                yield from self._codec.decode(None)  # earlier frames, which the decoder holds back to reorder them
            cause = "the connection is lost" if self._reading.live else "the video is damaged or was cut short"
            if isinstance(error, av.error.ArgumentError):  # libav's error for frames above its limit
                most = f"{self._reading.most_pixels:,} pixels"
                cause += f", or its frames have more than {most}, a limit that --max-pixels raises"
            if self._reading.format == RAW.format:
                cause += ", or the size or format in --raw is wrong"
            raise InputError(
                f"{self.name}: frame {self._count + 1}: expected a frame, but got {reason(error)!r}; {cause}"
            ) from error

    def _check_interrupt(self) -> None:
        if self._pipe:
            self._pipe.check_interrupt()

    def _frames_of(self, packet: Any) -> Iterator[av.VideoFrame]:
        if not self._is_begun:
            self._is_begun = True
            self._codec = _codec_of(packet, self._reading.alpha)
            self._codec.options = self._reading.limit
        self._end_position = max(self._end_position, (packet.pos or 0) + packet.size)
        if self._reading.live:
            yield from self._decodable(packet)
            return
        if packet.is_corrupt:
            raise DamagedError("an incomplete packet")
        for frame in self._codec.decode(packet if packet.size else None):
            if frame.is_corrupt:
                raise DamagedError("a damaged picture")
            yield frame

    def _decodable(self, packet: Any) -> list[av.VideoFrame]:
        """The frames of a packet of a live stream, which lost packets must not end."""
        try:
            frames: list[av.VideoFrame] = self._codec.decode(packet if packet.size else None)
        except av.error.InvalidDataError as error:
            level = logging.DEBUG if self._skipped else logging.WARNING
            log.log(level, "%s: skipping what cannot be decoded (%s)", self.name, error.strerror)
            self._skipped += 1
            return []
        return frames

    def _check_nothing_is_left(self) -> None:
        """Refuse half a Y4M frame at the end of the file, which libav drops silently."""
        if self.container.format.name == Y4M.format:
            size = self._pipe.count if self._pipe else self.container.size
            if size > self._end_position:
                raise DamagedError("an incomplete frame")


def _codec_of(first: Any, alpha: bool) -> Any:
    """The decoder for the packets that begin with this one; with alpha, that of WITH_ALPHA."""
    usual = first.stream.codec_context
    has_alpha = first.stream.metadata.get("alpha_mode") == "1" or first.has_sidedata("matroska_block_additional")
    if alpha and has_alpha and usual.name in WITH_ALPHA:
        return av.CodecContext.create(WITH_ALPHA[usual.name], "r")
    return usual


def _words(kind: tuple[int, int, str]) -> str:
    return f"{kind[0]}x{kind[1]} {kind[2]}"
