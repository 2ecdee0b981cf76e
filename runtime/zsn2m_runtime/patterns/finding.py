"""Everything in a frame that a noise model of single pixels cannot express."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from zsn2m_runtime.blank.areas import blank_areas, filled
from zsn2m_runtime.noise.level import estimate_sigma
from zsn2m_runtime.noise.waves import Wave, find_waves, power_of
from zsn2m_runtime.noise_record import Axis
from zsn2m_runtime.patterns.dither import FEW_VALUES, Dither, Enlarged, find_dither, find_enlarged
from zsn2m_runtime.patterns.lattice import MOST_TILES
from zsn2m_runtime.patterns.mosaic import Mosaic, Repetition, find_mosaic
from zsn2m_runtime.patterns.stripes import Stripes, find_stripes
from zsn2m_runtime.sample_types import Pixels

# Measured, docs/results/frames.md#patterns.
SMALLEST = 16  # pixels of a side; nothing is found in smaller frames
FEWEST_SAMPLES = 20_000  # samples that the values in use are measured on
NEGLIGIBLE = 1e-3  # noise deviation that counts as none, of the values in use
LEVEL = 1.0  # the same of integers: one step
LEAST_EXPONENT, MOST_EXPONENT = -6, 33  # of 2: spreads of values that float32 can square; uint32 and 0 to 1 are inside
AXES: tuple[Axis, ...] = ("rows", "columns")
OF_LINES = 0.3  # power of regular waves over that of stripes, above which stripes are lines of the picture
ON_AXIS = 0.01  # cycles a pixel: a wave is along an axis
COLOURS = 3  # channels of a picture in colour; more are planes of a mosaic
FAINT = 0.1  # of the strongest channel's deviation: less shows nothing of its own
MOST_VALUES = 256  # pixels of a corner whose values are counted


@dataclass(frozen=True)
class Patterns:
    """What was found in a frame; None where there is nothing of the kind.

    mosaic: of a sensor's filters, in colour frames where all channels show it that vary; a frame has one of mosaic,
        repetition and dither, or none of them
    repetition: lines or a checkerboard that repeat every few pixels
    dither: a picture of few values; enlarged: a picture of repeated pixels
    rows, columns: noise that they share
    """

    mosaic: Mosaic | None = None
    repetition: Repetition | None = None
    dither: Dither | None = None
    enlarged: Enlarged | None = None
    rows: Stripes | None = None
    columns: Stripes | None = None

    def whole_stripes(self, axis: Axis) -> Stripes | None:
        """The noise that rows (or columns) share over the whole frame."""
        found = self.rows if axis == "rows" else self.columns
        return None if found is None or found.half else found

    def without_whole_stripes(self, axis: Axis) -> Patterns:
        """The same where those stripes are removed."""
        if self.whole_stripes(axis) is None:
            return self
        return replace(self, rows=None) if axis == "rows" else replace(self, columns=None)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def find_patterns(frame: Pixels) -> Patterns:
    """Mosaics, repetition, dither, enlargement and stripes of one frame; large frames are sampled all over.

    Areas that are exactly constant count for nothing; nothing is found below 16 x 16 pixels.

    Shape:
        frame: (h, w) or (h, w, c), sensor units
    """
    if min(frame.shape[:2]) < SMALLEST:
        return Patterns()
    if frame.dtype.kind == "f" and not np.isfinite(frame).all():
        frame = filled(frame, blank_areas(frame))
    planes = frame.reshape(*frame.shape[:2], -1)
    unit = _unit(planes)
    return _found(planes) if unit == 1 else _in_units(_found(planes / unit), unit)


def _found(planes: Pixels) -> Patterns:
    least = _negligible(planes)
    dither = find_dither(planes)
    channels = [planes[..., channel] for channel in range(planes.shape[2])]
    tiles = MOST_TILES if len(channels) == 1 else MOST_TILES // 2
    lattices = [found for plane in channels if (found := find_mosaic(plane, least, tiles))]
    mosaics = [found for found in lattices if isinstance(found, Mosaic)]
    if len(channels) == COLOURS and len(mosaics) < _varying(channels, least):
        mosaics = []  # a demosaicked frame, some of whose channels keep a checkerboard
    repetitions = [found for found in lattices if isinstance(found, Repetition)]
    if lattices and not dither and (few := _few_values(planes)):
        dither = Dither(few)  # ordered, or a halftone
    repetition = max(repetitions, key=lambda one: one.contrast, default=None)
    stripes = {axis: None if dither else _stripes(channels, axis, least, repetition) for axis in AXES}
    if any(stripes.values()):
        waves = find_waves(planes.astype(np.float32))
        stripes = {axis: None if found and _of_lines(found, waves) else found for axis, found in stripes.items()}
    if dither or mosaics or (repetition and _by_chance(repetition, stripes)):
        repetition = None
    return Patterns(
        mosaic=None if dither else max(mosaics, key=lambda one: one.share, default=None),
        repetition=repetition,
        dither=dither,
        enlarged=find_enlarged(planes),
        rows=stripes["rows"],
        columns=stripes["columns"],
    )


def _varying(channels: Sequence[Pixels], least: float) -> int:
    """How many channels vary enough, beside the strongest, to show what is in it. Shape: (h, w) each."""
    spreads = [float(channel.std()) for channel in channels]
    return sum(spread > max(least, FAINT * max(spreads)) for spread in spreads)


def _unit(planes: Pixels) -> float:
    """What samples are divided by: squares of very large ones leave float32, those of very small ones count as none."""
    exponent = math.frexp(float(planes.max()) - float(planes.min()))[1]
    return 1.0 if not exponent or LEAST_EXPONENT <= exponent <= MOST_EXPONENT else 2.0 ** (exponent - 1)


def _in_units(found: Patterns, unit: float) -> Patterns:
    """The same with deviations in so many units."""
    mosaic, repetition, stripes = found.mosaic, found.repetition, (found.rows, found.columns)
    rows, columns = (
        one and replace(one, sigma=one.sigma * unit, pixel_sigma=one.pixel_sigma * unit) for one in stripes
    )
    return replace(
        found,
        mosaic=mosaic and replace(mosaic, contrast=mosaic.contrast * unit, noise=mosaic.noise * unit),
        repetition=repetition
        and replace(repetition, contrast=repetition.contrast * unit, noise=repetition.noise * unit),
        rows=rows,
        columns=columns,
    )


def _by_chance(repetition: Repetition, stripes: dict[Axis, Stripes | None]) -> bool:
    """Whether the stripes' own noise has this period too, as it has all others."""
    found = stripes[repetition.direction] if repetition.direction != "both" else None
    return found is not None and repetition.contrast < found.sigma


def _of_lines(stripes: Stripes, waves: Sequence[Wave]) -> bool:
    """Whether stripes are regular lines of the picture, of any period: noise has no sharp peaks along its axis."""
    across = [abs(wave.across if stripes.axis == "rows" else wave.down) for wave in waves]
    own = [wave for wave, turned in zip(waves, across, strict=True) if turned < ON_AXIS]
    return power_of(own) > OF_LINES * stripes.sigma**2


def _stripes(channels: list[Pixels], axis: Axis, least: float, repetition: Repetition | None) -> Stripes | None:
    period = math.lcm(2, repetition.period) if repetition else 2
    found = [
        replace(stripes, pixel_sigma=estimate_sigma(plane), channel=channel if len(channels) == COLOURS else None)
        for channel, plane in enumerate(channels)
        if (stripes := find_stripes(plane, axis, least, period))
    ]
    return max(found, key=lambda one: one.ratio, default=None)


def _negligible(planes: Pixels) -> float:
    """Deviation of noise that counts as none, sensor units."""
    step = max(1, round((planes.size / FEWEST_SAMPLES) ** 0.5))
    low, high = np.quantile(planes[::step, ::step].astype(np.float64), (0.002, 0.998))
    return max(NEGLIGIBLE * float(high - low), LEVEL if planes.dtype.kind in "ui" else 0.0)


def _few_values(planes: Pixels) -> int | None:
    """How many values a frame of hardly any has."""
    values = len(np.unique(planes[:MOST_VALUES, :MOST_VALUES]))
    return values if values <= FEW_VALUES else None
