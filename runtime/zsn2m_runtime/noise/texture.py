"""White noise beside texture, where no place of a frame is flat.

Small patches of a picture are alike: their covariance has directions with hardly any of it, and noise has the same
power in all. Texture is left in those directions, too, but in proportion to what it has in others: over the windows of
a frame, power in the quietest directions is the noise's and a share of what busier directions have above it. The line
through both says the noise, which is where that excess would be zero.

    quiet = noise + share * (busy - noise)

Directions of the quietest power: Pyatykh, Hesser and Zheng, Image noise level estimation by principal component
analysis, TIP 2013. Texture has one shape at all scales, which noise hides: Zoran and Weiss, Scale invariance and noise
in natural images, ICCV 2009. Numbers: docs/decisions/noise-beside-texture.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise.patches import SATURATED
from zsn2m_runtime.sample_types import Mask, Pixels

SIDES = {1: 6, 3: 3, 4: 3}  # pixels of a patch for so many channels: 27 to 36 samples
WINDOW = 8  # pixels, over which power and brightness are averaged
QUIET, BUSY = (0.0, 0.15), (0.25, 0.6)  # of the directions, by their power
MOST_SHARE = 0.4  # of texture, that is in the quiet ones; of Kodak's 0.1 to 0.4
BLOCK = 16  # pixels; directions are found on every second block, and power is measured on the others
STEP = 3  # pixels from a window to the next
TILE, MOST_PIXELS = 96, 320**2  # of larger frames tiles are looked at
FEWEST = 300  # windows: less say nothing
ROUNDS = 7  # of the variance that power is measured in
FITS = 10  # of weights; they settle
ODD = 0.3  # relative distance from the line, from which on a window counts less
LEAST_FLOOR = 1e-3  # of the mean variance, where it is measured in
DARKEST = 0.005  # quantile of the brightness that counts as black
TINY = 1e-12


@dataclass(frozen=True)
class _Tile:
    """A part of a frame.

    Shape:
        pixels, level: (h, w, c), the latter averaged over windows; shown: (h, w), 0 where a window says nothing
    """

    pixels: Doubles
    level: Doubles
    shown: Mask


def shared_line(frames: Sequence[Pixels], blanks: Sequence[Mask | None]) -> tuple[float, float] | None:
    """Slope and height at zero of the variance over brightness, of noise that all channels have alike.

    Shape:
        frames: each (h, w, c); blanks: (h, w) of each, or None
        returns: in the frames' units; None where frames are too small
    """
    tiles = _tiles(frames, blanks)
    if not tiles:
        return None
    black = float(np.quantile(np.concatenate([tile.level.ravel() for tile in tiles]), DARKEST))
    rises = [(tile.level - black).clip(0) for tile in tiles]
    mean = max(float(np.mean([rise.mean() for rise in rises])), TINY)
    gain, floor = 1 / mean, 1.0  # as much of photons as of reading; it settles
    for _ in range(ROUNDS):
        variances = [gain * rise + floor + TINY for rise in rises]
        parts = [[rise / variance, 1 / variance] for rise, variance in zip(rises, variances, strict=True)]
        found = _fitted(tiles, variances, parts)
        if found is None or not found.any():
            return None
        gain, floor = map(float, found)
        floor = max(floor, LEAST_FLOOR * gain * mean)
    return gain, floor - gain * black


def excess(model: NoiseModel, frames: Sequence[Pixels], blanks: Sequence[Mask | None]) -> float | None:
    """Variance of the noise of frames, over that of a model of white noise; None where frames are too small.

    Shape:
        frames: each (h, w, c), in the model's units; blanks: (h, w) of each, or None
    """
    tiles = _tiles(frames, blanks)
    if not tiles:
        return None
    variances = [model.variance(tile.level) + TINY for tile in tiles]
    found = _fitted(tiles, variances, [[np.ones_like(variance)] for variance in variances])
    return None if found is None else float(found[0])


def _tiles(frames: Sequence[Pixels], blanks: Sequence[Mask | None]) -> list[_Tile]:
    low, high = min(frame.min() for frame in frames), max(frame.max() for frame in frames)
    step = -(-len(frames) * TILE**2 // MOST_PIXELS)
    looked = list(zip(frames, blanks, strict=True))[::step]
    found = []
    for frame, blank in looked:
        for rows, columns in _places(frame.shape[0], frame.shape[1], MOST_PIXELS // len(looked)):
            pixels = np.asarray(frame[rows, columns], np.float64)
            ends = ((pixels <= low) | (pixels >= high)).max(axis=2).astype(np.float64)
            shown = _mean(ends) <= SATURATED
            if blank is not None:
                shown &= _mean(blank[rows, columns].astype(np.float64)) <= 0
            found.append(_Tile(pixels, _mean(pixels), shown))
    return found


def _places(height: int, width: int, most: int) -> Iterator[tuple[slice, slice]]:
    """The whole of a frame, or tiles evenly spaced."""
    if height * width <= most:
        yield slice(0, height), slice(0, width)
        return
    high, wide = min(TILE, height), min(TILE, width)
    count = max(1, most // (high * wide))
    down = min(max(1, round((count * height / width) ** 0.5)), count, height // high)
    across = min(max(1, count // down), width // wide)
    for top in np.linspace(0, height - high, down).astype(int):
        for left in np.linspace(0, width - wide, across).astype(int):
            yield slice(top, top + high), slice(left, left + wide)


def _mean(values: Doubles) -> Doubles:
    """Over the window around each pixel. Shape: (h, w) or (h, w, c) -> the same."""
    found = cv2.blur(values, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT)
    return np.asarray(found, np.float64).reshape(values.shape)


def _fitted(tiles: Sequence[_Tile], variances: Sequence[Doubles], parts: Sequence[Sequence[Doubles]]) -> Doubles | None:
    """What the noise's power has of each part; None where there are too few windows.

    Shape:
        variances: (h, w, c) of each tile, which power is measured in; parts: of each tile, (h, w, c) each
    """
    side = SIDES[tiles[0].pixels.shape[2]]
    patches = [_patches(tile.pixels / np.sqrt(var), side) for tile, var in zip(tiles, variances, strict=True)]
    sizes = [(tile.pixels.shape[0] - side + 1, tile.pixels.shape[1] - side + 1) for tile in tiles]
    halves = [np.indices(size).__floordiv__(BLOCK).sum(axis=0).ravel() % 2 for size in sizes]
    powers = [np.empty((len(of_tile), 2)) for of_tile in patches]
    for half in (0, 1):
        directions = _directions([of[which != half] for of, which in zip(patches, halves, strict=True)])
        for power, of, which in zip(powers, patches, halves, strict=True):
            for place, basis in enumerate(directions):
                power[which == half, place] = np.square(of[which == half] @ basis).mean(axis=1)
    rows = []
    for tile, size, power, of_tile in zip(tiles, sizes, powers, parts, strict=True):
        columns = [_mean(power[:, place].reshape(size)) for place in (0, 1)]
        middle = (slice(side // 2, side // 2 + size[0]), slice(side // 2, side // 2 + size[1]))
        columns += [_mean(part.mean(axis=2))[middle] for part in of_tile]
        taken = np.stack(columns, axis=-1)[::STEP, ::STEP]
        rows.append(taken[tile.shown[middle][::STEP, ::STEP]])
    windows = np.concatenate(rows)
    return _line(windows[:, 0], windows[:, 1], windows[:, 2:]) if len(windows) >= FEWEST else None


def _patches(unit: Doubles, side: int) -> Doubles:
    """All patches without their means. Shape: (h, w, c) -> (n, c * side * side)."""
    found = np.lib.stride_tricks.sliding_window_view(unit, (side, side), axis=(0, 1))
    flat = found.reshape(found.shape[0] * found.shape[1], -1)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


def _directions(patches: Sequence[Doubles]) -> tuple[Doubles, ...]:
    """The quiet and the busy ones, each (length, count)."""
    length, count = patches[0].shape[1], sum(map(len, patches))
    _, vectors = np.linalg.eigh(sum((of.T @ of for of in patches), np.zeros((length, length))) / max(count, 1))
    free = length - 1  # the first is the mean, which is gone
    return tuple(vectors[:, 1 + int(low * free) : 1 + int(high * free)] for low, high in (QUIET, BUSY))


def _line(quiet: Doubles, busy: Doubles, parts: Doubles) -> Doubles:
    """What the noise has of each part: least squares, relative to the power; neither is below zero.

    Shape:
        quiet, busy: (n,); parts: (n, k)
        returns: (k,)
    """
    scale = parts.mean(axis=0)
    against = np.column_stack([busy, parts / scale])
    weight = 1 / busy**2
    found = np.zeros(against.shape[1])
    for _ in range(FITS):
        found = _at_least_zero(against * weight[:, None], quiet * weight)
        if found[0] > MOST_SHARE:
            rest = quiet - MOST_SHARE * busy
            found = np.append(MOST_SHARE, _at_least_zero(against[:, 1:] * weight[:, None], rest * weight))
        line = np.maximum(against @ found, TINY)
        far = np.abs(quiet / line - 1)
        noise = against[:, 1:] @ found[1:]
        weight = np.sqrt(np.minimum(1, ODD / np.maximum(far, TINY))) * np.maximum(noise, TINY) / line**2
    return np.asarray(found[1:] / scale / (1 - found[0]))


def _at_least_zero(against: Doubles, values: Doubles) -> Doubles:
    """Least squares without those that would be below zero. Shape: (n, k), (n,) -> (k,)."""
    found, kept = np.zeros(against.shape[1]), np.ones(against.shape[1], bool)
    while kept.any():
        found[:] = 0
        found[kept] = np.linalg.lstsq(against[:, kept], values, rcond=None)[0]
        if (found >= 0).all():
            break
        kept &= found > 0
    return found.clip(0)
