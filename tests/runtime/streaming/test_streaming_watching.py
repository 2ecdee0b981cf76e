"""Looks now and then at a stream's frames: when, what is said, and that no frame waits."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.watching import INTERVAL, REPEAT, Watch

FRAME = Frame(np.zeros((20, 20), np.uint8))
LOUD, DARK = "noise: expected 1, but got 2", "brightness: expected 1, but got 0"


@dataclass
class Judge:
    """Says of every frame what it is told to, at a time that it is told."""

    says: tuple[str, ...] = ()
    now: float = 0.0
    looks: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.watch = Watch(self.differences, lambda: self.now)

    def differences(self, frame: Frame) -> tuple[str, ...]:
        self.gate.wait(10)
        self.looks += 1
        return self.says

    def at(self, now: float, name: str, *says: str) -> None:
        """A frame at a time, looked at or not; waits for the look."""
        self.now, self.says = now, says
        self.watch.check(FRAME, name)
        if self.watch._checking:
            self.watch._checking.result()


def said(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno == logging.WARNING]


def test_the_first_frame_and_then_one_every_ten_seconds_is_looked_at() -> None:
    judge = Judge()
    for now in (0, 1, INTERVAL - 1, INTERVAL + 1, INTERVAL + 2, 3 * INTERVAL):
        judge.at(now, "frame")
    assert judge.looks == 3
    judge.watch.finish()
    assert judge.watch.found == ()


def test_a_difference_is_said_when_it_comes_and_again_after_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    judge = Judge()
    for number, now in enumerate(np.arange(0, 2 * REPEAT + INTERVAL, INTERVAL)):
        judge.at(now, f"frame {number}", LOUD, *((DARK,) if number >= 2 else ()))
    judge.watch.finish()
    assert said(caplog) == [
        f"frame {number} is unlike the training frames: {sentence}"
        for number, sentence in ((0, LOUD), (2, DARK), (6, LOUD), (8, DARK), (12, LOUD))
    ]
    assert judge.watch.found == (f"frame 0: {LOUD}", f"frame 2: {DARK}")


def test_no_frame_waits_for_a_look() -> None:
    judge = Judge((LOUD,))
    judge.gate.clear()
    for now in (0, INTERVAL, 2 * INTERVAL):
        judge.now = now
        judge.watch.check(FRAME, f"frame {now:g}")
    assert judge.looks == 0
    judge.gate.set()
    judge.watch.finish()
    assert (judge.looks, judge.watch.found) == (1, (f"frame 0: {LOUD}",))


def test_a_frame_that_does_not_fit_is_the_denoisers_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(frame: Frame) -> tuple[str, ...]:
        raise InputError("frame: expected uint8")

    watch = Watch(refuse)
    watch.check(FRAME, "frame")
    watch.finish()
    assert (watch.found, said(caplog)) == ((), [])
