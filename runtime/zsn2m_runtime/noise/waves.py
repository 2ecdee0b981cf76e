"""Regular detail of any period and direction: sharp peaks of the spectrum, which no noise of pixels has.

Screens, fabrics, gratings, halftones and crystal lattices are sums of a few waves. A peak is power far above that
around it, and above that along any line through it: edges of pictures make ridges, and textures hills.

Measured: docs/results/noise.md, "Regular detail".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.model import Doubles

SIDE = 192  # pixels of a tile, at most: a wave is one point of its spectrum
SMALL_SIDE = 64  # pixels of tiles in which waves that bend are straight
SMALLEST = 32  # pixels
PLACES = 3  # tiles down and across a large frame
SMALL_PLACES = 3
SMALL_SHARE = 0.3  # of the small tiles have a wave: fewer, and it may be a corner of a picture
PEAK = 30.0  # power of a peak, of that around it; none of 600 tiles of noise has as much
AROUND = 21  # frequencies of the square that its median is taken of
RIM = tuple(range(3, 9))  # frequencies off a peak on a line through it
LINES = ((0, 1), (1, 0), (1, 1), (1, -1))
SLOWEST = 0.15  # cycles a pixel: slower detail does not pass for noise
MOST = 48  # waves
APART = 1.5  # frequencies of a tile that two waves are apart
DECIBELS = 0.4  # a step of the median
LEAST = 1e-30
ROUNDED = 1e-6  # power of a tile's spectrum, of its mean: below it is rounding


@dataclass(frozen=True)
class Wave:
    """One wave: cycles a pixel down and across.

    amplitude: units of the frame; the root of twice its mean square, where pixels meet it at two phases only, too
    strength: its power, of that around it
    """

    down: float
    across: float
    amplitude: float
    strength: float

    @property
    def period(self) -> float:
        """Pixels from crest to crest."""
        return 1 / math.hypot(self.down, self.across)

    @property
    def direction(self) -> float:
        """Degrees of the way from crest to crest, from the row to the right, counter-clockwise, 0 to 180."""
        return math.degrees(math.atan2(-self.down, self.across)) % 180


def find_waves(frame: npt.NDArray[np.floating]) -> tuple[Wave, ...]:
    """The waves of a frame, the strongest first.

    Shape:
        frame: (h, w, c), finite; below 32 x 32 pixels none are looked for
    """
    side = min(SIDE, *frame.shape[:2]) // 2 * 2
    if side < SMALLEST:
        return ()
    found = [wave for waves in _in_tiles(frame, side, PLACES) for wave in waves]
    kept = _distinct([], found, APART / side)
    if side >= 2 * SMALL_SIDE:
        tiles = _in_tiles(frame, SMALL_SIDE, SMALL_PLACES)
        if np.mean([bool(waves) for waves in tiles]) >= SMALL_SHARE:
            kept = _distinct(kept, [wave for waves in tiles for wave in waves], APART / SMALL_SIDE)
    return tuple(sorted(kept, key=lambda wave: -wave.amplitude)[:MOST])


def power_of(waves: Sequence[Wave]) -> float:
    """Mean square of what waves add up to."""
    return sum(wave.amplitude**2 for wave in waves) / 2


def _in_tiles(frame: npt.NDArray[np.floating], side: int, places: int) -> list[list[Wave]]:
    """The waves of each tile, of all channels."""
    rows, columns = (_starts(length, side, places) for length in frame.shape[:2])
    return [
        [
            wave
            for channel in range(frame.shape[2])
            for wave in _of_tile(frame[top : top + side, left : left + side, channel])
        ]
        for top in rows
        for left in columns
    ]


def _starts(length: int, side: int, places: int) -> list[int]:
    """Where tiles begin that lie evenly over a length; one in the middle where two would nearly be the same."""
    if length < 1.5 * side:
        return [(length - side) // 2]
    return [round(place) for place in np.linspace(0, length - side, places).tolist()]


def _of_tile(tile: npt.NDArray[np.floating]) -> list[Wave]:
    side = len(tile)
    window = hann_window(side)
    values = np.asarray(tile, np.float64)
    power = np.square(np.abs(np.fft.fft2((values - values.mean()) * window)))
    power += max(ROUNDED * float(power.mean()), LEAST)
    around, half = _local_median(power), power[:, : side // 2 + 1]
    y, x = np.nonzero((half > PEAK * around) & (half >= _largest_near(power)) & _looked_at(side))
    found = []
    for row, column in zip(y.tolist(), x.tolist(), strict=True):
        beside = max(around[row, column], *(_along(power, row, column, line) for line in LINES))
        if power[row, column] > PEAK * beside:
            found.append(_wave(power, (row, column), float(power[row, column]) / beside))
    return found


def _wave(power: Doubles, place: tuple[int, int], strength: float) -> Wave:
    """The wave of a peak."""
    side = len(power)
    off = [_between(power, *place, axis) for axis in (0, 1)]
    down, across = (_signed(start + more, side) for start, more in zip(place, off, strict=True))
    alone = all(2 * start % side == 0 for start in place)  # of the two of a pair that are one here
    height = math.sqrt(power[place]) / float(hann_window(side).sum()) / math.prod(map(_seen, off))
    return Wave(down, across, (math.sqrt(2) if alone else 2) * height, strength)


def _seen(off: float) -> float:
    """How much of a wave that is off its place by so many frequencies a Hann window shows."""
    return float(np.sinc(off)) / (1 - off**2)


def _distinct(kept: Sequence[Wave], more: Sequence[Wave], apart: float) -> list[Wave]:
    """Those kept and more, the strongest first, that are not nearly one of them."""
    found = list(kept)
    for wave in sorted(more, key=lambda wave: -wave.amplitude):
        if all(_apart(wave, other) >= apart for other in found):
            found.append(wave)
    return found


def _apart(first: Wave, second: Wave) -> float:
    """Cycles a pixel between two waves, along an axis; a frequency and its opposite are one, and 0.5 is -0.5."""
    ways = (
        (abs(_signed(first.down + sign * second.down, 1)), abs(_signed(first.across + sign * second.across, 1)))
        for sign in (-1, 1)
    )
    return min(map(max, ways))


def _along(power: Doubles, row: int, column: int, line: tuple[int, int]) -> float:
    steps = np.array([*RIM, *(-step for step in RIM)])
    side = len(power)
    return float(np.median(power[(row + steps * line[0]) % side, (column + steps * line[1]) % side]))


def _between(power: Doubles, row: int, column: int, axis: int) -> float:
    """How far a peak is off its place, -0.5 to 0.5: the top of a parabola through three logarithms."""
    side = len(power)
    before, here, after = (
        math.log(power[(row + step * (axis == 0)) % side, (column + step * (axis == 1)) % side]) for step in (-1, 0, 1)
    )
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, (before - after) / (2 * bend)))


def _signed(place: float, side: int) -> float:
    return (place / side + 0.5) % 1 - 0.5


def _local_median(power: Doubles) -> Doubles:
    """The median of the square around each frequency of a half, to a few per cent. Shape: (n, n) -> (n, n / 2 + 1)."""
    least, most = (10 * np.log10(end) / DECIBELS for end in (power.min(), power.max()))
    lowest, reach = max(float(least), float(most) - 255), AROUND // 2
    level = 10 * np.log10(_half(power, reach)) / DECIBELS
    steps = _wrapped_down(np.clip(level - lowest, 0, 255).astype(np.uint8), reach)
    median = cv2.medianBlur(steps, AROUND)[reach:-reach, reach:-reach]
    return np.asarray(10 ** ((median + 0.5 + lowest) * DECIBELS / 10))


def _largest_near(power: Doubles) -> Doubles:
    """The largest of the 5 x 5 frequencies around each of a half. Shape: (n, n) -> (n, n / 2 + 1)."""
    wrapped = _wrapped_down(_half(power, 2), 2)
    return np.asarray(cv2.dilate(wrapped, np.ones((5, 5), np.uint8))[2:-2, 2:-2])


def _half(power: Doubles, reach: int) -> Doubles:
    """The columns that have one of each pair of opposite frequencies, and some to both sides of them."""
    return np.hstack((power[:, -reach:], power[:, : len(power) // 2 + 1 + reach]))


def _wrapped_down(values: npt.NDArray[Any], reach: int) -> npt.NDArray[Any]:
    return np.asarray(cv2.copyMakeBorder(values, reach, reach, 0, 0, cv2.BORDER_WRAP))


@cache
def hann_window(side: int) -> Doubles:
    """What a tile is faded with, so that its borders make no peaks. Shape: (side, side)."""
    hann = np.hanning(side + 2)[1:-1]
    return np.asarray(hann[:, None] * hann)


@cache
def _looked_at(side: int) -> npt.NDArray[np.bool_]:
    """One of each pair of opposite frequencies that are not slow. Shape: (side, side / 2 + 1)."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[: side // 2 + 1]
    half = (across > 0) | (across == -0.5) | ((across == 0) & ((down > 0) | (down == -0.5)))
    return np.asarray((np.hypot(down, across) > SLOWEST) & half)
