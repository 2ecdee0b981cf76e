"""Ctrl-C, kill and a closed terminal end a command in the same way."""

from __future__ import annotations

import contextlib
import signal
import sys
from types import FrameType
from typing import NoReturn

from zsn2m_deploy.cli.terminal import INTERRUPTED, remark


def catch_interrupts() -> list[int]:
    """Let each signal that ends commands raise KeyboardInterrupt; returns where those that came are noted.

    A library whose import is interrupted may turn that into an error of its own, which must not be told as one.
    """
    came: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)  # kill
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # a job in the background; nohup, which asks to go on
            signal.signal(number, interrupt)
    return came


def end_interrupted() -> NoReturn:
    """End with what an interrupt ends in; a terminal that was closed takes no words."""
    with contextlib.suppress(OSError):
        remark("interrupted: what was unfinished is removed or named partial")
        sys.stderr.flush()
    sys.exit(INTERRUPTED)
