"""Cameras by stand-ins: what they give, how they fail, and how live sources come back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest

from zsn2m_runtime.errors import InputError, UnavailableError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.camera import CameraSource
from zsn2m_runtime.streaming.items import Item, Passenger, Picture, Source, StreamInfo
from zsn2m_runtime.streaming.reconnecting import LONGEST_PAUSE, Reconnecting

INFO = StreamInfo("street", 6, 8, "uint8", 3, (0, 255), live=True)
MILLISECOND = Fraction(1, 1000)
CAMERA_SECOND = Fraction(9, 10)  # a camera's clock that is slow


class Capture:
    """Like cv2.VideoCapture, with the given reads: arrays, None for a failed read, or errors."""

    def __init__(self, *reads: Any, rate: float = 30.0, opens: bool = True) -> None:
        self._reads, self._rate, self._opens = iter(reads), rate, opens
        self.released = 0

    def isOpened(self) -> bool:  # noqa: N802  (OpenCV's name)
        return self._opens

    def read(self) -> tuple[bool, Any]:
        given = next(self._reads, None)
        if isinstance(given, Exception):
            raise given
        return given is not None, given

    def get(self, wanted: int) -> float:
        assert wanted == cv2.CAP_PROP_FPS
        return self._rate

    def release(self) -> None:
        self.released += 1


def bgr(value: int = 0, shape: tuple[int, ...] = (6, 8, 3), dtype: str = "uint8") -> np.ndarray:
    """A frame as OpenCV gives it; colour is bluer than red."""
    array = np.full(shape, value, dtype)
    if shape[2:] == (3,):
        array[..., 0] = value + 100
    return array


def collect(source: Source, given: list[Any], most: int = 100) -> None:
    """Add what a source gives, also before it fails."""
    for item in source:
        given.append(item)
        if len(given) == most:
            return


def test_a_camera_gives_rgb_after_the_frame_that_told_its_kind() -> None:
    capture = Capture(bgr(9), bgr(1), bgr(2), None, rate=29.97)
    asked: list[int | str] = []
    source = CameraSource(3, lambda device: asked.append(device) or capture)
    assert asked == [3]
    assert source.info == StreamInfo("camera 3", 6, 8, "uint8", 3, (0, 255), Fraction(2997, 100), live=True)
    given: list[Picture] = []
    with pytest.raises(InputError, match="camera 3: expected a frame, but the camera gave none"):
        collect(source, given)
    assert [item.frame.pixels[0, 0].tolist() for item in given] == [[1, 1, 101], [2, 2, 102]]
    assert [(item.number, item.name) for item in given] == [(1, "frame_00000001"), (2, "frame_00000002")]
    source.close()
    source.close()
    assert capture.released == 2


def test_a_cameras_clock_is_the_arrival_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 100.25, 100.5, 100.5, 101.0])
    source = CameraSource(0, lambda _: Capture(*[bgr()] * 5))
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    pictures = [picture for _, picture in zip(range(4), source, strict=False)]
    assert [picture.pts for picture in pictures] == [250_000, 500_000, 500_001, 1_000_000]  # never twice the same
    assert {picture.time_base for picture in pictures} == {Fraction(1, 1_000_000)}
    assert [picture.arrived for picture in pictures] == [100.25, 100.5, 100.5, 101.0]


@pytest.mark.parametrize(("shape", "dtype", "limits"), [((6, 8), "uint8", (0, 255)), ((6, 8, 1), "uint16", None)])
def test_a_grey_camera_gives_grey_frames(shape: tuple[int, ...], dtype: str, limits: tuple[int, int] | None) -> None:
    source = CameraSource("/dev/video0", lambda _: Capture(*[bgr(7, shape, dtype)] * 2))
    assert (source.info.name, source.info.channels, source.info.range) == ("camera /dev/video0", 1, limits)
    picture = next(iter(source))
    assert picture.frame.pixels.shape == (6, 8)
    assert picture.frame.dtype == dtype


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_camera_that_does_not_know_its_rate_has_none(rate: float) -> None:
    assert CameraSource(0, lambda _: Capture(bgr(), rate=rate)).info.rate is None


@pytest.mark.parametrize(
    ("capture", "message"),
    [
        (Capture(opens=False), "camera 0: expected a camera that can be opened, but there is none"),
        (Capture(), "but the camera gave none"),
        (Capture(cv2.error("driver")), r"but OpenCV failed \(driver\)"),
        (Capture(bgr(shape=(6, 8, 4))), "expected grey or colour frames, but got 4 channels"),
        (Capture(bgr(shape=(6, 8, 2))), r"got \(6, 8, 2\)"),
        (Capture(bgr(dtype="float64")), "got float64"),
    ],
)
def test_a_camera_that_gives_nothing_usable_is_released_and_an_error(capture: Capture, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CameraSource(0, lambda _: capture)
    assert capture.released == 1


def test_a_camera_that_is_not_there_is_an_error_without_chatter(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="camera 99: expected a camera that can be opened"):
        CameraSource(99)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (bgr(shape=(6, 9, 3)), "expected frames of 6x8 colour uint8, range 0 to 255, but got 6x9 colour uint8"),
        (bgr(shape=(6, 8)), "but got 6x8 grey uint8"),
        (bgr(dtype="uint16"), "but got 6x8 colour uint16;"),
    ],
)
def test_a_frame_of_another_kind_ends_a_camera(other: np.ndarray, message: str) -> None:
    source = CameraSource(0, lambda _: Capture(bgr(), bgr(), other, bgr()))
    given: list[Picture] = []
    with pytest.raises(InputError, match=f"camera 0: .*{message}"):
        collect(source, given)
    assert len(given) == 1


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
            yield Passenger("audio")
            yield Picture(
                Frame(np.zeros((6, 8, 3), np.uint8)), number, "x", pts, self._base, round(Fraction(1, 2) / self._base)
            )
        if self._fails:
            raise InputError("street: expected a frame, but the cable is out")

    def close(self) -> None:
        self.closed += 1


def opener_of(*steps: Source | Exception) -> Callable[[], Source]:
    """Opens one after another; after the last, there is nothing more to open."""
    left = iter(steps)

    def open_source() -> Source:
        step = next(left, InputError("street: no route"))
        if isinstance(step, Exception):
            raise step
        return step

    return open_source


def reconnecting(clock: Clock, *steps: Source | Exception, give_up_after: float | None = 100.0) -> Reconnecting:
    return Reconnecting(opener_of(*steps), give_up_after=give_up_after, wait=clock.wait, clock=clock)


def pictures_until_given_up(source: Reconnecting) -> list[Picture]:
    given: list[Item] = []
    with pytest.raises(InputError, match="gave up"):
        collect(source, given)
    return [item for item in given if isinstance(item, Picture)]


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
    pictures = pictures_until_given_up(source)
    assert [picture.number for picture in pictures] == [1, 2, 3, 4, 5]
    assert [picture.name for picture in pictures] == [f"frame_{number:08d}" for number in range(1, 6)]
    assert source.reconnections == 1
    assert (first.closed, second.closed) == (1, 1)


def test_a_gap_lasts_as_long_as_the_clock_says() -> None:
    clock = Clock()
    pictures = pictures_until_given_up(reconnecting(clock, Connection(clock, 2), Connection(clock, 2)))
    # the last one came at 2 s, then a pause of half a second, then a second until the next one
    assert [picture.pts for picture in pictures] == [0, 900, 2400, 3300]
    assert {picture.time_base for picture in pictures} == {MILLISECOND}


def test_a_connection_with_finer_time_is_put_on_the_first_ones_clock() -> None:
    clock = Clock()
    finer = Connection(clock, 2, base=MILLISECOND / 90)
    pictures = pictures_until_given_up(reconnecting(clock, Connection(clock, 1), finer))
    assert [(picture.pts, picture.duration) for picture in pictures] == [(0, 500), (1500, 500), (2400, 500)]
    assert {picture.time_base for picture in pictures} == {MILLISECOND}


def test_time_never_stands_still_even_where_the_clock_does() -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock, 1), Connection(clock, 1))
    source._timeline._clock = lambda: 0.0
    assert [picture.pts for picture in pictures_until_given_up(source)] == [0, 1]


def test_pictures_without_a_clock_stay_without() -> None:
    class Clockless(Connection):
        def __iter__(self) -> Iterator[Item]:
            yield Picture(Frame(np.zeros((6, 8, 3), np.uint8)), 1, "x")

    clock = Clock()
    pictures = pictures_until_given_up(reconnecting(clock, Clockless(clock), Clockless(clock)))
    assert [(picture.number, picture.pts) for picture in pictures] == [(1, None), (2, None)]


def test_packets_of_other_tracks_pass_until_the_first_reconnection() -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock, 2), Connection(clock, 2))
    given: list[Item] = []
    with pytest.raises(InputError, match="gave up"):
        collect(source, given)
    assert [type(item).__name__ for item in given] == ["Passenger", "Picture"] * 2 + ["Picture"] * 2


def test_pauses_double_up_to_the_longest_and_start_anew_after_a_frame() -> None:
    clock = Clock()
    steps = [InputError("no route")] * 8
    source = reconnecting(clock, Connection(clock), *steps, Connection(clock), give_up_after=None)
    given: list[Item] = []
    source._wait = lambda seconds: clock.wait(seconds) or len(clock.waits) == 11
    collect(source, given)
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, 0.5, 1]


def test_a_source_that_opens_but_gives_nothing_does_not_count_as_back() -> None:
    clock = Clock()
    mute = [Connection(clock, 0) for _ in range(4)]
    source = reconnecting(clock, Connection(clock), *mute, give_up_after=10)
    pictures_until_given_up(source)
    assert source.reconnections == 0
    assert clock.waits == [0.5, 1, 2, 4, 2.5]  # no longer than there is patience


def test_giving_up_says_what_failed_last() -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock), give_up_after=3)
    with pytest.raises(InputError, match=r"street: no route \(tried again for 3 s, then gave up\)"):
        collect(source, [])
    assert sum(clock.waits) == 3


def test_every_attempt_and_the_return_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock), InputError("street: no route"), Connection(clock))
    with caplog.at_level(logging.INFO):
        collect(source, [], most=6)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "street: expected a frame, but the cable is out; trying again in 0.5 s"),
        ("WARNING", "street: no route; trying again in 1 s"),
        ("INFO", "street: back after 2.5 s"),
        ("WARNING", "street: audio and subtitles end here; a new connection's are on another clock"),
    ]


@pytest.mark.parametrize(
    "change", [{"width": 9}, {"height": 5}, {"dtype": "uint16"}, {"channels": 1}, {"range": (0, 1023)}]
)
def test_a_source_that_comes_back_with_other_frames_is_an_error(change: dict[str, Any]) -> None:
    clock = Clock()
    other = Connection(clock, info=StreamInfo(**(vars(INFO) | change)))
    source = reconnecting(clock, Connection(clock), other)
    with pytest.raises(InputError, match="street: expected it to come back with frames of 6x8 colour uint8, range 0"):
        collect(source, [])
    source.close()
    assert other.closed == 1


def test_an_error_that_waiting_cannot_mend_is_not_waited_for() -> None:
    clock = Clock()
    source = reconnecting(clock, Connection(clock), UnavailableError("no decoder"))
    with pytest.raises(UnavailableError):
        collect(source, [])


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
