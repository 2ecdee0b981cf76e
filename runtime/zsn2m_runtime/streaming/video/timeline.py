"""Timestamps of frames on the clock of the output."""

from __future__ import annotations

from fractions import Fraction

from zsn2m_runtime.streaming.ends import Picture


class Timeline:
    """Timestamps in ticks of the output, strictly increasing.

    Args:
        time_base: seconds of a tick
        rate: frames per second where frames carry no time
        from_zero: the first frame gets time zero, as a camera's clock started earlier
    Attributes:
        moved: the furthest that rounding has moved a frame, in ticks
        shift: seconds that are added to the source's clock; None until the first frame
    """

    def __init__(self, time_base: Fraction, rate: Fraction, *, from_zero: bool = False) -> None:
        self._time_base, self._rate = time_base, rate
        self._last: int | None = None
        self.moved = 0.0
        self.shift: Fraction | None = None if from_zero else Fraction(0)

    def place(self, picture: Picture) -> tuple[int, int]:
        """Timestamp and duration of the next frame."""
        unit = picture.time_base
        seconds = (picture.number - 1) / self._rate if picture.pts is None or unit is None else picture.pts * unit
        if self.shift is None:
            self.shift = -seconds
        exact = (seconds + self.shift) / self._time_base
        ticks = round(exact)
        if self._last is not None:
            ticks = max(ticks, self._last + 1)  # encoders refuse times that do not increase
        self._last = ticks
        self.moved = max(self.moved, abs(float(ticks - exact)))
        length = picture.duration * unit if picture.duration and unit else 1 / self._rate
        return ticks, max(1, round(length / self._time_base))
