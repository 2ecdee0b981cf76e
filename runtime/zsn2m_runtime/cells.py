"""Pictures in cells of 2 x 2 pixels, and in bands of rows of them, several of which are worked on at a time."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.several_threads import each

Floats = npt.NDArray[np.float32]

CELL = 2  # pixels, side of a cell
BAND = 2**17  # cells of a band: measured, docs/decisions/fusion.md


def in_bands(shape: tuple[int, int], work: Callable[[slice], None]) -> None:
    """Call `work` with the rows of each band, on as many threads as OpenCV takes.

    Shape:
        shape: rows and columns of cells
    """
    rows, columns = shape
    step = max(1, BAND // columns)
    bands = [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
    each(work, bands)


def pixels_of(band: slice) -> slice:
    """The rows of pixels in rows of cells; the last may go beyond an odd side."""
    return slice(CELL * band.start, CELL * band.stop)


def around(band: slice, margin: int, rows: int) -> tuple[slice, slice]:
    """A band with as many more rows on each side as there are, and the band's place in that."""
    start, stop = max(band.start - margin, 0), min(band.stop + margin, rows)
    return slice(start, stop), slice(band.start - start, band.stop - start)


def to_cells(plane: Floats, out: Floats | None = None) -> Floats:
    """Mean of each cell; an odd side is continued.

    Args:
        out: where it is written
    Shape:
        (h, w) -> halves, rounded up
    """
    height, width = plane.shape
    if height % CELL or width % CELL:
        plane = np.pad(plane, ((0, height % CELL), (0, width % CELL)), mode="edge")
    size = (-(-width // CELL), -(-height // CELL))
    return np.asarray(cv2.resize(plane, size, out, interpolation=cv2.INTER_AREA), np.float32)


def to_pixels(cells: Floats, shape: tuple[int, ...], band: slice | None = None) -> Floats:
    """Values of cells at each pixel, in between linear.

    Args:
        band: rows of cells; None: all
    Shape:
        shape: (..., h, w) of the whole picture
        returns: the rows of pixels of the band
    """
    rows, columns = cells.shape
    wide, inner = (slice(0, rows), slice(0, rows)) if band is None else around(band, 1, rows)
    part = cells[wide]
    whole = cv2.resize(part, (CELL * columns, CELL * part.shape[0]), interpolation=cv2.INTER_LINEAR)
    kept = pixels_of(inner)
    last = min(kept.stop, shape[-2] - CELL * wide.start)
    return np.ascontiguousarray(whole[kept.start : last, : shape[-1]], np.float32)
