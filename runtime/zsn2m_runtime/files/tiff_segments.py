"""The pixels of a TIFF page as strips or tiles: cut, predicted and compressed."""

from __future__ import annotations

import importlib.util
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.tiff_structure import ByteOrder, Tag
from zsn2m_runtime.files.tiff_tags import DEFLATE, HORIZONTAL, OLD_DEFLATE, UNCOMPRESSED
from zsn2m_runtime.sample_types import Pixels, is_whole

if TYPE_CHECKING:
    from zsn2m_runtime.files.tiff_pages import PageFacts
    from zsn2m_runtime.files.tiff_pyramid import Level

DEFLATE_LEVEL = 6
STRIP_TARGET = 1 << 18  # bytes of a strip before compression; libtiff advises small strips
WIDEST_PREDICTED = 4  # bytes of whole numbers; tifffile refuses more
NO_PREDICTOR, FLOATING = 1, 3  # beside HORIZONTAL
LZW, LZMA, ZSTD = 5, 34925, 50000
BY_IMAGECODECS = {LZW: "lzw_encode", ZSTD: "zstd_encode"}
LOSSY = {6, 7, 33003, 33005, 34712, 34887, 34892, 50001, 50002}  # JPEG of all kinds, LERC, WebP, JPEG XL


@dataclass(frozen=True)
class PageForm:
    """How the pixels of one page are stored.

    Shape:
        array: (h, w) or (h, w, c), c samples with alpha last
    """

    layout: Layout
    compression: int
    predictor: int  # NO_PREDICTOR, HORIZONTAL or FLOATING
    planar: bool  # one plane after another
    tags: tuple[Tag, ...]  # everything but where and how the pixels are stored
    tile: tuple[int, int] | None = None  # rows and columns; None: strips
    levels: tuple[Level, ...] = ()  # smaller copies

    @property
    def nbytes(self) -> int:
        """Size of the page without compression."""
        layout = self.layout
        return layout.height * layout.width * layout.samples * layout.dtype.itemsize


def form_like(facts: PageFacts, tags: tuple[Tag, ...], levels: tuple[Level, ...] = ()) -> PageForm:
    """The form of a source page; a compression that cannot be kept becomes deflate."""
    compression = facts.compression if keeps(facts.compression) else DEFLATE
    dtype, predictor = facts.layout.dtype, facts.predictor
    if compression == UNCOMPRESSED or predictor not in (HORIZONTAL, FLOATING):
        predictor = NO_PREDICTOR
    if facts.compression in LOSSY:  # which has its own ways
        predictor = HORIZONTAL
    if predictor == HORIZONTAL and not (is_whole(dtype) and dtype.itemsize <= WIDEST_PREDICTED):
        predictor = NO_PREDICTOR
    if predictor == FLOATING and dtype.kind != "f":
        predictor = NO_PREDICTOR
    return PageForm(facts.layout, compression, predictor, facts.planar, tags, facts.tile, levels)


def keeps(compression: int) -> bool:
    """Whether a result can be compressed as its source was."""
    if compression in BY_IMAGECODECS:
        return importlib.util.find_spec("imagecodecs") is not None
    return compression in (UNCOMPRESSED, DEFLATE, OLD_DEFLATE, LZMA)


def compression_note(compression: int) -> str:
    """What becomes of a compression that cannot be kept; empty for the others."""
    if keeps(compression):
        return ""
    name = getattr(tifffile.COMPRESSION(compression), "name", str(compression))
    why = "which would lose again what it lost before" if compression in LOSSY else "which cannot be written here"
    more = "; pip install imagecodecs keeps it" if compression in BY_IMAGECODECS else ""
    return f"its compression {name}, {why}, becomes deflate, which loses nothing{more}"


def rows_per_strip(form: PageForm) -> int:
    """Of all strips but the last."""
    if form.compression == UNCOMPRESSED:
        return form.layout.height
    row_bytes = form.nbytes // form.layout.height
    return min(form.layout.height, max(1, STRIP_TARGET // row_bytes))


def segments(array: Pixels, form: PageForm, order: ByteOrder) -> Iterator[bytes | memoryview]:
    """The strips or tiles of a page, encoded.

    Shape:
        array: (h, w) or (h, w, c)
    """
    planes = list(np.moveaxis(array, 2, 0)) if form.planar and array.ndim == 3 else [array]
    for plane in planes:
        for part in _tiles(plane, form.tile) if form.tile else _strips(plane, rows_per_strip(form)):
            yield _encode(part, form, order)


def _strips(plane: Pixels, rows: int) -> Iterator[Pixels]:
    yield from (plane[top : top + rows] for top in range(0, len(plane), rows))


def _tiles(plane: Pixels, tile: tuple[int, int]) -> Iterator[Pixels]:
    """Whole tiles; those at the border are filled up with zeros."""
    rows, columns = tile
    for top in range(0, plane.shape[0], rows):
        for left in range(0, plane.shape[1], columns):
            part = plane[top : top + rows, left : left + columns]
            lacking = [(0, rows - part.shape[0]), (0, columns - part.shape[1])] + [(0, 0)] * (part.ndim - 2)
            yield np.pad(part, lacking) if any(after for _, after in lacking) else part


def _encode(part: Pixels, form: PageForm, order: ByteOrder) -> bytes | memoryview:
    if form.predictor == FLOATING:
        packed: bytes | memoryview = _floating_differences(part).data.cast("B")
    else:
        if form.predictor == HORIZONTAL:
            part = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
        packed = np.ascontiguousarray(part, part.dtype.newbyteorder(order)).data.cast("B")
    if form.compression == UNCOMPRESSED:
        return packed
    if form.compression == LZMA:
        return lzma.compress(packed)
    if form.compression in BY_IMAGECODECS:
        import imagecodecs

        encode: Any = getattr(imagecodecs, BY_IMAGECODECS[form.compression])
        return bytes(encode(bytes(packed)))
    return zlib.compress(packed, DEFLATE_LEVEL)


def _floating_differences(part: Pixels) -> Pixels:
    """Of each row first all highest bytes, then all second ones, and so on, as differences.

    References:
        TIFF Technical Note 3, Adobe Photoshop (2005).
    """
    rows, samples = len(part), part.shape[2] if part.ndim == 3 else 1
    big = np.ascontiguousarray(part, part.dtype.newbyteorder(">"))
    planes = big.view(np.uint8).reshape(rows, -1, part.dtype.itemsize).transpose(0, 2, 1).reshape(rows, -1)
    ordered = np.ascontiguousarray(planes)
    ordered[:, samples:] -= planes[:, :-samples]
    return ordered
