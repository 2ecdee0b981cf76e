"""What a TIFF page holds, read from its tags, and whether that can be a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import ORIENTATION, Layout
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.tiff_structure import BrokenTiffError, Dialect, Tag
from zsn2m_runtime.files.tiff_tags import (
    BITS,
    COMPRESSION,
    DEFLATE,
    EXTRA_SAMPLES,
    HEIGHT,
    IMAGE_DEPTH,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    OLD_DEFLATE,
    PALETTE,
    PHOTOMETRIC,
    PLANAR,
    PREDICTOR,
    RGB,
    SAMPLE_FORMAT,
    SAMPLES,
    STRIP_BYTES,
    STRIP_OFFSETS,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_WIDTH,
    UNCOMPRESSED,
    WIDTH,
    YCBCR,
    values_of,
)
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, conversion_of

PLANAR_SEPARATE = 2
_WIDEST_PACKED = 32  # bits of a sample; from there on whole bytes that NumPy has
# A damaged size must not cost all memory. LZW codes of 12 bits stand for at most 4096 bytes; deflate reaches 1032.
MOST_BYTES_PER_BYTE = {5: 4096, DEFLATE: 1100, OLD_DEFLATE: 1100, UNCOMPRESSED: 1}
FORMAT_NAMES = {1: "uint", 2: "int", 3: "float", 4: "uint", 5: "complex int", 6: "complex"}
PHOTOMETRIC_NAMES = {
    PALETTE: "palette",
    4: "mask",
    5: "CMYK",
    8: "Lab",
    9: "Lab",
    10: "Lab",
    32803: "sensor mosaic",
}


@dataclass(frozen=True)
class PageFacts:
    """The shape of one page and how it is stored."""

    layout: Layout
    photometric: int
    compression: int
    predictor: int
    planar: bool
    orientation: int  # 1 is upright
    first_byte: int  # where its first segment begins
    tile: tuple[int, int] | None = None  # rows and columns of a tile; None: strips

    @property
    def stated(self) -> Stated:
        """The size that must be decoded, with what fills up the tiles at the border."""
        layout, (rows, columns) = self.layout, self.tile or (1, 1)
        height, width = layout.height + -layout.height % rows, layout.width + -layout.width % columns
        return Stated(width, height, layout.samples * layout.dtype.itemsize)

    @property
    def stored_bytes(self) -> int:
        """Size of the pixels without compression, with what fills up the tiles."""
        return self.stated.nbytes

    @property
    def nbytes(self) -> int:
        """Size of the pixels without compression."""
        layout = self.layout
        return layout.height * layout.width * layout.samples * layout.dtype.itemsize


class _Values:
    """Tags of one page by code, with defaults."""

    def __init__(self, tags: Mapping[int, Tag], dialect: Dialect) -> None:
        self._tags = tags
        self._dialect = dialect

    def all(self, code: int) -> list[int]:
        return values_of(self._tags, code, self._dialect)

    def first(self, code: int, default: int) -> int:
        return (self.all(code) or [default])[0]


def page_facts(tags: Mapping[int, Tag], dialect: Dialect, name: str, allow_palette: bool) -> PageFacts:
    """What a page holds; a palette page counts as grey if `allow_palette` (ImageJ's lookup tables).

    Raises:
        InputError: if it cannot be a frame.
        BrokenTiffError: if tags are missing or wrong.
    """
    values = _Values(tags, dialect)
    height, width = values.first(HEIGHT, 0), values.first(WIDTH, 0)
    if not height or not width:
        raise BrokenTiffError("a page has no size")
    if values.first(IMAGE_DEPTH, 1) != 1:
        raise InputError(f"{name}: expected flat pages, but got volumes; save one page per slice")
    photometric = values.first(PHOTOMETRIC, MIN_IS_BLACK)
    allowed = {MIN_IS_WHITE, MIN_IS_BLACK, RGB, YCBCR} | ({PALETTE} if allow_palette else set())
    if photometric not in allowed:
        got = PHOTOMETRIC_NAMES.get(photometric, f"photometric {photometric}")
        raise InputError(f"{name}: expected grey or RGB, but got {got}; convert it first")
    channels, has_alpha = _samples(values, photometric, name)
    offsets = values.all(STRIP_OFFSETS) or values.all(TILE_OFFSETS)
    if not offsets:
        raise BrokenTiffError("a page has no pixels")
    return PageFacts(
        layout=Layout(_dtype(values, name), channels, has_alpha, height, width),
        photometric=photometric,
        compression=values.first(COMPRESSION, UNCOMPRESSED),
        predictor=values.first(PREDICTOR, 1),
        planar=values.first(PLANAR, 1) == PLANAR_SEPARATE and channels + has_alpha > 1,
        orientation=values.first(ORIENTATION, 1),
        first_byte=offsets[0],
        tile=_tile(values),
    )


def _tile(values: _Values) -> tuple[int, int] | None:
    if not values.all(TILE_OFFSETS):
        return None
    rows, columns = values.first(TILE_HEIGHT, 0), values.first(TILE_WIDTH, 0)
    if not rows or not columns:
        raise BrokenTiffError("its tiles have no size")
    return rows, columns


def _samples(values: _Values, photometric: int, name: str) -> tuple[int, bool]:
    """Channels, and whether there is alpha."""
    samples, extra = values.first(SAMPLES, 1), values.all(EXTRA_SAMPLES)
    colour = photometric in (RGB, YCBCR)
    if samples == 1 and not colour:
        return 1, False
    if samples == 3:
        return 3, False
    if samples == 2 and not colour and extra and extra[0] in (1, 2):
        return 1, True
    if samples == 4 and colour:
        return 3, True
    raise InputError(
        f"{name}: expected grey, RGB, grey + alpha or RGB + alpha, but got {samples} samples per pixel; "
        f"save the channels as pages"
    )


def _dtype(values: _Values, name: str) -> np.dtype[np.generic]:
    bits, formats = set(values.all(BITS) or [1]), set(values.all(SAMPLE_FORMAT) or [1])
    names = sorted(f"{FORMAT_NAMES.get(kind, 'unknown ')}{bit}" for kind in formats for bit in bits)
    if len(names) > 1 or names[0] not in SAMPLE_DTYPES:
        raise InputError(
            f"{name}: expected samples of {', '.join(SAMPLE_DTYPES)}, but got {', '.join(names)}; "
            f"{_conversion_of(names[0], max(bits))}"
        )
    return np.dtype(names[0])


def _conversion_of(name: str, bits: int) -> str:
    """How to convert a TIFF whose samples no frame can have, and its result back."""
    if name.startswith("uint") and bits < _WIDEST_PACKED:  # 1, 4, 10, 12 or 24 bits, packed
        wide = "uint8" if bits < 8 else "uint16" if bits < 16 else "uint32"
        return (
            f"convert with tifffile.imwrite(NEW, tifffile.imread(OLD).astype('{wide}')) (needs imagecodecs); "
            f"tifffile.imwrite(NEW, result, bitspersample={bits}) brings results back"
        )
    if name.startswith("complex"):
        return f"save with tifffile.imwrite(NEW, array) what array = tifffile.imread(OLD) has: {conversion_of(name)}"
    return "convert with tifffile.imwrite(NEW, tifffile.imread(OLD).astype('float32'))"


def check_inside_file(facts: PageFacts, tags: Mapping[int, Tag], dialect: Dialect, file_bytes: int) -> None:
    """Check that all pixels of a page lie inside the file.

    Raises:
        BrokenTiffError: if the file was cut.
    """
    for where, size in ((STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTES)):
        begins, sizes = values_of(tags, where, dialect), values_of(tags, size, dialect)
        if any(begin + length > file_bytes for begin, length in zip(begins, sizes, strict=False)):
            raise BrokenTiffError("it ends too early")
        most = MOST_BYTES_PER_BYTE.get(facts.compression)
        if sizes and most is not None and facts.nbytes > most * sum(sizes):
            raise BrokenTiffError("a page has fewer bytes than its size needs")
