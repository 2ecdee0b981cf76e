"""The end of a command: what is there is left to the system, which takes it back faster than Python does.

Files, threads and devices are closed by who opened them before a command ends, so nothing waits for the end of Python.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn


def leave(code: str | int | None) -> NoReturn:
    """End with an exit code as `sys.exit`, but without taking modules apart, which takes torch 0.2 s.

    A thread that still imports a package is not waited for. Where what was printed cannot be written Python ends as
    usual, and says so.
    """
    if isinstance(code, str):
        sys.exit(code)
    logging.shutdown()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code or 0)
