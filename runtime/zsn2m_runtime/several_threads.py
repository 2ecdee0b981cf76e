"""Work on one frame by several threads, as many as OpenCV takes: numpy and OpenCV compute without the GIL."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2

Part = TypeVar("Part")
One = TypeVar("One")
Other = TypeVar("Other")


def each(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Call `work` with each part."""
    threads = min(cv2.getNumThreads(), len(parts))
    for _ in map(work, parts) if threads < 2 else _pool(threads, os.getpid()).map(work, parts):
        pass


def at_once(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What two functions give, neither of which may call this module."""
    if cv2.getNumThreads() < 2:
        return one(), other()
    found = _pool(2, os.getpid()).submit(one)
    try:
        there = other()
    finally:  # what it works on may be gone after an error
        found.exception()
    return found.result(), there


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One for each process, which keeps it: a forked one has none of the threads."""
    return ThreadPoolExecutor(threads, f"frame-{process}")
