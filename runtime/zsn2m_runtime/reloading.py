"""A bundle that is replaced on disk while its frames are denoised is taken up between two of them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from zsn2m_runtime.errors import BundleError, Zsn2mError
from zsn2m_runtime.manifest import ModelCard, Sensor

INTERVAL = 1.0  # seconds between two looks at the files, of 0.1 ms each

log = logging.getLogger(__name__)

State = tuple[tuple[str, int, int, int], ...]  # of each file: its name, inode, size, time of its last change


class Reopened(Protocol):
    """What is needed of a Denoiser."""

    @property
    def card(self) -> ModelCard:
        """The model's facts."""


Denoises = TypeVar("Denoises", bound=Reopened)


class Reloading(Generic[Denoises]):
    """Looks at a bundle's files once a second and opens them in a thread of its own when they have changed.

    A bundle that is damaged, half written or of another sensor is named in a warning, and the one in use stays until
    the files change again.

    Args:
        path: a bundle folder or a single .onnx file
        open_again: opens it
        sensor: whose frames are denoised
    """

    def __init__(
        self,
        path: Path,
        open_again: Callable[[], Denoises],
        sensor: Sensor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._open_again, self._sensor, self._clock = path, open_again, sensor, clock
        self._state, self._due = _state(path), clock() + INTERVAL
        self._thread = ThreadPoolExecutor(1, "zsn2m-reload")
        self._opening: Future[Denoises] | None = None

    def newer(self) -> Denoises | None:
        """A denoiser of the new bundle, once, when it is ready; returns at once."""
        if self._opening:
            return self._opened(self._opening) if self._opening.done() else None
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + INTERVAL
            state = _state(self._path)
            if state and state != self._state:
                self._state = state
                self._opening = self._thread.submit(self._open)
        return None

    def close(self) -> None:
        """Wait for what is being opened."""
        self._thread.shutdown()

    def _open(self) -> Denoises:
        found = self._open_again()
        (was, now) = ((of.dtype, of.channels, of.range, of.mosaic) for of in (self._sensor, found.card.sensor))
        if was != now:
            raise BundleError(
                f"{self._path}: expected a bundle of the sensor in use, {was[0]} with {was[1]} channel(s), but got one "
                f"of {now[0]} with {now[1]} and another range or pattern; start the stream again"
            )
        return found

    def _opened(self, opening: Future[Denoises]) -> Denoises | None:
        self._opening = None
        try:
            found = opening.result()
        except Zsn2mError as error:
            log.warning("the bundle has changed, and is not taken up: %s", error)
            return None
        log.info("%s: the bundle was replaced; model %s of the new one goes on", self._path, found.card.id)
        return found


def _state(path: Path) -> State:
    """What tells a replaced bundle; nothing while there is none."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple((file.name, *_facts(file.stat())) for file in files)
    except OSError:
        return ()


def _facts(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
