"""What repeats every few pixels all over a frame: peaks of the spectrum at exactly the frequencies of such a lattice.

Each tile of a frame is compared with itself: a peak is power far above that of the frequencies around it and of the
tile's noise and texture. Edges and textures of pictures have theirs next to it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Pixels

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SIDES = (48, 24, 16)  # pixels of a tile: the largest that fits twice; all are multiples of the periods looked for
PERIODS = {48: (2, 3, 4, 6), 24: (2, 4), 16: (2, 4)}
MOST_TILES = 144  # looked at, evenly spaced: 0.01 s
PEAK = 25.0  # power of a peak, of that around it: 0.16 of the noise's deviation in tiles of 48; measured
RIM = (-3, -2, 2, 3)  # frequencies off a peak that its window leaves alone
FINE = 0.2  # cycles a pixel; noise and texture are measured above
WINDOW_POWER = 3 / 8  # mean square of a Hann window
TINY = 1e-12


@dataclass(frozen=True)
class Peaks:
    """The peaks of one period.

    Shape:
        frequencies: (f, 2) in y and x, periods a tile
        strength: (n, f), power of each tile at each frequency over that around it
        value: (n, f) complex, its spectrum there, sensor units: as an amplitude of the pattern
    """

    period: int
    side: int  # of a tile
    frequencies: npt.NDArray[np.int64]
    strength: Doubles
    value: npt.NDArray[np.complexfloating]
    noise: float  # deviation of the pixels' noise and texture, sensor units
    least: float  # that counts as none

    @property
    def found(self) -> Flags:
        """Which tiles have which peak. Shape: (n, f)."""
        return np.asarray(self.strength > PEAK)

    def shown(self, which: Flags | list[int]) -> Flags:
        """Which tiles have one of these frequencies. Shape: (f,) or places of it -> (n,)."""
        return np.asarray(self.found[:, which].any(axis=1))

    def along(self, rows: bool, columns: bool) -> Flags:
        """Which frequencies change along the rows, along the columns. Shape: (f,)."""
        down, across = self.frequencies.T > 0
        return np.asarray((down == rows) & (across == columns))


def peaks_of(plane: Pixels, least: float, most_tiles: int = MOST_TILES) -> tuple[Peaks, ...]:
    """The peaks of each period that is looked for; none where no tile says anything.

    Shape:
        plane: (h, w), both sides at least 16
    Args:
        least: deviation of noise that counts as none, sensor units
        most_tiles: that are looked at
    """
    side = next((side for side in SIDES if min(plane.shape) >= 2 * side), SIDES[-1])
    tiles = _tiles(plane, side, most_tiles)
    tiles = tiles[tiles.min(axis=(1, 2)) < tiles.max(axis=(1, 2))]
    if not len(tiles):
        return ()
    window = np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(side) + 0.5) / side), np.float32)
    weight = window[:, None] * window
    spectra = np.fft.rfft2((tiles - tiles.mean(axis=(1, 2), keepdims=True)) * weight)
    half = np.square(spectra.real) + np.square(spectra.imag)
    opposite = half[:, -np.arange(side) % side, side // 2 - 1 : 0 : -1]
    power = np.concatenate((half, opposite), axis=2)
    floor = (side * WINDOW_POWER * least) ** 2
    noise = np.maximum(power[:, _fine(side)].mean(axis=1), floor) + TINY
    deviation = float(np.sqrt(np.median(noise))) / (side * WINDOW_POWER)
    found = (_peaks(power, noise, period) for period in PERIODS[side])
    return tuple(
        Peaks(period, side, places, strength, spectra[:, places[:, 0], places[:, 1]] / weight.sum(), deviation, least)
        for period, places, strength in found
    )


def _tiles(plane: Pixels, side: int, most: int) -> Floats:
    """Half-overlapping tiles, or of large frames some of them, that all start at a multiple of every period."""
    step = side // 2
    down, across = ((length - side) // step + 1 for length in plane.shape)
    while down * across > most:
        down, across = (down // 2, across) if down > across else (down, across // 2)
    rows, columns = (
        np.linspace(0, (length - side) // step, count).astype(np.int64) * step
        for length, count in zip(plane.shape, (down, across), strict=True)
    )
    windows = np.lib.stride_tricks.sliding_window_view(plane, (side, side))
    return np.asarray(windows[np.ix_(rows, columns)], np.float32).reshape(-1, side, side)


def _peaks(power: Floats, noise: Floats, period: int) -> tuple[int, npt.NDArray[np.int64], Doubles]:
    """The period, its frequencies and their strength."""
    side = power.shape[1]
    found = _frequencies(side, period)
    rim = np.array(RIM)
    strength = np.empty((len(power), len(found)))
    for place, (y, x) in enumerate(found):
        beside, below = power[:, y, (x + rim) % side], power[:, (y + rim) % side, x]
        around = power[:, (y + rim[:, None]) % side, (x + rim) % side]
        near = np.maximum(np.maximum(beside.mean(axis=1), below.mean(axis=1)), around.mean(axis=(1, 2)))
        strength[:, place] = power[:, y, x] / np.maximum(near, noise)
    return period, found, strength


@cache
def _frequencies(side: int, period: int) -> npt.NDArray[np.int64]:
    """Those of a lattice that no lattice of a smaller period has, one of each pair of opposite ones."""
    step = side // period
    found = []
    for y in range(0, side, step):
        for x in range(0, side // 2 + 1, step):
            own = np.gcd(np.gcd(y, x), side) == step
            if own and not (x in (0, side // 2) and y > side // 2):
                found.append((y, x))
    return np.array(found)


@cache
def _fine(side: int) -> Flags:
    """Frequencies that show noise and texture, apart from those of any lattice. Shape: (side, side)."""
    frequency = np.fft.fftfreq(side)
    near = np.zeros((side, side), bool)
    for period in PERIODS[side]:
        place = frequency * period
        beside = np.abs(place - np.round(place)) * side / period < 1.5
        near |= beside[:, None] & beside
    return np.asarray((np.hypot(frequency[:, None], frequency) >= FINE) & ~near)
