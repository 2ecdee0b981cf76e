"""Live sources that fail and come back, by stand-ins and a clock of our own."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.sources import collect

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Item, Packet, Picture, Source, StreamInfo
from zsn2m_runtime.streaming.reconnecting import LONGEST_PAUSE, Reconnecting

INFO = StreamInfo("street", 6, 8, "uint8", 3, (0, 255), live=True)
MILLISECOND = Fraction(1, 1000)
CAMERA_SECOND = Fraction(9, 10)  # a camera's clock that is slow


class Clock:
    """Time that passes only where somebody waits, or says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


class Connection:
    """A live source of so many pictures, a second of its own clock apart, that then ends or raises."""

    def __init__(
        self, clock: Clock, count: int = 2, info: StreamInfo = INFO, fails: bool = True, base: Fraction = MILLISECOND
    ) -> None:
        self.info, self._clock, self._count, self._fails, self._base = info, clock, count, fails, base
        self.closed = 0

    def __iter__(self) -> Iterator[Item]:
        for number in range(1, self._count + 1):
            self._clock.now += 1
            pts = round((number - 1) * CAMERA_SECOND / self._base)
            yield Packet("audio")
            yield Picture(
                Frame(np.zeros((6, 8, 3), np.uint8)), number, "x", pts, self._base, round(Fraction(1, 2) / self._base)
            )
        if self._fails:
            raise InputError("street: expected a frame, but the cable is out")

    def close(self) -> None:
        self.closed += 1


class OverError(Exception):
    """There is nothing more to open."""


def opener_of(*steps: Source | Exception) -> Callable[[], Source]:
    """Opens one after another; the test is over after the last."""
    left = iter(steps)

    def open_source() -> Source:
        step = next(left, OverError())
        if isinstance(step, Exception):
            raise step
        return step

    return open_source


def reconnecting(clock: Clock, *steps: Source | Exception) -> Reconnecting:
    return Reconnecting(opener_of(*steps), wait=clock.wait, clock=clock)


def items_of(source: Reconnecting) -> list[Item]:
    given: list[Item] = []
    with pytest.raises(OverError):
        collect(source, given)
    return given


def pictures_of(source: Reconnecting) -> list[Picture]:
    return [item for item in items_of(source) if isinstance(item, Picture)]


def test_the_first_opening_that_fails_is_an_error_at_once() -> None:
    clock = Clock()
    with pytest.raises(InputError, match="refused"):
        reconnecting(clock, InputError("street: refused"))
    assert clock.waits == []


@pytest.mark.parametrize("fails", [True, False])
def test_a_source_that_fails_or_ends_is_opened_again_and_numbers_go_on(fails: bool) -> None:
    clock = Clock()
    first, second = Connection(clock, 2, fails=fails), Connection(clock, 3)
    source = reconnecting(clock, first, InputError("no route"), second)
    assert (source.info, source.reconnections) == (INFO, 0)
    pictures = pictures_of(source)
    assert [picture.number for picture in pictures] == [1, 2, 3, 4, 5]
    assert [picture.name for picture in pictures] == [f"frame_{number:08d}" for number in range(1, 6)]
    assert source.reconnections == 1
    assert (first.closed, second.closed) == (1, 1)


def test_a_gap_lasts_as_long_as_the_clock_says() -> None:
    clock = Clock()
    pictures = pictures_of(reconnecting(clock, Connection(clock, 2), Connection(clock, 2)))
    # the last one came at 2 s, then a pause of half a second, then a second until the next one
    assert [picture.pts for picture in pictures] == [0, 900, 2400, 3300]
    assert {picture.time_base for picture in pictures} == {MILLISECOND}


def test_what_a_decoder_holds_back_until_the_connection_is_lost_does_not_shorten_the_gap() -> None:
    class HeldBack(Connection):
        def __iter__(self) -> Iterator[Item]:
            for item in super().__iter__():
                if isinstance(item, Picture) and item.number == 3:
                    self._clock.now += 10  # without data: the time-out of the connection
                yield item

    clock = Clock()
    pictures = pictures_of(reconnecting(clock, HeldBack(clock, 3, fails=False), Connection(clock, 1)))
    # all of the first connection were filmed by 3 s, what follows is of 14.5 s
    assert [picture.pts for picture in pictures[:3]] == [0, 900, 1800]
    assert pictures[3].pts - 1800 == pytest.approx(11_500, abs=900)  # a frame's length


def test_a_connection_with_finer_time_is_put_on_the_first_ones_clock() -> None:
    clock = Clock()
    finer = Connection(clock, 2, base=MILLISECOND / 90)
    pictures = pictures_of(reconnecting(clock, Connection(clock, 1), finer))
    assert [(picture.pts, picture.duration) for picture in pictures] == [(0, 500), (1500, 500), (2400, 500)]
    assert {picture.time_base for picture in pictures} == {MILLISECOND}


def test_time_never_stands_still_even_where_the_clock_does() -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock, 1), Connection(clock, 1))
    source._timeline._clock = lambda: 0.0
    assert [picture.pts for picture in pictures_of(source)] == [0, 1]


def test_pictures_without_a_clock_stay_without() -> None:
    class Clockless(Connection):
        def __iter__(self) -> Iterator[Item]:
            yield Picture(Frame(np.zeros((6, 8, 3), np.uint8)), 1, "x")

    clock = Clock()
    pictures = pictures_of(reconnecting(clock, Clockless(clock), Clockless(clock)))
    assert [(picture.number, picture.pts) for picture in pictures] == [(1, None), (2, None)]


def test_packets_of_other_tracks_pass_until_the_first_reconnection() -> None:
    clock = Clock()
    given = items_of(reconnecting(clock, Connection(clock, 2), Connection(clock, 2)))
    assert [type(item).__name__ for item in given] == ["Packet", "Picture"] * 2 + ["Picture"] * 2


def test_pauses_double_up_to_the_longest_and_start_anew_after_a_frame() -> None:
    clock = Clock()
    steps = [InputError("no route")] * 8
    source = reconnecting(clock, Connection(clock), *steps, Connection(clock), InputError("no route"))
    given: list[Item] = []
    source._wait = lambda seconds: clock.wait(seconds) or len(clock.waits) == 11
    collect(source, given)
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, 0.5, 1]


def test_a_source_that_opens_but_gives_nothing_does_not_count_as_back() -> None:
    clock = Clock()
    mute = [Connection(clock, 0) for _ in range(4)]
    source = reconnecting(clock, Connection(clock), *mute)
    pictures_of(source)
    assert source.reconnections == 0
    assert clock.waits == [0.5, 1, 2, 4, 8]


def test_every_attempt_and_the_return_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock), InputError("street: no route"), Connection(clock))
    with caplog.at_level(logging.INFO):
        collect(source, [], most=6)
    said = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    expected = (
        "WARNING street: .*cable.* 0.5 s",
        "WARNING street: no route.* 1 s",
        "INFO street: back after 2.5 s",
        "WARNING street: audio and subtitles end.*",
    )
    assert all(re.fullmatch(pattern, text) for pattern, text in zip(expected, said, strict=True)), said


@pytest.mark.parametrize(
    "change", [{"width": 9}, {"height": 5}, {"dtype": "uint16"}, {"channels": 1}, {"range": (0, 1023)}]
)
def test_a_source_that_comes_back_with_other_frames_is_an_error(change: dict[str, Any]) -> None:
    clock = Clock()
    other = Connection(clock, info=StreamInfo(**(vars(INFO) | change)))
    source = reconnecting(clock, Connection(clock), other)
    with pytest.raises(InputError, match=r"street: .*6x8 colour uint8"):
        collect(source, [])
    source.close()
    assert other.closed == 1


def test_stop_ends_a_long_pause_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zsn2m_runtime.streaming.reconnecting.FIRST_PAUSE", 600.0)
    source = Reconnecting(opener_of(Connection(Clock())))
    waiting, real_wait = threading.Event(), source._wait
    source._wait = lambda seconds: waiting.set() or real_wait(seconds)
    thread = threading.Thread(target=collect, args=(source, []), daemon=True)
    thread.start()
    assert waiting.wait(5)
    source.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_stop_ends_a_running_source_with_the_next_item() -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock, 50))
    given = []
    for item in source:
        given.append(item)
        source.stop()
    assert len(given) == 1


def test_a_failure_after_close_is_no_reason_to_open_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    connection = Connection(clock, 1)
    source = reconnecting(clock, connection)
    items = iter(source)
    next(items)
    next(items)
    source.close()
    assert list(items) == []
    assert not caplog.records
    assert connection.closed == 2


def test_a_stop_in_the_midst_of_a_stop_does_not_wait_for_itself() -> None:
    source = reconnecting(Clock(), Connection(Clock()))
    signal_comes = threading.Thread(target=lambda: [source._changed.acquire(), source.stop()], daemon=True)
    signal_comes.start()  # holds what a stop holds, and stops, as a signal handler does in the same thread
    signal_comes.join(5)
    assert not signal_comes.is_alive()
