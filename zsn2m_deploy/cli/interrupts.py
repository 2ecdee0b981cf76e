"""Ctrl-C, kill and a closed terminal end a command in the same way: KeyboardInterrupt, then exit code 130."""

from __future__ import annotations

import contextlib
import signal
import sys
from types import FrameType
from typing import NoReturn

from zsn2m_deploy.cli.terminal import INTERRUPTED, remark


def catch_interrupts() -> list[int]:
    """Let SIGTERM, SIGINT and SIGHUP raise KeyboardInterrupt; returns the list in which those that came are noted.

    A library that is interrupted while it is imported may raise an error of its own, which must not be reported.
    """
    came: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)  # kill
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # ignored: a background job, or nohup
            signal.signal(number, interrupt)
    return came


def end_interrupted() -> NoReturn:
    """End with exit code 130 and, unless the terminal was closed, a message.

    What comes after is ignored: where another program called `main`, a thread that imports a package is waited for, and
    that would end in a traceback.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        remark("interrupted: what was unfinished is removed or named partial")
        sys.stderr.flush()
    sys.exit(INTERRUPTED)
