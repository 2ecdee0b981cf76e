"""A video file, or a video on a pipe, as a sink."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from zsn2m_runtime.errors import OutputError, UsageError
from zsn2m_runtime.streaming.containers import container_of
from zsn2m_runtime.streaming.ends import DEFAULT_RATE, Item, Picture, StreamInfo
from zsn2m_runtime.streaming.options import USUAL_ENCODING, Encoding
from zsn2m_runtime.streaming.video.alpha_check import plan_with_alpha
from zsn2m_runtime.streaming.video.encoder import plan_encoding
from zsn2m_runtime.streaming.video.fragments import FragmentFile, in_fragments
from zsn2m_runtime.streaming.video.hdr import with_hdr
from zsn2m_runtime.streaming.video.source import VideoSource
from zsn2m_runtime.streaming.video.tag_check import changed_by, lost_by
from zsn2m_runtime.streaming.video.tracks import kind_of_track
from zsn2m_runtime.streaming.video.writer import Header, VideoWriter, tags_of
from zsn2m_runtime.unfinished_file import UnfinishedFile
from zsn2m_runtime.writing_errors import writing

log = logging.getLogger(__name__)


class VideoSink:
    """A video of results, with the source's times, colour tags, rotation, audio, subtitles, titles and chapters.

    Frames keep their timestamps and durations in the source's ticks; Matroska and WebM round them to milliseconds, AVI
    to frames of the rate, and Y4M and raw frames have none. The file stands under its name from `finish` on.

    Args:
        place: path, or file object open for writing, which needs `container`
        info: what the frames are
        encoding: codec, quality and pixel format; by default those that suit
        source: where they come from, if that is a video
        container: FFmpeg's name of it; None: by the suffix
        rate: frames per second where the info has none; None: 25
    Raises:
        UsageError: if the container or codec cannot hold the frames or a track, or it would replace the source.
        OutputError: if it cannot be written.
    """

    def __init__(
        self,
        place: str | Path | Any,
        info: StreamInfo,
        encoding: Encoding = USUAL_ENCODING,
        *,
        source: VideoSource | None = None,
        container: str | None = None,
        rate: Fraction | None = None,
    ) -> None:
        self._pipe = place if hasattr(place, "write") else None
        self._path = Path(str(getattr(place, "name", "output")) if self._pipe else place)
        self._info, self._source = info, source
        self._lost: list[str] = []
        self._changed: list[str] = []
        self._written, self._is_open = 0, True
        name = str(self._path)
        written = in_fragments(container_of(place, container), source.decoder if source else None)
        planner = plan_with_alpha if info.alpha else plan_encoding
        plan = planner(name, written, info, encoding, source.kind if source else None)
        plan = with_hdr(plan, source.hdr) if source else plan
        if not self._pipe and source:
            self._refuse_source(source)
        self._rate = info.rate or rate or DEFAULT_RATE
        self._file = None if self._pipe else UnfinishedFile(self._path)
        self._stream: FragmentFile | None = None
        try:
            with writing(self._path):
                if self._file and plan.container.fragments:
                    self._stream = FragmentFile(self._file.temporary)
                to = self._stream or (str(self._file.temporary) if self._file else self._pipe)
                header = Header(name, plan, info, tags_of(plan, info, source), self._rate)
                self._writer = VideoWriter(to, header, source)
                self._note_what_is_lost(header)
        except BaseException:
            self._give_up(keep=False)
            raise

    @property
    def lost(self) -> tuple[str, ...]:
        """What of the source's metadata the output does not hold, in words; complete after the last frame."""
        return (*self._lost, *(f"{name} (of later frames)" for name in self._late()))

    @property
    def changed(self) -> tuple[str, ...]:
        """What is in the output in another form, in words."""
        evened = (f"times became a constant rate of {float(self._rate):.6g} frames a second",)
        return (*self._changed, *(evened if self._writer.is_evened else ()))

    def write(self, item: Item) -> None:
        """Encode a frame, or copy a packet.

        Raises:
            OutputError: if it cannot be written, or the frame is not what the info says.
        """
        if self._file:
            self._file.check()
        with self._writing():
            if isinstance(item, Picture):
                self._check(item)
                self._writer.write_frame(item)
                self._written += 1
            else:
                self._writer.write_packet(item.packet)
            self._flush()

    def finish(self) -> str:
        """Complete the video under its name; returns that.

        Raises:
            OutputError: if it cannot be written, or has no frame.
        """
        if self._file and not self._written:
            raise OutputError(f"{self._path}: expected at least one frame, but none came; it is not written")
        with self._writing():
            self._writer.finish()
            self._flush()
            self._close_stream()
            if self._file:
                self._file.finish()
        self._is_open = False
        if late := self._late():
            log.warning("%s: not kept of later frames: %s", self._path, ", ".join(late))
        return str(self._path)

    def salvage(self) -> str | None:
        """Close the video so that it plays, as NAME.partial.SUFFIX; None where it does not, or went to a pipe."""
        if not self._is_open:
            return None
        self._is_open = False
        is_whole = False
        with suppress(Exception):  # the failure that led here is the one to report
            self._writer.finish()
            self._close_stream()
            is_whole = self._written > 0
        for close in (self._writer.close, self._close_stream):
            with suppress(Exception):
                close()
        kept = self._give_up(keep=is_whole or (self._file is not None and _plays(self._file.temporary)))
        if self._file and self._written and not kept:
            log.warning("%s: nothing could be kept of what was written", self._path)
        return kept

    def _close_stream(self) -> None:
        if self._stream:
            self._stream.close()

    def _give_up(self, *, keep: bool) -> str | None:
        with suppress(OSError):
            self._close_stream()
        return self._file.give_up(keep=keep) if self._file else None

    def _check(self, picture: Picture) -> None:
        info, frame = self._info, picture.frame
        height, width = frame.pixels.shape[:2]
        found = StreamInfo(info.name, height, width, frame.dtype, frame.channels, None, alpha=frame.alpha is not None)
        expected, got = (_words(each) for each in (info, found))
        if got != expected:
            raise OutputError(
                f"{self._path}: {picture.name}: expected a {expected}, but got a {got}; "
                f"stream such frames on their own, or into images"
            )

    def _note_what_is_lost(self, header: Header) -> None:
        if not self._source:
            return
        name, plan = header.name, header.plan
        decoder = self._source.decoder
        kept = decoder.attachments if plan.container.format == "matroska" and decoder.passes_tracks else []
        names = [kind_of_track(stream) for stream in kept]
        self._lost = lost_by(header, self._source)
        self._lost += [track for track in decoder.left_out if track not in names]
        self._changed = [*self._source.changed, *changed_by(plan, self._source)]
        if told := [words for words in self._lost if not words.startswith("colour ")]:
            log.warning("%s: not kept of the source: %s", name, ", ".join(told))
        if self._changed:
            log.info("%s: changed: %s", name, "; ".join(self._changed))

    def _late(self) -> list[str]:
        if not self._source or not self._written:
            return []
        return sorted(self._source.decoder.side_data - set(self._source.facts))

    def _refuse_source(self, source: VideoSource) -> None:
        with writing(self._path):
            is_same = self._path.exists() and source.path is not None and self._path.samefile(source.path)
        if is_same:
            raise UsageError(
                f"{self._path}: expected an output other than the input, but got the same file; choose another path"
            )

    def _flush(self) -> None:
        if self._pipe and hasattr(self._pipe, "flush"):
            self._pipe.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what libav and the system raise in writing into an OutputError."""
        try:
            with writing(self._path), _whole_pipe():
                yield
        except av.FFmpegError as error:
            raise OutputError(
                f"{self._path}: expected to be able to write frame {self._written + 1}, but got {error.strerror!r}; "
                f"choose another codec or container"
            ) from error


def _words(info: StreamInfo) -> str:
    alpha = " and alpha" if info.alpha else ""
    return f"{info.height}x{info.width} frame of {info.channels} channel(s), {info.dtype}{alpha}"


@contextmanager
def _whole_pipe() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise OutputError(
            "expected a program that reads all frames from the pipe, but it has ended; see what it says"
        ) from error


def _plays(path: Path) -> bool:
    """Whether a file gives a frame. Unfinished files do, if their format writes no index at the end."""
    try:
        with av.open(str(path)) as video:
            return next(video.decode(video=0), None) is not None
    except Exception:  # of any kind: the file is what it is
        return False
