"""Writing PNG: 8 and 16 bit, grey or RGB, with or without alpha, with the chunks of the source.

Encoded here, because neither Pillow nor OpenCV writes 16-bit grey + alpha or carries all chunks.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.png_chunks import SIGNATURE, Chunk, chunks_of
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # samples per pixel: PNG colour type
SUBTRACT_LEFT = 1  # PNG filter type "Sub"
COMPRESSION_LEVEL = 3  # noise hardly shrinks at any level; more only costs time
ROWS_AT_ONCE = 256


class PngWriter(ImageWriter):
    """Writes one frame as PNG, with the given chunks in front of the pixels."""

    def __init__(self, path: Path, layout: Layout, chunks: list[Chunk]) -> None:
        super().__init__(path, layout)
        self._chunks = chunks

    @classmethod
    def with_metadata(cls, path: Path, layout: Layout, metadata: Metadata) -> PngWriter:
        """A writer for metadata that comes from another format."""
        return cls(path, layout, chunks_of(metadata))

    def _begin(self, temporary: Path) -> None:
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        layout = self.layout
        depth = 8 * layout.dtype.itemsize
        header = struct.pack(">IIBBBBB", layout.width, layout.height, depth, COLOUR_TYPES[layout.samples], 0, 0, 0)
        with self._temporary.open("wb") as stream:
            stream.write(SIGNATURE)
            for chunk in (Chunk(b"IHDR", header), *self._chunks):
                stream.write(chunk.packed())
            _write_pixels(stream, frame.as_array())
            stream.write(Chunk(b"IEND", b"").packed())


def _write_pixels(stream: BinaryIO, array: Pixels) -> None:
    """Filter and deflate the rows, a band at a time.

    Shape:
        array: (h, w) or (h, w, 2 | 3 | 4), uint8 or uint16
    """
    step = array.itemsize * (1 if array.ndim == 2 else array.shape[2])  # bytes from a pixel to its right neighbour
    deflate = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
    for top in range(0, array.shape[0], ROWS_AT_ONCE):
        band = array[top : top + ROWS_AT_ONCE]
        rows = np.ascontiguousarray(band, band.dtype.newbyteorder(">")).view(np.uint8).reshape(len(band), -1)
        filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)  # (rows, filter type + bytes)
        filtered[:, 0] = SUBTRACT_LEFT
        filtered[:, 1 : 1 + step] = rows[:, :step]
        np.subtract(rows[:, step:], rows[:, :-step], out=filtered[:, 1 + step :])
        packed = deflate.compress(filtered.data)
        if packed:
            stream.write(Chunk(b"IDAT", packed).packed())
    stream.write(Chunk(b"IDAT", deflate.flush()).packed())
