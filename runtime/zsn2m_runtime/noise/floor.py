"""The noise of frames that regular detail fills: what is between the peaks of their spectra.

Lines, lattices and screens leave no patch flat, so patches take them for noise. But they have all of their power at a
few frequencies, and noise has it at all: of each tile's fine frequencies the quietest fifth is noise alone. Where they
fill a part of the frame only, the flattest patches do not hold them, and what is found there is noise.

Measured: docs/results/noise.md, "Regular detail", and docs/decisions/regular-detail-elsewhere.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.blank.areas import largest_scene
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise.waves import Wave, find_waves, hann_window, power_of
from zsn2m_runtime.sample_types import Mask

Floats = npt.NDArray[np.float32]

SIDES = (192, 64)  # pixels of tiles: many peaks need wide ones, a scene's flat places narrow ones
SMALLEST = 32
MOST_FRAMES = 8  # looked at
MOST_TILES = 64  # of a frame, of each side
QUIET = 0.2  # of the fine frequencies
FLAT = 0.3  # of the tiles have so little besides noise
FINE = 0.25  # cycles a pixel
BANDS, FEWEST = 4, 6  # of brightness; tiles in one
APART = 3.0  # deviations of the noise: levels closer together give no slope
NOTABLE = 0.08  # power of waves, of what passed for noise: less changes nothing
INFLATED = 1.2  # what passed for noise over the floor, a ratio of variances
MOST_PATCHES = 500  # in which waves are looked for
LESS_FINE = 0.75  # of the variance is at fine frequencies: more, and it is texture that neighbours share, not noise
LEAST_FINE = 0.007  # likewise: less, and there is no noise between the waves
HELD = 0.04  # power of waves in the flattest patches, of what these have: less, and they are free of them
ENDING = 0.01  # of the flattest patches' samples are at an end of the values: more, and few patches may hold letters
FEW = 24  # patches
TURNS = 24  # directions in which waves of the same length are looked for: in most of them there is none
TINY = 1e-12


def without_regular_detail(
    found: NoiseModel, frames: Sequence[Floats], blanks: Sequence[Mask | None], flat: Doubles, at_ends: float
) -> NoiseModel:
    """An estimate without what regular detail left in it; the same where frames, or the patches it is of, have none.

    Shape:
        frames: each (h, w, c), in the model's units
        blanks: (h, w) of each, or None
        flat: (n, side, side, c), the patches that correlation was measured in, over the deviation of their noise
    Args:
        at_ends: share of these patches' samples at the lowest or the highest value, in the channel with most of them
    """
    variance = found.sigma(frames) ** 2
    step = -(-len(frames) // MOST_FRAMES)
    scenes = [largest_scene(frame, blank) for frame, blank in zip(frames[::step], blanks[::step], strict=True)]
    shown = [scene for scene in scenes if min(scene.shape[:2]) >= SMALLEST]
    if variance <= TINY:
        return found
    waves = max((find_waves(scene) for scene in shown), key=power_of, default=())
    if power_of(waves) < NOTABLE * variance:
        return found
    floor = _floor(shown)
    between = floor.sigma(frames) ** 2
    are_flat = at_ends < ENDING or len(flat) >= FEW  # near-white paper is clipped: letters are left
    is_smoothed = LEAST_FINE * variance < between < LESS_FINE * variance
    if found.correlated and is_smoothed and are_flat and share_of_waves(flat, waves) < HELD:
        return found
    regular = replace(found, regular=True)
    if between * INFLATED > variance and not found.correlated:
        return regular
    return replace(floor, ends=found.ends, regular=True, skew_error=np.full(1, np.inf))


def share_of_waves(patches: npt.NDArray[np.floating], waves: Sequence[Wave]) -> float:
    """Power of waves in patches, of all that these have, in the channel with most of it.

    A patch is too small to tell a wave from what it has beside it. So what most patches have at a wave's frequency is
    compared with what they have at equally long waves of most other directions, as noise and texture have in all.

    Shape:
        patches: (n, side, side, c)
    """
    chosen = patches[:: -(-len(patches) // MOST_PATCHES)].astype(np.float32)
    power = np.square(chosen).mean(axis=(0, 1, 2))
    window = hann_window(chosen.shape[1])
    shares = np.zeros(chosen.shape[3])
    for wave in waves:
        found = _median_powers(chosen, window, _turned(wave))
        alone = 1 if abs(wave.down) in (0, 0.5) and abs(wave.across) in (0, 0.5) else 2  # of a pair that are one here
        shares += alone * np.maximum(found[0] - np.median(found[1:], axis=0), 0) / window.sum() ** 2
    return float((shares / np.maximum(power, TINY)).max())


def _turned(wave: Wave) -> Doubles:
    """Cycles a pixel down and across of a wave, and of those that are as long, in other directions. Shape: (t, 2)."""
    angles = math.atan2(wave.down, wave.across) + np.arange(TURNS) * math.pi / TURNS
    return math.hypot(wave.down, wave.across) * np.stack([np.sin(angles), np.cos(angles)], axis=1)


def _median_powers(patches: Floats, window: Doubles, at: Doubles) -> Doubles:
    """Power that half of the windowed patches have at frequencies. Shape: at (t, 2) -> (t, c)."""
    angles = 2 * math.pi * np.einsum("ti,iyx->tyx", at, np.indices(window.shape))
    cosine, sine = (
        np.tensordot(part(angles).astype(np.float32), patches * window[..., None].astype(np.float32), ((1, 2), (1, 2)))
        for part in (np.cos, np.sin)
    )  # (t, n, c)
    return np.asarray(np.median(np.square(cosine) + np.square(sine), axis=1), np.float64)


def _floor(frames: Sequence[Floats]) -> NoiseModel:
    """White noise as strong as what is between the peaks. Shape: each (h, w, c), at least 32 x 32."""
    channels = frames[0].shape[2]
    smallest = min(min(frame.shape[:2]) for frame in frames)
    widest, narrowest = (min(side, smallest // 2 * 2) for side in SIDES)
    lines, spans = [], []
    for channel in range(channels):
        planes = [frame[..., channel] for frame in frames]
        line, span = _line(*_tiles(planes, narrowest))
        level, variance = _tiles(planes, widest)
        most = float(np.quantile(variance, FLAT))
        middle = line[0] * float(np.median(level)) + line[1]
        share = min(1.0, most / max(middle, TINY))
        lines.append((line[0] * share, line[1] * share))
        spans.append(span)
    slope, floor = np.array(lines).T
    ends = min(low for low, _ in spans), max(high for _, high in spans)
    return replace(NoiseModel.white(slope, floor), span=ends)


def _tiles(planes: Sequence[Floats], side: int) -> tuple[Doubles, Doubles]:
    """Mean and variance of the noise of each tile. Shape: each (n,)."""
    parts = []
    for plane in planes:
        windows = np.lib.stride_tricks.sliding_window_view(plane, (side, side))[:: side // 2, :: side // 2]
        chosen = np.linspace(0, windows.shape[0] * windows.shape[1] - 1, MOST_TILES).round().astype(int)
        parts.append(windows[np.unravel_index(np.unique(chosen), windows.shape[:2])])  # fewer where there are fewer
    tiles = np.concatenate(parts).astype(np.float64)
    level = tiles.mean(axis=(1, 2))
    window, fine = hann_window(side), _fine(side)
    spectra = np.fft.rfft2((tiles - level[:, None, None]) * window)
    power = np.square(np.abs(spectra[:, fine])) / np.square(window).sum()
    return level, np.asarray(np.quantile(power, QUIET, axis=1) / -math.log(1 - QUIET))  # of an exponential's mean


def _line(level: Doubles, variance: Doubles) -> tuple[tuple[float, float], tuple[float, float]]:
    """Slope and height at zero of the variance, and the levels that it was fitted to."""
    order = np.argsort(level)
    span = float(level.min()), float(level.max())
    constant = 0.0, float(np.quantile(variance, FLAT))
    bands = np.array_split(order, min(BANDS, len(order) // FEWEST)) if len(order) >= 2 * FEWEST else []
    if not bands or span[1] - span[0] <= APART * math.sqrt(constant[1]):
        return constant, span
    x = np.array([level[band].mean() for band in bands])
    y = np.array([np.quantile(variance[band], FLAT) for band in bands])
    slope, height = map(float, np.polyfit(x, y, 1, w=1 / np.maximum(y, TINY)))
    return (constant, span) if min(slope * end + height for end in span) <= 0 else ((slope, height), span)


@cache
def _fine(side: int) -> npt.NDArray[np.bool_]:
    """Frequencies that pictures have little at, each once. Shape: (side, side / 2 + 1)."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    return np.asarray((np.hypot(down, across) > FINE) & (across > 0) & (across < 0.5))
