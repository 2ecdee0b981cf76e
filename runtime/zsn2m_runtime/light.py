"""Light that changes from one frame to the next: fades, lamps that flicker, an exposure that follows, shadows.

A mean of frames has the light of those before; it is given that of the frame first, else it lags behind. First as a
whole, then in parts: those too have many pixels, which show less than what the noise of a few hides. Source of the
constants: measured, docs/decisions/light.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.clipping import Clipping
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.tiles import TILE, are_whole, tiles

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

FEWEST = 32  # tiles
CLEAR = (
    10.0  # times the variance of what a line leaves must clipped tiles differ, for noise in what they were flattens it
)
SURE = 4.0  # standard errors that a change must have
MOST = 2.0  # times the light, or as many times less
LIT = 0.1  # of a clipped tile's distance from an end, what its light must have: less, and there may be none
ROUNDS = 4  # of the fit
OF_MEDIAN = 1.4826  # standard deviation of normal values over the median of their size
PART = 8  # cells, side of the squares that parts are made of
NEAR = 3  # squares, side of those whose median counts: what comes or goes has an edge, and light is smooth
OF_NEAR = 0.166  # variance of the median of as many normal values, of that of one
MOST_OF_PART = 1.0  # deviations of the noise: what changes by more shows something else


class Light(NamedTuple):
    """What becomes of the values of each channel: so many times as much, and more; (c,) each."""

    factor: Floats
    shift: Floats

    @property
    def is_same(self) -> bool:
        """Whether nothing changed."""
        return bool((self.factor == 1).all() and (self.shift == 0).all())

    def of(self, planes: Nchw) -> Nchw:
        """Planes in this light."""
        factor, shift = (values.reshape(1, -1, 1, 1) for values in self)
        return planes * factor + shift


def change_of_light(before: Nchw, noisy: Nchw, clipping: Clipping) -> Light:
    """The line from what tiles were to what they are; exactly none where chance would do it.

    It is fitted to some tiles so that those do not count which fit it badly: what moves, comes or goes. Black may be
    any value. Clipped tiles count where others are too few, as what they would be without clipping.

    Args:
        before: the mean of the frames before, where its content is now
        clipping: of the samples
    Shape:
        before, noisy: (1, c, h, w), sensor units
    """
    channels = noisy.shape[1]
    found = Light(np.ones(channels, np.float32), np.zeros(channels, np.float32))
    if min(noisy.shape[2:]) < TILE:
        return found
    own = tiles(noisy)
    sound = are_whole(own, clipping.ends)
    enough = np.count_nonzero(sound) >= FEWEST
    if not enough and not clipping.lines:
        return found
    was, now = (part.mean(axis=(2, 3), dtype=np.float64) for part in (tiles(before), own))
    with np.errstate(over="ignore", invalid="ignore"):  # of huge floats, of which nothing is told
        for channel in range(channels):
            own_was, own_now = (values[:, channel][sound] for values in (was, now))
            if not enough:
                own_was, own_now = _in_light(was[:, channel], now[:, channel], clipping, channel)
            if len(own_was) >= FEWEST:
                line = _line(own_was, own_now, 0.0 if enough else CLEAR)
                found.factor[channel], found.shift[channel] = line
    return found


def change_of_parts(changes: Floats, left: float) -> Floats | None:
    """By how much parts of a frame became brighter; 0 where chance would do it, None where it would everywhere.

    Args:
        left: variance of the mean of noise over a square of PART cells, of that of a pixel
    Shape:
        changes: (c, h, w) of cells, mean change in standard deviations of a frame's noise
        returns: the same, between squares linear
    """
    rows, columns = (side // PART for side in changes.shape[1:])
    if not rows or not columns:
        return None
    whole = changes[:, : rows * PART, : columns * PART]
    squares = [cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA) for plane in whole]
    near = np.stack([cv2.medianBlur(np.asarray(plane, np.float32), NEAR) for plane in squares])
    power = np.square(near).mean(axis=0)
    least = SURE**2 * OF_NEAR * 2 * left  # the mean has no more noise than the frame
    near[:, (power <= least) | (power >= MOST_OF_PART**2)] = 0
    if not near.any():
        return None
    rest = [(0, side - of_whole) for side, of_whole in zip(changes.shape[1:], whole.shape[1:], strict=True)]
    smooth = np.stack([cv2.resize(plane, whole.shape[:0:-1]) for plane in near])
    return np.pad(smooth, [(0, 0), *rest], mode="edge")


def _in_light(was: Doubles, now: Doubles, clipping: Clipping, channel: int) -> tuple[Doubles, Doubles]:
    """Levels of tiles without what clipping added, of those that have light."""
    light = [levels - clipping.rise(channel, levels.astype(np.float32)) for levels in (was, now)]
    lit = np.ones(len(was), bool)
    for end in clipping.ends:
        if end is not None:
            lit &= np.abs(light[0] - end) > LIT * np.abs(was - end)
    return light[0][lit], light[1][lit]


def _line(was: Doubles, now: Doubles, clear: float = 0.0) -> tuple[float, float]:
    """Factor and shift, by least squares that are reweighted by Cauchy's function.

    Args:
        clear: times the variance of what the line leaves that the values must have
    """
    changes = now - was
    weights = np.ones_like(was)
    middle, slope, change = 0.0, 0.0, float(np.median(changes))
    rest = changes - change
    for _ in range(ROUNDS):
        scale = OF_MEDIAN * float(np.median(np.abs(rest))) + np.finfo(np.float64).tiny
        weights = 1 / (1 + np.square(rest / scale))
        middle = float(np.average(was, weights=weights))
        change = float(np.average(changes, weights=weights))
        spread = float(weights @ np.square(was - middle))
        slope = float(weights @ ((was - middle) * changes)) / spread if spread > 0 else 0.0
        rest = changes - change - slope * (was - middle)
    noise = float(weights @ np.square(rest)) / float(weights.sum())  # variance
    sure = SURE * math.sqrt(noise)
    if abs(change) * math.sqrt(weights.sum()) <= sure and abs(slope) * math.sqrt(spread) <= sure:
        return 1.0, 0.0
    if not 1 / MOST < 1 + slope < MOST or spread < clear * weights.sum() * noise:
        return 1.0, 0.0
    return 1 + slope, change - slope * middle
