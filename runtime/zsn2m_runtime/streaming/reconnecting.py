"""Live sources that are opened again after they fail."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.streaming.ends import Item, Picture, Source, StreamInfo, frame_name, kind_of

FIRST_PAUSE = 0.5  # seconds before the first try to open it again; doubled before each further one
LONGEST_PAUSE = 30.0  # seconds, and so the longest delay after a camera is plugged in again
CATCH_UP = 2  # a frame comes at most so many times as long after the one before it as it was filmed after it

log = logging.getLogger(__name__)


class Reconnecting:
    """A live source that is opened again when it fails or ends, after longer and longer pauses.

    Numbers and timestamps go on: a gap in them lasts as long as the outage. Packets of other tracks go through until
    the first reconnection only: those of a new connection have another clock.

    Args:
        open_source: opens it; the first time here
        wait: pauses for so many seconds, True where `stop` was called; clock: seconds
    Attributes:
        source: the one that is open; info: of the first one
        reconnections: how often it came back
    Raises:
        InputError: if it cannot be opened the first time.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        wait: Callable[[float], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open, self._clock = open_source, clock
        # A Condition, whose lock is reentrant: a signal handler may call `stop` in the midst of another `stop`.
        self._stopped, self._changed = False, threading.Condition()
        self._wait = wait or self._wait_for_stop
        self.source = open_source()
        self.info = replace(self.source.info, live=True, frames=None)
        self._timeline = _Timeline(clock)
        self._lost_at: float | None = None
        self._pause = FIRST_PAUSE
        self.reconnections = 0
        self._has_packets = False

    def __iter__(self) -> Iterator[Item]:
        """The items of all connections, until `stop`.

        Raises:
            InputError: if the source comes back with other frames.
        """
        while True:
            reason = f"{self.info.name}: the stream ended"
            try:
                for item in self.source:
                    if self._stopped:
                        return
                    self._note_return()
                    if isinstance(item, Picture):
                        yield self._timeline.place(item)
                    elif not self.reconnections:
                        self._has_packets = True
                        yield item
            except InputError as error:
                reason = str(error)
            self.source.close()
            if not self._reopen(reason):
                return

    def stop(self) -> None:
        """Come to an end with the next item, or at once if it is waiting. For any thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and release the source."""
        self.stop()
        self.source.close()

    def _note_return(self) -> None:
        """Note the end of an outage: with the first item, as a source may open and fail before it gives one."""
        if self._lost_at is not None:
            log.info("%s: back after %.1f s", self.info.name, self._clock() - self._lost_at)
            self._lost_at, self._pause = None, FIRST_PAUSE
            self._timeline.resume()
            self.reconnections += 1
            if self.reconnections == 1 and self._has_packets:
                log.warning("%s: audio and subtitles end here; a new connection's are on another clock", self.info.name)

    def _reopen(self, reason: str) -> bool:
        """Try until a source opens; False where `stop` came first."""
        if self._lost_at is None:
            self._lost_at = self._clock()
        while not self._stopped:
            pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
            log.warning("%s; trying again in %.3g s", reason, pause)
            if self._wait(pause):
                return False
            try:
                self.source = self._open()
            except InputError as error:
                reason = str(error)
                continue
            self._check_same(self.source.info)
            return True
        return False

    def _wait_for_stop(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped, seconds)

    def _check_same(self, info: StreamInfo) -> None:
        if kind_of(info) != kind_of(self.info):
            raise InputError(
                f"{self.info.name}: expected it to come back with frames of {kind_of(self.info)}, but got "
                f"{kind_of(info)}; start a new stream"
            )


class _Timeline:
    """One numbering and one clock for the pictures of all connections."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._number = self._offset = 0
        self._is_resuming = False
        self._base: Fraction | None = None
        self._last: tuple[int, float] | None = None  # timestamp of the last picture, and when it came

    def resume(self) -> None:
        """The next picture is the first one of a new connection."""
        self._is_resuming = True

    def place(self, picture: Picture) -> Picture:
        """The picture under its number and at its time in the whole stream."""
        self._number += 1
        picture = replace(picture, number=self._number, name=frame_name(self._number))
        if picture.pts is None or picture.time_base is None:
            return picture
        base = self._base = self._base or picture.time_base
        ratio, now = picture.time_base / base, self._clock()
        pts = round(picture.pts * ratio)
        if self._is_resuming and self._last:
            last, seen = self._last
            self._offset = last + max(1, round((now - seen) / base)) - pts
        pts += self._offset
        if self._last and not self._is_resuming:
            # Later than that comes what a decoder holds back until it knows that the connection is lost.
            last, seen = self._last
            now = min(now, seen + CATCH_UP * float(max(0, pts - last) * base))
        self._is_resuming = False
        self._last = pts, now
        duration = None if picture.duration is None else round(picture.duration * ratio)
        return replace(picture, pts=pts, time_base=base, duration=duration)
