"""Now and then a look at whether the frames of a stream are like those trained on; no frame waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.image import Frame

EVERY = 10.0  # seconds between two looks of about 0.04 s
AGAIN = 60.0  # seconds until the same difference is said again

log = logging.getLogger(__name__)


class Watch:
    """Looks at the first frame and then at one every ten seconds, in a thread of its own, and logs what is unlike.

    A difference is said when it comes up, and again after a minute while it stays.

    Args:
        differences: Denoiser.differences
        clock: seconds
    """

    def __init__(
        self, differences: Callable[[Frame], tuple[str, ...]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._differences, self._clock = differences, clock
        self._thread = ThreadPoolExecutor(1, "zsn2m-watch")
        self._looking: Future[None] | None = None
        self._due = -float("inf")
        self._said: dict[str, float] = {}
        self._found: dict[str, str] = {}

    @property
    def found(self) -> tuple[str, ...]:
        """Each kind of difference once, with the name of the first frame that had it."""
        return tuple(self._found.values())

    def look(self, frame: Frame, name: str) -> None:
        """Look at a frame if it is time to; returns at once."""
        if self._clock() < self._due or (self._looking and not self._looking.done()):
            return
        self._due = self._clock() + EVERY
        self._looking = self._thread.submit(self._look, frame, name)

    def finish(self) -> None:
        """Wait for the last look."""
        self._thread.shutdown()

    def _look(self, frame: Frame, name: str) -> None:
        try:
            sentences = self._differences(frame)
        except Zsn2mError:  # denoising the frame says it too
            return
        now = self._clock()
        for sentence in sentences:
            kind = sentence.partition(":")[0]
            self._found.setdefault(kind, f"{name}: {sentence}")
            if now - self._said.get(kind, -float("inf")) >= AGAIN:
                self._said[kind] = now
                log.warning("%s is unlike the training frames: %s", name, sentence)
