"""Before training: patterns that the method would take for noise. Mosaics are refused, others warned of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from zsn2m_deploy.config.training import Mosaic
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.noise.rows import fit_row_noise, without_row_noise
from zsn2m_runtime.noise_record import Axis, RowNoise
from zsn2m_runtime.patterns import Patterns, find_patterns, mosaic_refusal, patterns_in_words
from zsn2m_runtime.patterns.banding import find_bands
from zsn2m_runtime.patterns.dead_lines import Corner, DeadLines, dead_lines_in_words, without_own_dead_lines
from zsn2m_runtime.sample_types import Pixels

REGULAR_DETAIL = "regular detail"
IMPULSES = "salt and pepper"
DEAD_LINES = "dead lines"
BANDS = "slow bands"
AXES: tuple[Axis, ...] = get_args(Axis)
# Why no PSNR is stated, by the kind that was found.
REASONS = {
    "row noise": "rows share noise, which the estimate does not see",
    "column noise": "columns share noise, which the estimate does not see",
    "mosaic": "the frame is a mosaic, which may be taken for noise",
    REGULAR_DETAIL: "the frame has regular detail, which may be taken for noise",
    DEAD_LINES: "dead columns or rows stay, which the estimate does not see",
    BANDS: "rows or columns repeat, which the estimate takes for the picture",
    "dither": "the frame is dithered, which may be taken for noise",
    IMPULSES: "salt and pepper stays, which the estimate takes for noise",
    "enlarged": "pixels were repeated, and their noise with them",
}


@dataclass(frozen=True)
class Screening:
    """The patterns in the training frames: for each kind, a sentence; and those of each frame."""

    said: Mapping[str, str]
    patterns: tuple[Patterns, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All sentences."""
        return tuple(self.said.values())

    @property
    def unmodelled(self) -> str | None:
        """Why no PSNR is stated; None where it is."""
        return next((reason for kind, reason in REASONS.items() if kind in self.said), None)

    def having(self, kind: str, sentence: str) -> Screening:
        """The same with one kind more, which was found elsewhere."""
        return replace(self, said={**self.said, kind: sentence})

    def without(self, kind: str) -> Screening:
        """The same without one kind, which was handled."""
        return replace(self, said={name: text for name, text in self.said.items() if name != kind})


def screen(
    frames: Sequence[Pixels], mosaic: Mosaic, corners: Sequence[Corner] | None = None, kept: str = ""
) -> Screening:
    """Search every frame for patterns.

    Shape:
        frames: each (h, w), (h, w, 3) or (h, w, 4) planes of a mosaic, sensor units, finite
    Args:
        mosaic: refuse: frames that look like a mosaic are refused
        corners: row and column of each frame's first pixel in its file's frame; None: 0, 0
        kept: where --correct-defects leaves dead lines (`why_kept`); empty: it replaces them
    Raises:
        InputError: a frame is a mosaic.
    """
    said: dict[str, list[tuple[int, str]]] = {}
    alive, dead = zip(*map(without_own_dead_lines, frames), strict=True) if frames else ((), ())
    found = tuple(map(find_patterns, alive))
    seen = zip(found, dead, corners or [(0, 0)] * len(frames), strict=True)
    for number, (patterns, lines, corner) in enumerate(seen, start=1):
        if patterns.mosaic and mosaic == "refuse":
            place = f"frame {number} of {len(frames)}: " if len(frames) > 1 else ""
            raise InputError(place + mosaic_refusal(patterns.mosaic))
        for kind, sentence in patterns_in_words(patterns).items():
            said.setdefault(kind, []).append((number, sentence))
        if text := dead_lines_in_words(lines, corner, kept):
            said.setdefault(DEAD_LINES, []).append((number, text))
    return Screening({kind: _warning(kind, those, len(frames)) for kind, those in said.items()}, found)


def with_bands(screened: Screening, frames: Sequence[Pixels]) -> Screening:
    """The same with the slow bands of frames whose row noise is gone.

    Shape:
        frames: each (h, w) or (h, w, c), sensor units, finite
    """
    found = [(number, bands_in_words(frame)) for number, frame in enumerate(frames, start=1)]
    said = [(number, text) for number, text in found if text]
    return screened.having(BANDS, _warning(BANDS, said, len(frames))) if said else screened


def bands_in_words(frame: Pixels, axes: Sequence[Axis] = AXES) -> str:
    """The slow bands of a frame, along some axes; empty where it has none. Shape: (h, w) or (h, w, c)."""
    return "; ".join(bands.in_words() for axis in axes if (bands := find_bands(frame, axis)))


def lines_in_words(
    alive: Pixels, dead: DeadLines, patterns: Patterns, corner: Corner = (0, 0), kept: str = ""
) -> dict[str, str]:
    """Dead lines and slow bands of a frame, by their kind; bands not where rows or columns have noise of their own.

    Shape:
        alive: (h, w) or (h, w, c), sensor units, finite, without its dead lines
    Args:
        dead: those that were found (`without_own_dead_lines`)
        corner: row and column of its first pixel in the file's frame
        kept: where --correct-defects leaves dead lines; empty: it replaces them
    """
    axes = [axis for axis in AXES if not patterns.whole_stripes(axis)]
    said = {DEAD_LINES: dead_lines_in_words(dead, corner, kept), BANDS: bands_in_words(alive, axes)}
    return {kind: text for kind, text in said.items() if text}


def find_row_noise(frames: Sequence[Pixels], patterns: Sequence[Patterns]) -> tuple[RowNoise, ...]:
    """Noise that rows, or columns, share, if half of the frames or more have it.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, finite
    Args:
        patterns: of each frame
    """
    found: tuple[RowNoise, ...] = ()
    for axis in AXES:
        of_axis = [one.whole_stripes(axis) for one in patterns]
        sigmas = [stripes.sigma for stripes in of_axis if stripes]
        if 2 * len(sigmas) >= len(frames):
            having = [frame for frame, stripes in zip(frames, of_axis, strict=True) if stripes]
            without = [without_row_noise(frame, found) for frame in having]
            found += (fit_row_noise(without, axis, float(np.mean(sigmas))),)
    return found


def _warning(kind: str, found: list[tuple[int, str]], frames: int) -> str:
    number, sentence = found[0]
    place = f" (in {len(found)} of {frames} frames, the first is frame {number})" if frames > 1 else ""
    return f"{kind}{place}: {sentence}"
