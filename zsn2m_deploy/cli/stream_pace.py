"""What `stream` says of its speed after a few frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from zsn2m_deploy.cli.terminal import remark

if TYPE_CHECKING:
    from zsn2m_runtime.streaming.ends import StreamInfo
    from zsn2m_runtime.streaming.pace import Faster
    from zsn2m_runtime.streaming.running import Stream

ENOUGH = 5  # frames before the speed is stated; the first are slower
LONG = 10.0  # seconds after which it is stated after fewer
MINUTE = 60  # seconds


class PaceTeller:
    """States once the speed that the stream reaches, beside its source's rate, and ways to be faster."""

    def __init__(self, run: Stream, info: StreamInfo, faster: tuple[Faster, ...], drop_late: bool) -> None:
        self._run, self._info, self._faster, self._drop_late = run, info, faster, drop_late
        self._started, self._is_told = time.monotonic(), False

    def __call__(self, done: int) -> None:
        """After each frame, with the number of frames so far."""
        if self._is_told or (done < ENOUGH and time.monotonic() - self._started < LONG):
            return
        self._is_told = True
        if reached := self._run.reached_fps:
            remark(pace_in_words(reached, self._info, self._drop_late))
            if self._faster and not (self._info.rate and reached >= self._info.rate):
                remark(f"faster: {'; '.join(map(way_in_words, self._faster))}")


def pace_in_words(reached: float, info: StreamInfo, drop_late: bool) -> str:
    """The speed beside the source's rate, and what follows from it."""
    here = f"{reached:.3g} frames/s of {info.width} x {info.height} on this machine"
    if not info.rate:
        whole = f": {info.frames} frames take {_in_words(info.frames / reached)}" if info.frames else ""
        return f"{here}{whole}"
    rate = float(info.rate)
    if reached >= rate:
        return f"{here}, which keeps up with the source's {rate:.4g}"
    if not info.live:
        return f"{here}, the source has {rate:.4g}: a minute of it takes {_in_words(MINUTE * rate / reached)}"
    late = f"about {rate - reached:.3g} of {rate:.4g} frames a second"
    if drop_late:
        return f"{here}, the source has {rate:.4g}: {late} will be dropped"
    return f"{here}, the source has {rate:.4g}: {late} will come late, more with each second; --drop-late drops them"


def _in_words(seconds: float) -> str:
    return f"{seconds:.2g} seconds" if seconds < MINUTE else f"{seconds / MINUTE:.3g} minutes"


def way_in_words(way: Faster) -> str:
    """One way to more speed, with its figure."""
    return f"{way.how} ({f'{way.times:g} times, on a part of a frame' if way.times else 'not measured'})"


def all_of(*callbacks: Callable[[int], None] | None) -> Callable[[int], None]:
    """One callback for several."""

    def call(done: int) -> None:
        for callback in callbacks:
            if callback:
                callback(done)

    return call
