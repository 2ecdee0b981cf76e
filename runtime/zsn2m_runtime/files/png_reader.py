"""Reading PNG: 8 and 16 bit, grey or RGB, with or without alpha; palettes and 1 to 4 bit become 8 bit.

Pixels are decoded by OpenCV, because Pillow reads 16-bit RGB as 8 bit.
"""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Metadata
from zsn2m_runtime.files.picture_file import PictureFile
from zsn2m_runtime.files.png_chunks import (
    CARRIED,
    LONGEST_SIDE,
    SIGNATURE,
    BrokenPngError,
    Chunk,
    metadata_of,
    split_chunks,
)
from zsn2m_runtime.files.png_writer import PngWriter
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

GREY, GREY_ALPHA = 0, 4  # PNG colour types
PIXEL_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))


class PngFile(PictureFile):
    """A PNG file, decoded when it is opened."""

    suffixes = (".png",)

    def __init__(self, path: Path) -> None:
        try:
            self._chunks = split_chunks(path.read_bytes())
        except BrokenPngError as error:
            raise InputError(
                f"{path}: expected a complete PNG file, but {error}; copy or export the file again"
            ) from error
        if any(chunk.kind == b"acTL" for chunk in self._chunks):
            raise InputError(f"{path}: expected one picture, but got an animated PNG; save its frames as files")
        super().__init__(path, _decode(self._chunks, path))

    @property
    def metadata(self) -> Metadata:
        return metadata_of(self._chunks)

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return PngWriter(out_path, self.layout, [chunk for chunk in self._chunks if chunk.kind in CARRIED])


def _decode(chunks: list[Chunk], path: Path) -> Frame:
    width, height = struct.unpack(">II", chunks[0].data[:8])
    if max(width, height) > LONGEST_SIDE:  # libpng would print
        raise InputError(
            f"{path}: expected a PNG file with sides of at most {LONGEST_SIDE}, but got {height}x{width}; "
            f"save it as .tif"
        )
    # Only the chunks of the pixels: libpng prints warnings about others, such as colour profiles.
    content = SIGNATURE + b"".join(chunk.packed() for chunk in chunks if chunk.kind in PIXEL_CHUNKS)
    try:
        # Unchanged: not turned by the EXIF orientation, not reduced to 8 bit.
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(f"{path}: expected a readable PNG file, but got {error}; save it again") from error
    if pixels is None:
        raise InputError(f"{path}: expected a readable PNG file, but OpenCV cannot decode it; save it again")
    depth, colour_type = chunks[0].data[8:10]
    if pixels.ndim == 2:
        return Frame(pixels, _alpha_of_key(chunks, pixels, depth))
    if pixels.shape[2] == 4:
        alpha = np.ascontiguousarray(pixels[:, :, 3])
        if colour_type in (GREY, GREY_ALPHA):
            return Frame(np.ascontiguousarray(pixels[:, :, 0]), alpha)
        return Frame(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), alpha)
    return Frame(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def _alpha_of_key(chunks: list[Chunk], pixels: Pixels, depth: int) -> Pixels | None:
    """Alpha of a grey picture in which one value means transparent, which OpenCV ignores."""
    for chunk in chunks:
        if chunk.kind == b"tRNS" and len(chunk.data) == 2:
            highest = np.iinfo(pixels.dtype).max
            key = int.from_bytes(chunk.data, "big") * highest // ((1 << depth) - 1)
            return np.where(pixels == key, 0, highest).astype(pixels.dtype)
    return None
