"""Colour filter arrays in the tags of TIFF and DNG files.

References:
    TIFF/EP (ISO 12234-2); Adobe, Digital Negative Specification 1.7 (2023), chapters 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tifffile import DATATYPE, PHOTOMETRIC, TiffFormat, TiffPage

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.tag_values import ratios, values_of
from zsn2m_runtime.files.tiff_directories import Tag, numbers, read_tags
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord

REPEAT, PATTERN = 33421, 33422
BLACK_REPEAT, BLACK, BLACK_ACROSS, BLACK_DOWN, WHITE = 50713, 50714, 50715, 50716, 50717
_COLOURS = "RGBCMYW"  # by their numbers
_BAYER = (2, 2)


def page_filters(page: TiffPage, name: str) -> MosaicRecord | None:
    """The filters of a page; None where it is no mosaic, or does not say which.

    Raises:
        InputError: filters that are no Bayer pattern.
    """
    if page.photometric != PHOTOMETRIC.CFA:
        return None
    return filters_of({tag.code: tag for tag in read_tags(page.parent, page.offset)}, page.parent.tiff, name)


def filters_of(tags: Mapping[int, Tag], form: TiffFormat, name: str) -> MosaicRecord | None:
    """The filters and levels of a mosaic; None where the tags say none.

    Args:
        name: of the file, for messages
    Raises:
        InputError: filters that are no Bayer pattern.
        ValueError, struct.error: if they contradict themselves.
    """
    if PATTERN not in tags:
        return None
    size = tuple(int(value) for value in values_of(tags[REPEAT], form)) if REPEAT in tags else _BAYER
    cells = "".join(_COLOURS[cell] if cell < len(_COLOURS) else "?" for cell in tags[PATTERN].data)
    pattern = bayer(size, cells, name)
    white = values_of(tags[WHITE], form)[0] if WHITE in tags else None
    return MosaicRecord(pattern=pattern, black=_black(tags, form), white=white)


def bayer(size: tuple[int, ...], cells: str, name: str) -> BayerPattern:
    """The pattern of filters as a Bayer pattern.

    Args:
        size: rows and columns after which it repeats
        cells: a letter for each, row by row
    Raises:
        InputError: if it is another one.
    """
    if size == _BAYER and cells in BAYER_PATTERNS:
        return cells
    got = f"{cells} in {' x '.join(map(str, size))} pixels" if len(cells) <= 4 else f"{' x '.join(map(str, size))} ones"
    raise InputError(
        f"{name}: expected the filters of a Bayer sensor ({', '.join(BAYER_PATTERNS)}), but got {got}; "
        f"{in_colours(name)}"
    )


def in_colours(name: str) -> str:
    """What to do with a RAW file that holds no Bayer mosaic."""
    path = Path(name)
    call = f"tifffile.imwrite('{path.stem}.tif', rawpy.imread('{path.name}').postprocess(output_bps=16))"
    return f"have a RAW converter make a colour picture of it, and denoise that: {call}"


def _black(tags: Mapping[int, Tag], form: TiffFormat) -> tuple[float, float, float, float] | None:
    """The mean black level of each of the 2 x 2 pixels."""
    if BLACK not in tags:
        return None
    rows, columns = (int(value) for value in values_of(tags[BLACK_REPEAT], form)) if BLACK_REPEAT in tags else (1, 1)
    grid = np.tile(np.reshape(values_of(tags[BLACK], form), (rows, columns)), _BAYER)
    if not grid.size:
        raise ValueError("a black level without a number")
    down, across = (values_of(tags[code], form) if code in tags else () for code in (BLACK_DOWN, BLACK_ACROSS))
    first, second, third, fourth = (
        float(grid[row::2, column::2].mean() + _mean(down[row::2]) + _mean(across[column::2]))
        for row, column in np.ndindex(*_BAYER)
    )
    return first, second, third, fourth


def _mean(values: tuple[float, ...]) -> float:
    return float(np.mean(values)) if values else 0.0


def filter_tags(mosaic: MosaicRecord, form: TiffFormat) -> list[Tag]:
    """The tags that say such filters and levels; a white level that is no number of 32 bits is left out."""
    cells = bytes(_COLOURS.index(cell) for cell in mosaic.pattern)
    tags = [numbers(REPEAT, _BAYER, form), Tag(PATTERN, DATATYPE.BYTE, cells)]
    if mosaic.black is not None:
        tags += [numbers(BLACK_REPEAT, _BAYER, form), ratios(BLACK, mosaic.black, form)]
    if mosaic.white is not None and 0 <= mosaic.white < 2**32 - 0.5:
        tags.append(numbers(WHITE, [round(mosaic.white)], form, DATATYPE.LONG))
    return tags
