"""Patches of frames, and what is known of each: brightness, detail, and what is left without its plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Mask

Floats = npt.NDArray[np.float32]

SIDE = 16  # pixels of a patch: wide enough for the correlation, small enough to find flat ones
STEP = 8  # pixels from a patch to the next
CELLS = 4  # means of 4 x 4 cells a patch tell structure from noise
SATURATED = 0.02  # of a patch's samples at the frame's lowest or highest value: more, and it says nothing of the noise
LEAST_CLIPPED = 0.5  # of a frame's patches are looked at where hardly any is free of saturated samples
CLIP = 1.35  # patches count as flat up to this multiple of the flat ones' mean: two deviations of white noise in RGB
SETTLED = 1.001  # growth of a mean below which it has settled
FEWEST = 24  # patches that a mean is taken of
TINY = 1e-12  # added to powers that are divided by


@dataclass(frozen=True)
class Patches:
    """What is known of each patch.

    Shape:
        level, detail, coarse, at_low, at_high: (n, c); flat: (n, side, side, c), without its mean and slope
    """

    level: Doubles
    detail: Doubles  # mean square of the diagonal Haar coefficients: noise, and little else
    coarse: Doubles  # mean square of the cells' means: structure, where there is any
    flat: Floats
    at_low: Doubles  # share of the samples at the frame's lowest value
    at_high: Doubles

    def chosen(self, which: npt.NDArray[np.bool_]) -> Patches:
        """Those that a mask (n,) marks."""
        return Patches(*(getattr(self, part.name)[which] for part in fields(self)))


def patches_of(frame: Floats, most: int, blank: Mask | None, side: int = SIDE) -> Patches:
    """About `most` patches of a frame, evenly spaced, that are not saturated and nowhere blank.

    Shape:
        frame: (h, w, c)
        blank: (h, w), or None: nothing is
    """
    channels = frame.shape[2]
    windows = np.lib.stride_tricks.sliding_window_view(frame, (side, side), axis=(0, 1))[::STEP, ::STEP]
    free = np.arange(windows.shape[0] * windows.shape[1])
    if blank is not None:
        hidden = np.lib.stride_tricks.sliding_window_view(blank, (side, side))[::STEP, ::STEP]
        free = free[~hidden.any(axis=(2, 3)).ravel()]
    chosen = free[:: max(1, -(-len(free) // most))]
    least, greatest = frame.min(axis=0).min(axis=0), frame.max(axis=0).max(axis=0)  # (0, 1) takes 70 times as long
    at_low, at_high = (
        _shares(ends, side)[np.unravel_index(chosen, windows.shape[:2])]
        for ends in (frame <= least.min(), frame >= greatest.max())
    )
    varied = least < greatest  # an empty channel says nothing of the others
    clipped = np.where(varied, at_low + at_high, 0).max(axis=1)
    usable = clipped <= SATURATED
    if usable.sum() < FEWEST:
        fewest = min(max(FEWEST, round(LEAST_CLIPPED * len(clipped))), len(clipped))
        usable = clipped <= np.sort(clipped)[fewest - 1 : fewest]  # of no patches none
    chosen, at_low, at_high = chosen[usable], at_low[usable], at_high[usable]
    found = np.moveaxis(windows[np.unravel_index(chosen, windows.shape[:2])], 1, 3)
    if channels > 1:  # sums over the pixels of a patch run along all patches then: a tenth of the time, the same bits
        found = np.ascontiguousarray(found.transpose(1, 2, 0, 3)).transpose(2, 0, 1, 3)
    corners = [found[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    diagonal = (corners[0] - corners[1] - corners[2] + corners[3]) / 2
    flat = without_plane(found)
    cells = flat.reshape(-1, side // CELLS, CELLS, side // CELLS, CELLS, channels).mean(axis=(2, 4))
    return Patches(
        found.mean(axis=(1, 2), dtype=np.float64),
        np.square(diagonal).mean(axis=(1, 2), dtype=np.float64) + TINY,
        np.square(cells).mean(axis=(1, 2), dtype=np.float64) + TINY,
        np.ascontiguousarray(flat),
        at_low,
        at_high,
    )


def _shares(marks: npt.NDArray[np.bool_], side: int) -> Doubles:
    """The share of each window's samples that is marked. Shape: (h, w, c) -> (rows, columns, c)."""
    counts = cv2.boxFilter(marks.astype(np.uint8), cv2.CV_32F, (side, side), anchor=(0, 0), normalize=False)
    rows, columns = (length - side + 1 for length in marks.shape[:2])
    return counts.reshape(marks.shape)[:rows:STEP, :columns:STEP].astype(np.float64) / side**2


def joined(parts: Sequence[Patches]) -> Patches:
    """The patches of several frames."""
    return Patches(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Patches)))


def without_plane(patches: npt.NDArray[np.floating]) -> Floats:
    """Patches less the plane that fits them best. Shape: (n, side, side, c) -> the same."""
    side = patches.shape[1]
    ramp = np.arange(side, dtype=np.float32) - (side - 1) / 2
    energy = np.float32(side * np.square(ramp).sum())
    rise = np.einsum("nyxc,y->nc", patches, ramp)[:, None, None] * ramp[:, None, None] / energy
    drift = np.einsum("nyxc,x->nc", patches, ramp)[:, None, None] * ramp[:, None] / energy
    return np.asarray(patches - patches.mean(axis=(1, 2), keepdims=True) - rise - drift, np.float32)


def lowest(values: Doubles) -> npt.NDArray[np.bool_]:
    """Those of one population that starts at the lowest values, where others, larger, are mixed in."""
    ordered = np.sort(values)
    fewest = min(FEWEST, len(values))
    mean, before = float(ordered[:fewest].mean()), 0.0
    while mean > before * SETTLED:
        before, mean = mean, float(values[values <= CLIP * mean].mean())
    return np.asarray(values <= max(CLIP * mean, ordered[fewest - 1]))
