"""Whether a video gave all the packets and seconds that it states: libav reports some damage by no error."""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from typing import Any

import av

from zsn2m_runtime.streaming.ends import MICROSECOND

CUT_SHORT = 0.95  # of the stated duration; below it, more is missing than rounding explains
VP8_SHOWN = 0x10  # show_frame bit of the first byte (RFC 6386, 9.1); frames without it are references only
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")

log = logging.getLogger(__name__)


class Completeness:
    """Counts the packets and frames of a file, and notes where they end, over all tracks.

    A file that was cut ends early in every track. A video that starts late, or ends before its sound, is whole.

    Args:
        name: how messages call the file
        container: opened for reading; video: the track whose frames are given
    Attributes:
        frames: how many were given
    """

    def __init__(self, name: str, container: Any, video: Any) -> None:
        self._name, self._container, self._video = name, container, video
        self._unit = video.time_base or MICROSECOND
        rate = video.average_rate or video.guessed_rate
        self._usual = 1 / rate if rate else Fraction(0)  # seconds of a frame that does not say its own
        self._packets = self.frames = 0
        self._end = self._reach = Fraction(0)  # seconds: of the frames, and of all tracks

    def note_packet(self, packet: Any) -> None:
        """Count a packet of any track."""
        if not packet.size:
            return
        if packet.stream.index == self._video.index and not packet.is_discard and _is_shown(packet):
            self._packets += 1
        if packet.pts is not None and packet.time_base:
            self._reach = max(self._reach, (packet.pts + (packet.duration or 0)) * packet.time_base)

    def note_frame(self, frame: av.VideoFrame) -> None:
        """Count a frame that was decoded."""
        self.frames += 1
        if frame.pts is not None:
            length = frame.duration * self._unit if frame.duration else self._usual
            self._end = max(self._end, frame.pts * self._unit + length)

    def warn(self) -> None:
        """Say at the end of the file what is missing."""
        if self.frames < self._packets:
            log.warning(
                "%s: it gave %d frames for %d packets; it may be damaged", self._name, self.frames, self._packets
            )
        for stated, given in self._durations():
            if given < CUT_SHORT * stated:
                log.warning(
                    "%s: it states a duration of %.3g s, but its frames end after %.3g s; it may have been cut short",
                    self._name,
                    stated,
                    given,
                )
                return

    def _durations(self) -> list[tuple[Fraction, Fraction]]:
        """Pairs of what is stated and what came, in seconds.

        A track's own duration counts from its start. Matroska has a tag DURATION instead, which some writers make the
        duration and others the end; its header has the end of the longest track.
        """
        since_start = self._end - (self._video.start_time or 0) * self._unit
        own, whole = (self._video.duration or 0) * self._unit, (self._container.duration or 0) * MICROSECOND
        if own and abs(own - whole) > self._unit:  # libav gives tracks without one that of the file
            return [(own, since_start)]
        pairs = []
        if found := _CLOCK.match(self._video.metadata.get("DURATION", "")):
            hours, minutes, seconds = found.groups()
            pairs.append((int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds), max(self._end, since_start)))
        if whole:
            before_zero = min(0, self._container.start_time or 0) * MICROSECOND
            pairs.append((whole, max(self._reach, self._end) - before_zero))
        return pairs


def _is_shown(packet: Any) -> bool:
    return packet.stream.codec_context.name not in ("vp8", "libvpx") or bool(bytes(packet)[0] & VP8_SHOWN)
