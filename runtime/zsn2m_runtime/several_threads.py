"""Work on one frame by several threads, as many as OpenCV takes: numpy and OpenCV compute without the GIL."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue
from typing import TypeVar

import cv2

Part = TypeVar("Part")
One = TypeVar("One")
Other = TypeVar("Other")


def each(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Call `work` with each part, once; all calls have ended when this does, with the first error if there was one."""
    left: Queue[Part] = Queue()
    errors: list[BaseException] = []
    for part in parts:
        left.put(part)

    def take() -> None:
        while True:
            try:
                part = left.get_nowait()
            except Empty:
                return
            try:
                if not errors:
                    work(part)
            except BaseException as error:  # also Ctrl-C: others still write into the caller's arrays
                errors.append(error)
            finally:
                left.task_done()

    threads = cv2.getNumThreads()
    with contextlib.suppress(RuntimeError):  # no more threads are had, as while Python ends: this one does what is left
        for _ in range(min(threads, len(parts)) - 1):
            _pool(threads - 1, os.getpid()).submit(take)
    take()
    left.join()
    if errors:
        raise errors[0]


def at_once(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What two functions give."""
    first: list[One] = []
    second: list[Other] = []
    calls: list[Callable[[], None]] = [lambda: first.append(one()), lambda: second.append(other())]
    each(lambda place: calls[place](), range(2))
    return first[0], second[0]


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One for each process, which keeps it: a forked one has none of the threads."""
    return ThreadPoolExecutor(threads, f"frame-{process}")
