"""Masks of blank areas, and filling them pixel by pixel: the slow oracle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Pixels

Mask = npt.NDArray[np.bool_]


def areas() -> dict[str, Mask]:
    """Blank areas of a frame of 96 x 112."""
    found = {name: np.zeros((96, 112), bool) for name in ("bars", "square", "frame", "corner", "shift", "row", "disc")}
    found["bars"][:16], found["bars"][-16:] = True, True
    found["square"][30:46, 50:66] = True
    found["frame"][:] = True
    found["frame"][20:80, 17:90] = False
    found["corner"][60:, 70:] = True
    found["shift"][:3], found["shift"][:, -5:] = True, True
    found["row"][0] = True
    down, along = np.mgrid[:96, :112]
    found["disc"] = np.hypot(down - 50, along - 50) > 44
    return found


def slowly_filled(pixels: Pixels, blank: Mask) -> Pixels:
    """The same, pixel by pixel."""
    result, left = pixels.copy(), blank.copy()
    while left.any():
        now, known = result.copy(), ~left
        for row, column in np.argwhere(left):
            best = None
            for down, along in ((0, -1), (0, 1), (-1, 0), (1, 0)):
                for away in range(1, max(blank.shape)):
                    there = row + down * away, column + along * away
                    if not (0 <= there[0] < blank.shape[0] and 0 <= there[1] < blank.shape[1]):
                        break
                    if known[there]:
                        if best is None or away < best[0]:
                            mirrored = there[0] + down * (away - 1), there[1] + along * (away - 1)
                            inside = 0 <= mirrored[0] < blank.shape[0] and 0 <= mirrored[1] < blank.shape[1]
                            best = away, mirrored if inside and known[mirrored] else there
                        break
            if best:
                now[row, column] = result[best[1]]
                left[row, column] = False
        result = now
    return result
