"""Checks now and then whether frames of a stream are like those trained on; no frame waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.image import Frame

INTERVAL = 10.0  # seconds between two checks of about 0.1 s each: 1 % of one core
REPEAT = 60.0  # seconds until the same difference is logged again

log = logging.getLogger(__name__)


class Watch:
    """Checks the first frame and then one every ten seconds, in a thread of its own, and logs differences.

    A difference is logged when it comes up, and once a minute while it stays.

    Args:
        differences: Denoiser.differences
        clock: seconds
    """

    def __init__(
        self, differences: Callable[[Frame], tuple[str, ...]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._differences, self._clock = differences, clock
        self._thread = ThreadPoolExecutor(1, "zsn2m-watch")
        self._checking: Future[None] | None = None
        self._due = -float("inf")
        self._said: dict[str, float] = {}
        self._found: dict[str, str] = {}

    @property
    def found(self) -> tuple[str, ...]:
        """Each kind of difference once, with the name of the first frame that had it."""
        return tuple(self._found.values())

    def check(self, frame: Frame, name: str) -> None:
        """Check a frame if a check is due; returns at once."""
        if self._clock() < self._due or (self._checking and not self._checking.done()):
            return
        self._due = self._clock() + INTERVAL
        self._checking = self._thread.submit(self._check, frame, name)

    def finish(self) -> None:
        """Wait for the last check."""
        self._thread.shutdown()

    def _check(self, frame: Frame, name: str) -> None:
        try:
            sentences = self._differences(frame)
        except Zsn2mError:  # denoising the frame says it too
            return
        now = self._clock()
        for sentence in sentences:
            kind = sentence.partition(":")[0]
            self._found.setdefault(kind, f"{name}: {sentence}")
            if now - self._said.get(kind, -float("inf")) >= REPEAT:
                self._said[kind] = now
                log.warning("%s is unlike the training frames: %s", name, sentence)
