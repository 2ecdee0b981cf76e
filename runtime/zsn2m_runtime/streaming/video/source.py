"""Video files, network streams and piped frames as a source."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.plain_text import without_secrets
from zsn2m_runtime.streaming.ends import Item, Packet, Picture, StreamInfo, frame_name
from zsn2m_runtime.streaming.places import is_url
from zsn2m_runtime.streaming.video.colour import Colour
from zsn2m_runtime.streaming.video.decoder import Decoder
from zsn2m_runtime.streaming.video.demuxer import USUAL_READING, Reading
from zsn2m_runtime.streaming.video.frames import FrameReader
from zsn2m_runtime.streaming.video.hdr import Hdr
from zsn2m_runtime.streaming.video.metadata import facts_of
from zsn2m_runtime.streaming.video.pixel_formats import PixelFormat
from zsn2m_runtime.streaming.video.rotation import check_quarter_turns, display_matrix, swaps_sides, upright

SQUARE = Fraction(1)


class VideoSource:
    """The frames of a video, each at the depth of its pixel format and at its own time.

    YUV becomes RGB by the stream's own matrix and range; where unspecified, by limited BT.709 from 720 rows on, BT.601
    below. Frames of a turned camera stay as they are stored, and the display matrix goes to the sink; with `upright`
    they are turned instead, for a sink that cannot hold the matrix.

    Args:
        place: path, URL, or file object open for reading
        reading: how
        upright: turn the frames as players would
        name: how messages call it; default: the place, without what a URL may hold of secrets
    Attributes:
        info: what the frames are; `frames` is a guess where only the duration is known
        decoder: of the tracks and their packets
        kind: pixel format of the frames; colour: its tags; aspect: width to height of a pixel
        matrix: the display matrix that the output needs, or None
        size: width and height as they are stored; changed: what reading it has changed, in words
        facts: its other metadata; hdr: HDR10's part of it
    Raises:
        InputError: if it cannot be opened, or its first frame is damaged, interlaced, or of no kind that arrays hold.
    """

    def __init__(
        self,
        place: str | Path | Any,
        reading: Reading = USUAL_READING,
        *,
        upright: bool = False,
        name: str | None = None,
    ) -> None:
        name = name or _public_name(place)
        is_path = not is_url(place) and not hasattr(place, "read")
        self.path = Path(place) if is_path else None
        self.decoder = Decoder(place, name, reading)
        try:
            self._items = self.decoder.frames_and_packets()
            self._ahead = _up_to_first_frame(self._items, name)
            self._describe(self._ahead[-1], name, reading, upright)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Item]:
        """The frames, and the packets of other tracks where they stand among them.

        Raises:
            InputError: if the video is damaged, cut short, or changes its size or pixel format; frames before it were
                given.
        """
        number = 0
        for item in chain(self._ahead, self._items):
            if isinstance(item, Packet):
                yield item
            else:
                number += 1
                yield self._picture(item, number)

    def stop(self) -> None:
        """Nothing to do: no read takes longer than the connection's time-out."""

    def close(self) -> None:
        """Release the file or connection; may be called twice."""
        self.decoder.close()

    def _describe(self, first: av.VideoFrame, name: str, reading: Reading, turn: bool) -> None:
        kind = PixelFormat.of(first.format.name)
        if kind is None:
            raise InputError(
                f"{name}: expected pixels in grey, RGB or YUV, in whole numbers, but got "
                f"{first.format.name}; convert it first, for example with ffmpeg -pix_fmt"
            )
        self.kind, self.colour = kind if reading.alpha else kind.opaque, Colour.of(first)
        self._keep_alpha = reading.alpha
        self.facts, self.hdr = facts_of(self.decoder.container, self.decoder.video, first), Hdr.of(first)
        self.aspect = self.decoder.video.sample_aspect_ratio or SQUARE
        self._reader = FrameReader(kind, self.colour.with_defaults(first.height), name)
        matrix = display_matrix(first)
        self.matrix = None if turn else matrix
        self._turn = matrix if turn else None
        self.changed = ["frames are turned upright"] if self._turn else []
        if turn:
            self.facts.pop("rotation", None)
        size = first.height, first.width
        self.size = first.width, first.height
        if self._turn:
            check_quarter_turns(self._turn, name)
            if swaps_sides(self._turn):
                size, self.aspect = size[::-1], 1 / self.aspect
            self.colour = self.colour.with_defaults(first.height)  # what players assume may not hold for the new height
        rate = self.decoder.video.average_rate or self.decoder.video.guessed_rate
        frames = None if reading.live else self._length(rate)
        self.info = StreamInfo(
            name, *size, kind.dtype, kind.channels, kind.range, rate, frames, reading.live, self.kind.alpha,
            mosaic=kind.mosaic and MosaicRecord(pattern=kind.mosaic),
        )  # fmt: skip

    def _length(self, rate: Fraction | None) -> int | None:
        duration = self.decoder.duration
        guess = round(duration * rate) if duration and rate else None
        return self.decoder.video.frames or guess

    def _picture(self, frame: av.VideoFrame, number: int) -> Picture:
        found = self._reader.frame(frame)
        if not self._keep_alpha:  # here: swscale makes half the rows of planar RGB black when it drops alpha
            found = Frame(found.pixels)
        if self._turn:
            alpha = None if found.alpha is None else upright(found.alpha, self._turn)
            found = Frame(upright(found.pixels, self._turn), alpha)
        return Picture(
            found,
            number,
            frame_name(number),
            pts=frame.pts,
            time_base=None if frame.pts is None else self.decoder.time_base,
            duration=frame.duration or None,
        )


def _up_to_first_frame(items: Iterator[av.VideoFrame | Packet], name: str) -> list[Any]:
    ahead = []
    for item in items:
        ahead.append(item)
        if isinstance(item, av.VideoFrame):
            return ahead
    raise InputError(f"{name}: expected at least one frame, but got none; check that the video is whole")


def _public_name(place: Any) -> str:
    """The place without secrets that a URL may hold."""
    if hasattr(place, "read"):
        return str(getattr(place, "name", "video"))
    if not is_url(place):
        return str(place)
    return without_secrets(place)
