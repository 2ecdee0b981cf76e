"""Mosaics of colour filters, and other detail that repeats every few pixels all over a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.patterns.folding import slower_period
from zsn2m_runtime.patterns.lattice import MOST_TILES, TINY, Flags, Peaks, peaks_of
from zsn2m_runtime.sample_types import Pixels

# What counts; measured, docs/results/frames.md#patterns.
MOSAIC_SHARE = 0.1  # share of tiles that show a mosaic, at least: grey parts of a scene show none
FEWEST = 6  # tiles that show it, or all
EITHER_SHARE = 0.05  # share of tiles that show it along the rows, and along the columns, at least
COVERED = 0.5  # share of tiles that show other repetition, at least: it covers the frame
ALIKE = 0.8  # correlation of the row pattern with the column pattern in a colour mosaic, at least
FIXED = 0.7  # coherence of the phases over tiles, at least: the pattern is tied to the pixels
MANY = 16  # tiles, from which on coherence is significant
CONFIDENCE = 5.0  # standard deviations of the correlation between tiles without a mosaic
AGREE = 0.9  # share of tiles of the same phase where a faint pattern covers the frame, at least
FAINT = 0.15  # deviation of such a pattern over that of the noise, at least
NOTABLE = 0.5  # the same over the deviation that counts as none
BALANCE = 0.05  # power along one axis over that along the other; below it are lines

Direction = Literal["rows", "columns", "both"]


@dataclass(frozen=True)
class Mosaic:
    """A mosaic of pixels with different filters.

    period: pixels after which it repeats, on both axes
    layouts: those of a Bayer mosaic that fit, such as RGGB and BGGR, which look alike; empty for others
    share: of the frame that shows it, 0 to 1
    contrast: deviation of the pattern where it shows; noise: that of the pixels' noise and texture; sensor units
    checkered: whether one diagonal differs from the other, as green from red and blue
    """

    period: int
    layouts: tuple[str, ...]
    share: float
    contrast: float
    noise: float
    checkered: bool


@dataclass(frozen=True)
class Repetition:
    """Rows, columns or a checkerboard that repeat every few pixels; fields as of a mosaic."""

    period: int
    direction: Direction
    share: float
    contrast: float
    noise: float


def find_mosaic(plane: Pixels, least: float, most_tiles: int = MOST_TILES) -> Mosaic | Repetition | None:
    """The mosaic of a plane, or else what repeats all over it.

    Shape:
        plane: (h, w), both sides at least 16
    Args:
        least: deviation of noise that counts as none, sensor units
        most_tiles: that are looked at
    """
    found = _fastest(peaks_of(plane, least, most_tiles), least)
    longer = slower_period(plane, found.period) if isinstance(found, Mosaic) else None
    if longer and found:
        return Repetition(longer, "both", found.share, found.contrast, found.noise)
    return found


def _fastest(periods: tuple[Peaks, ...], least: float) -> Mosaic | Repetition | None:
    """What has the shortest period, or else the strongest."""
    for peaks in periods:
        if (mosaic := _mosaic(peaks)) and mosaic.contrast >= least:
            return mosaic
    repeated = [found for peaks in periods if (found := _repetition(peaks)) and found.contrast >= least]
    return max(repeated, key=lambda one: one.contrast, default=None)


def _mosaic(peaks: Peaks) -> Mosaic | None:
    pair = [_strongest(peaks, peaks.along(rows=rows, columns=not rows)) for rows in (True, False)]
    shares = peaks.found[:, pair].mean(axis=0)
    either = peaks.shown(pair)
    enough = max(MOSAIC_SHARE, min(FEWEST / len(either), 1.0))
    coloured = either.mean() >= enough and shares.min() >= EITHER_SHARE
    grey = len(either) >= MANY and _covers(peaks, peaks.along(rows=True, columns=True))  # red is nearly as blue
    if not (coloured or grey):
        return None
    values = peaks.value[:, pair][either | (not coloured)]
    powers = np.square(np.abs(values)).sum(axis=0) + TINY
    alike = complex((values[:, 0] * values[:, 1].conj()).sum()) / float(np.sqrt(powers.prod()))
    tied = powers.min() >= BALANCE * powers.max() and _fixed(values) >= FIXED
    likeness = ALIKE if coloured else min(ALIKE, CONFIDENCE / float(np.sqrt(len(values))))
    if not tied or (abs(alike) < likeness and (not coloured or shares.min() < COVERED)):
        return None
    layouts: tuple[str, ...] = ()
    if peaks.period == 2 and abs(alike) >= likeness:
        layouts = ("RGGB", "BGGR") if alike.real > 0 else ("GRBG", "GBRG")
    return _as_mosaic(peaks, layouts)


def _repetition(peaks: Peaks) -> Mosaic | Repetition | None:
    kinds: dict[Direction, Flags] = {
        "rows": peaks.along(rows=True, columns=False),
        "columns": peaks.along(rows=False, columns=True),
        "both": peaks.along(rows=True, columns=True),
    }
    found = [direction for direction, which in kinds.items() if _covers(peaks, which)]
    if not found:
        return None
    direction = found[0] if len(found) == 1 else "both"
    if direction == "both" and peaks.period % 3 == 0 and not _has_squares_of_3(peaks):
        return _as_mosaic(peaks, ())
    shown = _shown(peaks)
    return Repetition(peaks.period, direction, float(shown.mean()), _contrast(peaks, shown), peaks.noise)


def _has_squares_of_3(peaks: Peaks) -> bool:
    """Whether it is a checkerboard of 3 x 3 pixels: X-Trans has no such slow change along both axes at once."""
    slowest = (peaks.frequencies == peaks.side // 6).all(axis=1)
    return peaks.period == 6 and bool(peaks.shown(slowest).mean() >= COVERED)


def _covers(peaks: Peaks, which: Flags) -> bool:
    """Whether one of these frequencies is in most tiles, or weakly, but alike, in nearly all."""
    if not which.any():
        return False
    shown = peaks.shown(which)
    if shown.mean() >= COVERED:
        return _fixed(peaks.value[shown][:, [_strongest(peaks, which)]]) >= FIXED
    if len(shown) < MANY:
        return False
    values = peaks.value[:, which]
    mean = values.mean(axis=0)
    agree = ((values * mean.conj()).real > 0).mean(axis=0) >= AGREE
    doubled = np.where(_paired(peaks)[which], 2, 1)
    enough = max(FAINT * peaks.noise, NOTABLE * peaks.least)
    return bool((agree & (np.square(np.abs(mean)) * doubled >= enough**2)).any())


def _as_mosaic(peaks: Peaks, layouts: tuple[str, ...]) -> Mosaic:
    shown = _shown(peaks)
    checkered = peaks.shown(peaks.along(rows=True, columns=True)).mean() >= EITHER_SHARE
    return Mosaic(peaks.period, layouts, float(shown.mean()), _contrast(peaks, shown), peaks.noise, bool(checkered))


def _shown(peaks: Peaks) -> Flags:
    """Which tiles show the pattern; a faint one is in none and in all."""
    return np.asarray(peaks.found.any(axis=1) | (peaks.found.any(axis=1).mean() < MOSAIC_SHARE))


def _strongest(peaks: Peaks, which: Flags) -> int:
    """The frequency of these that has most power in the tiles that have a peak there."""
    power = (np.square(np.abs(peaks.value)) * peaks.found).sum(axis=0)
    return int(np.argmax(np.where(which, power, -1)))


def _fixed(values: npt.NDArray[np.complexfloating]) -> float:
    """Likeness of phases over tiles, up to their sign: 1 for a pattern tied to the pixels."""
    turned = np.abs(np.square(values).sum(axis=0)) / (np.square(np.abs(values)).sum(axis=0) + TINY)
    return float(turned.min())


def _contrast(peaks: Peaks, shown: Flags) -> float:
    """Deviation of the pattern in these tiles."""
    power = np.square(np.abs(peaks.value[shown])) * np.where(_paired(peaks), 2, 1)
    return float(np.sqrt(power.sum(axis=1).mean()))


def _paired(peaks: Peaks) -> Flags:
    """Which frequencies have an opposite one with the same power, that is left out."""
    return np.asarray((2 * peaks.frequencies % peaks.side != 0).any(axis=1))
