"""The pixels of a TIFF page as strips or tiles: cut, predicted and compressed."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from tifffile import COMPRESSION, PREDICTOR, TIFF

from zsn2m_runtime.files.tiff_pages import PageForm
from zsn2m_runtime.sample_types import Pixels, is_whole

DEFLATE_LEVEL = 6  # zlib's default
STRIP_TARGET = 1 << 18  # bytes of a strip before compression: tifffile's default
WIDEST_PREDICTED = 4  # bytes of whole numbers; tifffile refuses more
DEFLATES = (COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)
BY_IMAGECODECS = (COMPRESSION.LZW, COMPRESSION.ZSTD)
LOSSY = {6, 7, 33003, 33005, 34712, 34887, 34892, 50001, 50002}  # JPEG of all kinds, LERC, WebP, JPEG XL


def kept_form(form: PageForm) -> PageForm:
    """The form of a result of a page; a compression that cannot be kept becomes deflate."""
    compression = form.compression if keeps(form.compression) else COMPRESSION.ADOBE_DEFLATE
    predictor = PREDICTOR.HORIZONTAL if form.compression in LOSSY else form.predictor
    dtype = form.layout.dtype
    is_fit: dict[int, bool] = {
        PREDICTOR.HORIZONTAL: is_whole(dtype) and dtype.itemsize <= WIDEST_PREDICTED,
        PREDICTOR.FLOATINGPOINT: not is_whole(dtype),
    }
    if compression == COMPRESSION.NONE or not is_fit.get(predictor, False):
        predictor = PREDICTOR.NONE
    return replace(form, compression=compression, predictor=predictor)


def keeps(compression: int) -> bool:
    """Whether a result can be compressed as its source was."""
    if compression in BY_IMAGECODECS:
        return importlib.util.find_spec("imagecodecs") is not None
    return compression in (COMPRESSION.NONE, *DEFLATES, COMPRESSION.LZMA)


def compression_note(compression: int) -> str:
    """What becomes of a compression that cannot be kept; empty for the others."""
    if keeps(compression):
        return ""
    name = compression.name if isinstance(compression, COMPRESSION) else str(compression)
    why = "which would lose again what it lost before" if compression in LOSSY else "which cannot be written here"
    more = "; pip install imagecodecs keeps it" if compression in BY_IMAGECODECS else ""
    return f"its compression {name}, {why}, becomes deflate, which loses nothing{more}"


def strip_rows(form: PageForm) -> int:
    """Of all strips but the last."""
    layout = form.layout
    if form.compression == COMPRESSION.NONE:
        return layout.height
    return min(layout.height, max(1, STRIP_TARGET * layout.height // layout.stated.nbytes))


def segments(array: Pixels, form: PageForm, order: Literal["<", ">"]) -> Iterator[bytes | memoryview]:
    """The strips or tiles of a page, encoded in a byte order.

    Shape:
        array: (h, w) or (h, w, c), c samples with alpha last
    """
    planes = list(np.moveaxis(array, 2, 0)) if form.planar and array.ndim == 3 else [array]
    for plane in planes:
        for part in _tiles(plane, form.tile) if form.tile else _strips(plane, strip_rows(form)):
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


def _encode(part: Pixels, form: PageForm, order: Literal["<", ">"]) -> bytes | memoryview:
    if form.predictor == PREDICTOR.FLOATINGPOINT:
        part = _floating_differences(part)
    elif form.predictor == PREDICTOR.HORIZONTAL:
        part = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
    packed = np.ascontiguousarray(part, part.dtype.newbyteorder(order)).data.cast("B")
    if form.compression in DEFLATES:
        return zlib.compress(packed, DEFLATE_LEVEL)
    return packed if form.compression == COMPRESSION.NONE else bytes(TIFF.COMPRESSORS[form.compression](bytes(packed)))


def _floating_differences(part: Pixels) -> Pixels:
    """Of each row first all highest bytes, then all second ones, and so on, as differences.

    Here because tifffile's needs imagecodecs.

    References:
        TIFF Technical Note 3, Adobe Photoshop (2005).
    """
    rows, samples = len(part), part.shape[2] if part.ndim == 3 else 1
    big = np.ascontiguousarray(part, part.dtype.newbyteorder(">"))
    planes = big.view(np.uint8).reshape(rows, -1, part.dtype.itemsize).transpose(0, 2, 1).reshape(rows, -1)
    ordered = np.ascontiguousarray(planes)
    ordered[:, samples:] -= planes[:, :-samples]
    return ordered
