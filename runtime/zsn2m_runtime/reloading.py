"""A bundle that is replaced on disk while its frames are denoised is taken up between two of them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.manifest import ModelCard, Sensor

INTERVAL = 1.0  # seconds between two looks at the files, of 0.1 ms each

log = logging.getLogger(__name__)

FilesFound = tuple[tuple[str, int, int, int], ...]  # of each file: its name, inode, size, time of its last change


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
        found: its files, as `files_found` gave them before the one in use was opened
        open_again: opens it
        sensor: whose frames are denoised
    """

    def __init__(self, path: Path, found: FilesFound, open_again: Callable[[], Denoises], sensor: Sensor) -> None:
        self._path, self._found, self._open_again, self._sensor = path, found, open_again, sensor
        self._due = time.monotonic() + INTERVAL
        self._thread = ThreadPoolExecutor(1, "zsn2m-reload")
        self._opening: Future[Denoises] | None = None

    def newer(self) -> Denoises | None:
        """A denoiser of the new bundle, once, when it is ready; returns at once."""
        if self._opening:
            return self._opened(self._opening) if self._opening.done() else None
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + INTERVAL
            found = files_found(self._path)
            if found and found != self._found:
                self._found = found
                self._opening = self._thread.submit(self._open)
        return None

    def close(self) -> None:
        """Wait for what is being opened."""
        self._thread.shutdown()

    def _open(self) -> Denoises:
        found = self._open_again()
        was, now = _in_words(self._sensor), _in_words(found.card.sensor)
        if was != now:
            raise BundleError(
                f"{self._path}: expected a bundle of the sensor in use ({was}), but got one of another ({now}); start "
                f"the stream again"
            )
        return found

    def _opened(self, opening: Future[Denoises]) -> Denoises | None:
        self._opening = None
        try:
            found = opening.result()
        except Exception as error:  # files may vanish while they are read, and memory may be short
            said = str(error) or repr(error)
            log.warning("the bundle has changed, and is not taken up: %s", said)
            return None
        log.info("%s: the bundle was replaced; model %s of the new one goes on", self._path, found.card.id)
        return found


def files_found(path: Path) -> FilesFound:
    """What tells a replaced bundle from the one before; nothing while there is none."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple((file.name, *_facts(file.stat())) for file in files)
    except (OSError, ValueError):  # the latter: a NUL is in the name
        return ()


def _facts(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _in_words(sensor: Sensor) -> str:
    """All that frames of one sensor share."""
    low, high = sensor.range
    mosaic = f", {sensor.mosaic.pattern}{sensor.mosaic.levels_in_words()}" if sensor.mosaic else ""
    return f"{sensor.dtype}, {sensor.channels} channel(s), {low:g} to {high:g}{mosaic}"
