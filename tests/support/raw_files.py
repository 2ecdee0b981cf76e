"""DNG and TIFF/EP files with a drawn mosaic and known tags, written by tifffile."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

Array = np.ndarray[Any, Any]
ExtraTag = tuple[int, int | str, int, Any, bool]  # as tifffile takes it

COLOURS = "RGB"
BLACK, WHITE = (500, 510, 520, 530), 15_000
NEUTRAL = (0.5, 1.0, 0.7)
MATRIX = (7034, -804, -1014, -4420, 12564, 2058, -851, 1994, 5758)  # of a real camera, in ten thousandths
EXPOSURE = (25, 100)  # of an aperture stop
CFA, LINEAR_RAW = 32803, 34892


def drawn_mosaic(height: int = 96, width: int = 128, seed: int = 0) -> Array:
    """A smooth picture with noise, from about 1,000 to 12,000, (h, w) uint16."""
    rows, columns = np.mgrid[:height, :width]
    picture = 1500 + 4000 * np.sin(columns / 17) ** 2 + 5000 * np.cos(rows / 13) ** 2
    noise = np.random.default_rng(seed).normal(0, 100, picture.shape)
    return np.rint(picture + noise).astype(np.uint16)


@dataclass(frozen=True)
class Drawn:
    """How a file is drawn; `area` is (top, left, bottom, right), None: all of it."""

    pattern: str = "RGGB"
    area: tuple[int, int, int, int] | None = None
    below_preview: bool = False
    byteorder: str = "<"
    make: str = "Maker"
    model: str = "One"
    orientation: int = 1
    photometric: int = CFA
    extra: Sequence[ExtraTag] = ()
    options: dict[str, Any] = field(default_factory=dict)  # of tifffile's write


def ratio(values: Sequence[float], parts: int = 10_000) -> tuple[int, ...]:
    """Numbers as tifffile takes ratios."""
    return tuple(number for value in values for number in (round(value * parts), parts))


def of_camera(drawn: Drawn) -> list[ExtraTag]:
    """The tags that a DNG has in its first directory."""
    return [
        (271, "s", 0, drawn.make, True),
        (272, "s", 0, drawn.model, True),
        (274, "H", 1, drawn.orientation, True),
        (306, "s", 0, "2026:01:02 03:04:05", True),
        (50728, 5, 3, ratio(NEUTRAL), True),
    ]


def of_dng(drawn: Drawn) -> list[ExtraTag]:
    """The same, of what makes it a DNG."""
    return [
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50707, "B", 4, (1, 1, 0, 0), True),
        (50708, "s", 0, f"{drawn.make} {drawn.model}", True),
        (50721, 10, 9, tuple(number for value in MATRIX for number in (value, 10_000)), True),
        (50778, "H", 1, 21, True),
        (50730, 10, 1, EXPOSURE, True),
    ]


def of_mosaic(drawn: Drawn, black: bool = True, white: bool = True) -> list[ExtraTag]:
    """The tags that say filters and levels."""
    tags: list[ExtraTag] = [
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, tuple(COLOURS.index(cell) for cell in drawn.pattern), True),
    ]
    tags += [(50713, "H", 2, (2, 2), True), (50714, "I", 4, BLACK, True)] if black else []
    tags += [(50717, "I", 1, WHITE, True)] if white else []
    tags += [(50829, "I", 4, drawn.area, True)] if drawn.area else []
    return tags


def draw_dng(path: Path, samples: Array, drawn: Drawn | None = None, **levels: bool) -> None:
    """A DNG; `levels` may leave out black or white.

    Shape:
        samples: (h, w), or (h, w, 3) of a linear DNG
    """
    drawn = drawn or Drawn()
    first, below = [*of_camera(drawn), *of_dng(drawn)], [*of_mosaic(drawn, **levels), *drawn.extra]
    options: dict[str, Any] = {"photometric": drawn.photometric, "metadata": None, "subfiletype": 0, **drawn.options}
    with tifffile.TiffWriter(path, byteorder=drawn.byteorder) as tiff:
        if drawn.below_preview:
            small = np.full((24, 32, 3), 99, np.uint8)
            tiff.write(small, photometric="rgb", subifds=1, subfiletype=1, extratags=first, metadata=None)
            tiff.write(samples, extratags=below, **options)
        else:
            tiff.write(samples, extratags=[*first, *below], **options)


def draw_camera_raw(path: Path, samples: Array, drawn: Drawn) -> bytes:
    """What some cameras write: a TIFF/EP without the tags of a DNG, which LibRaw knows by its maker and model.

    Returns the JPEG of its preview, which it has if it is to be below one.
    """
    first, below = of_camera(drawn), [*of_mosaic(drawn), *drawn.extra]
    options: dict[str, Any] = {"photometric": CFA, "metadata": None, "subfiletype": 0}
    of_preview: dict[str, Any] = {"photometric": "minisblack", "metadata": None, "subfiletype": 1, "subifds": 1}
    preview = np.frombuffer(_jpeg(160, 120), np.uint8)
    with tifffile.TiffWriter(path, byteorder=drawn.byteorder) as tiff:
        if drawn.below_preview:
            tiff.write(preview[None], extratags=first, **of_preview)
            tiff.write(samples, extratags=below, **options)
        else:
            tiff.write(samples, extratags=[*first, *below], **options)
    if drawn.below_preview:  # tifffile alone writes no JPEG: its bytes were taken for pixels
        with tifffile.TiffFile(path, mode="r+b") as tiff:
            for code, value in {256: 160, 257: 120, 259: 7, 278: 120}.items():
                tiff.pages.first.tags[code].overwrite(value)
    return preview.tobytes()


def _jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (90, 60, 30)).save(buffer, "JPEG")
    return buffer.getvalue()
