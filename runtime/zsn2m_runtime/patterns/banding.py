"""Bands that repeat over a whole frame, as of lamps that flicker and of readout: one wave of rows, or of columns.

The frame is cut into strips; a band has the same wave in all of them, and in both halves of their length. Strips count
by how little else they have near its frequency. Shorter periods than these are row noise or regular detail.

Source: docs/decisions/slow-bands.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise_record import Axis
from zsn2m_runtime.sample_types import Pixels

Complexes = npt.NDArray[np.complex128]
Doubles = npt.NDArray[np.float64]

SHORTEST, LONGEST, WAVES = 6.0, 64.0, 6  # pixels of a period; and so many periods fit into the frame
STRIPS = 32
SMALLEST, MOST = 128, 1024  # pixels of a side, at least; lines of the middle that are looked at, at most
FINER = 4  # times as many frequencies as lines have
NEAR, AROUND = 3, 10  # frequencies of the lines: from and up to there what else there is is measured
# Set on the tuning half of Kodak24, Set14, SIDD, PolyU and FMD, on which drawn bands were added
CLEAR = 13.0  # power of the common wave, of that of what strips share at frequencies around
OF_STRIPS = 2.0  # its power, of that of what each strip has around, in mean
AGREEING = 0.75  # of the strips have more than half of it
ALIKE = (0.65, 1.45)  # of it has each half of the lines, and of the strips
TINY = 1e-12


@dataclass(frozen=True)
class Bands:
    """A wave that all rows, or columns, share. period: pixels; amplitude: sensor units, the mean of the channels'."""

    axis: Axis
    period: float
    amplitude: float

    def in_words(self) -> str:
        """What it is, and what becomes of it."""
        return (
            f"{self.axis} repeat with a period of {self.period:.3g} pixels over the whole frame, by "
            f"{self.amplitude:.3g} up and down: the flicker of a lamp, a sensor's readout, or a pattern of the "
            f"picture; it stays in the result"
        )


def find_bands(frame: Pixels, axis: Axis) -> Bands | None:
    """The clearest wave of rows or of columns; None: there is none.

    Shape:
        frame: (h, w) or (h, w, c), finite
    """
    grey = np.atleast_3d(frame).mean(axis=2, dtype=np.float64)
    strips = _strips(grey if axis == "rows" else grey.T)
    if min(grey.shape) < SMALLEST:
        return None
    lines = len(strips)
    size = FINER * lines
    waves = np.fft.rfft(_tapered(strips), size, axis=0)
    power = np.square(np.abs(waves))
    steps = np.arange(FINER * NEAR, FINER * AROUND + 1)
    first = size / min(LONGEST, lines / WAVES)
    best, place = 0.0, 0
    for at in range(int(np.ceil(first)), int(size / SHORTEST) + 1):
        around = np.concatenate([at - steps, at + steps])
        around = around[(around > 0) & (around < len(waves))]
        beside = np.median(power[around], axis=0) / np.log(2) + TINY  # of powers that are distributed exponentially
        weight = 1 / beside
        common = (waves[at] * weight).sum() / weight.sum()
        shared = (waves[around] * weight).sum(axis=1) / weight.sum()
        clear = float(np.square(abs(common)) / (np.median(np.square(np.abs(shared))) / np.log(2) + TINY))
        of_strips = float(np.square(abs(common)) * weight.mean())
        agreeing = float((np.real(waves[at] * np.conj(common)) > np.square(abs(common)) / 2).mean())
        if clear > max(best, CLEAR) and of_strips > OF_STRIPS and agreeing > AGREEING:
            best, place = clear, at
    if not best:
        return None
    frequency = place / size
    amplitude, alike = _alike(strips, frequency)
    return Bands(axis, 1 / frequency, amplitude) if alike else None


def _strips(plane: Doubles) -> Doubles:
    """Means of the lines of each strip. Shape: (h, w) -> (lines, STRIPS)."""
    height = min(len(plane), MOST)
    top, width = (len(plane) - height) // 2, plane.shape[1] // STRIPS
    if not width:
        return np.zeros((height, STRIPS))
    middle = plane[top : top + height, : STRIPS * width]
    return np.asarray(middle.reshape(height, STRIPS, width).mean(axis=2))


def _tapered(strips: Doubles) -> Doubles:
    """Without their mean and slope, and fading to the ends, so that a wave has its amplitude."""
    lines = len(strips)
    ramp = np.arange(lines) - (lines - 1) / 2
    level = strips - strips.mean(axis=0)
    level = level - ramp[:, None] * (ramp @ level) / np.square(ramp).sum()
    taper = np.hanning(lines + 2)[1:-1]
    return np.asarray(level * taper[:, None] * (2 / taper.sum()))


def _alike(strips: Doubles, frequency: float) -> tuple[float, bool]:
    """Amplitude of the wave, and whether both halves of the lines and of the strips have it."""
    half, many = len(strips) // 2, STRIPS // 2
    whole = _wave(strips, frequency, 0)
    common = _middle(whole)
    parts = (
        _middle(_wave(strips[:half], frequency, 0)),
        _middle(_wave(strips[half:], frequency, half)),
        _middle(whole[:many]),
        _middle(whole[many:]),
    )
    power = np.square(abs(common)) + TINY
    low, high = ALIKE
    return abs(common), all(low < float(np.real(part * np.conj(common))) / power < high for part in parts)


def _wave(strips: Doubles, frequency: float, first: int) -> Complexes:
    """Amplitude and phase in each strip, whose lines are numbered from `first` on."""
    turns = np.exp(-2j * np.pi * frequency * (first + np.arange(len(strips))))
    return np.asarray(turns @ _tapered(strips))


def _middle(waves: Complexes) -> complex:
    """That of most strips, however strong what others have."""
    return complex(np.median(waves.real), np.median(waves.imag))
