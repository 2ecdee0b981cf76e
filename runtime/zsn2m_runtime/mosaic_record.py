"""The manifest's record of a colour filter array, and the planes of its mosaics."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from zsn2m_runtime.record import SparseRecord

BayerPattern = Literal["RGGB", "BGGR", "GRBG", "GBRG"]
CELL = 2  # pixels of a side, after which a pattern repeats
PLANES = CELL**2  # of a mosaic: each has every second pixel of every second row, all behind one filter
COLOURS = 3  # red, green and blue
PLACES = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2))  # row and column in a cell, and colour, of each plane
BAYER_PATTERNS: tuple[BayerPattern, ...] = get_args(BayerPattern)


class MosaicRecord(SparseRecord):
    """The colour filters of a sensor whose frames are mosaics: one value a pixel, behind a filter that repeats."""

    pattern: BayerPattern = Field(description="filters of the first 2 x 2 pixels, row by row")
    black: tuple[float, float, float, float] | None = Field(
        None, description="black levels of these 4 pixels, sensor units; None: the frame's file does not state them"
    )
    white: float | None = Field(
        None, description="value of a saturated pixel, sensor units; None: the frame's file does not state it"
    )

    def levels_in_words(self) -> str:
        """Black and white levels as they follow the pattern in a message; empty where none is known."""
        levels = [f"{level:g}" for level in dict.fromkeys(self.black or ())]
        black = f", black {', '.join(levels)}" if levels else ""
        return black + ("" if self.white is None else f", white {self.white:g}")

    @model_validator(mode="after")
    def _white_is_above_black(self) -> Self:
        if self.black is not None and self.white is not None and max(self.black) >= self.white:
            raise ValueError(f"expected a white level above the black ones, but got {self.white:g} and {self.black}")
        return self


def is_turned(pattern: BayerPattern) -> bool:
    """Whether a pattern begins with green; mirrored left to right it begins with red or blue."""
    return pattern[0] == "G"


def named_pattern(name: str) -> BayerPattern:
    """The pattern of a name.

    Raises:
        KeyError: there is none of that name.
    """
    return {str(pattern): pattern for pattern in BAYER_PATTERNS}[name]
