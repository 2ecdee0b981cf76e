"""Opening the container of a video: files, pipes, and network streams with a time-out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from zsn2m_runtime.files.limits import FREE_PIXELS
from zsn2m_runtime.streaming.containers import PIPE_BUFFER, Y4M
from zsn2m_runtime.streaming.places import is_url

ROW_PADDING = 1 << 16  # pixels that libav's padding of rows may add to a small frame
OPEN_TIMEOUT = READ_TIMEOUT = 10.0  # seconds without data after which a network stream counts as dead


@dataclass(frozen=True)
class Reading:
    """How to read a video.

    format: FFmpeg's name of the container, where it does not show: yuv4mpegpipe, rawvideo
    options: FFmpeg's options for it; rawvideo needs video_size, pixel_format and framerate
    deinterlace: make whole frames of interlaced ones, which are an error otherwise
    live: what cannot be decoded is skipped, not an error
    pass_tracks: give the packets of audio and subtitles too; alpha: the alpha plane too, where there is one
    max_pixels: the most that a frame may have; None: 2**27
    """

    format: str | None = None
    options: dict[str, str] | None = None
    deinterlace: bool = False
    live: bool = False
    pass_tracks: bool = True
    alpha: bool = True
    max_pixels: int | None = None

    @property
    def most_pixels(self) -> int:
        """Of a frame."""
        return self.max_pixels or FREE_PIXELS

    @property
    def limit(self) -> dict[str, str]:
        """libav's option for the largest frame that it allocates; it counts the padding of rows (up to a quarter)."""
        return {"max_pixels": str(self.most_pixels + self.most_pixels // 4 + ROW_PADDING)}


USUAL_READING = Reading()


class Pipe:
    """A file object that returns what is there instead of waiting for a full buffer, and counts the bytes."""

    def __init__(self, file: Any) -> None:
        self._read = getattr(file, "read1", file.read)
        self._interrupt: KeyboardInterrupt | None = None
        self.count = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        if self._interrupt:  # libav asks again at an end
            return b""
        try:
            data: bytes = self._read(size)
        except KeyboardInterrupt as interrupt:  # libav would swallow it
            self._interrupt = interrupt
            return b""
        self.count += len(data)
        return data

    def check_interrupt(self) -> None:
        """Raise the KeyboardInterrupt that came while libav was reading, if one did."""
        if self._interrupt:
            raise self._interrupt


def open_container(place: Any, reading: Reading) -> InputContainer:
    """Open a path, URL or file object.

    Raises:
        OSError, ValueError, av.FFmpegError: if it cannot be.
    """
    options, timeout = {**reading.limit, **(reading.options or {})}, None
    if is_url(place):
        timeout = (OPEN_TIMEOUT, READ_TIMEOUT)
        if place.lower().startswith("rtsp"):
            options = {"rtsp_transport": "tcp", **options}  # over UDP, frames arrive damaged
    elif isinstance(place, (str, Path)):
        place = str(Path(place).absolute())  # or libav would take what stands before a colon for a protocol
    # With surrogates, titles in any encoding come to the output byte for byte.
    container: InputContainer = av.open(
        place,
        "r",
        format=reading.format,
        options=options,
        timeout=timeout,
        buffer_size=PIPE_BUFFER,
        metadata_errors="surrogateescape",
    )
    return container


def opening_fault(place: Any, reading: Reading, error: BaseException) -> str:
    """What is wrong with a place that cannot be opened, and what to do."""
    if isinstance(place, Pipe) and not place.count:
        return "expected frames, but got nothing; see what the program before the pipe says"
    if isinstance(place, Pipe) and reading.format == Y4M.format:
        return (
            "expected Y4M, but got something else; write it with ffmpeg -f yuv4mpegpipe, or say with --raw what "
            "frames without a header are"
        )
    hint = "the address, and that its server runs" if is_url(place) else "its name, and that it is whole"
    return f"expected a video that can be opened, but got {reason(error)!r}; check {hint}"


def reason(error: BaseException) -> str:
    """What libav says, without the address, which may hold a password."""
    if isinstance(error, av.error.ExitError):
        return f"no data for {READ_TIMEOUT:g} s"
    return getattr(error, "strerror", None) or str(error)
