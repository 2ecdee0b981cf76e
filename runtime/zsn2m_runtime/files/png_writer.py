"""Writing PNG: 8 and 16 bit, grey or RGB, with or without alpha, with the chunks of the source."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np

from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.png_chunks import SIGNATURE, Chunk, chunks_of
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # samples per pixel: PNG colour type
HEADER_END = len(SIGNATURE) + 25  # bytes: behind the IHDR chunk


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
        is_written, encoded = cv2.imencode(".png", _for_opencv(frame.as_array()))
        if not is_written:
            raise OutputError(f"{self.path}: expected a frame that OpenCV can write, but it cannot; write .tif instead")
        with self._temporary.open("wb") as stream:
            stream.write(SIGNATURE)
            for chunk in (Chunk(b"IHDR", header), *self._chunks):
                stream.write(chunk.packed())
            stream.write(encoded.data[HEADER_END:])


def _for_opencv(array: Pixels) -> Pixels:
    """The array in OpenCV's order; grey with alpha, which it does not write, as another kind of as many bytes a pixel.

    PNG filters bytes by the pixel to the left, so the rows are the same; only the header differs.

    Shape:
        array: (h, w) or (h, w, 2 | 3 | 4), uint8 or uint16
    """
    samples = 1 if array.ndim == 2 else array.shape[2]
    if samples == 2 and array.dtype == np.uint8:
        array, samples = np.ascontiguousarray(array).view(">u2")[..., 0].astype(np.uint16), 1
    elif samples == 2:
        array, samples = np.ascontiguousarray(array, ">u2").view(np.uint8), 4
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    return cv2.cvtColor(array, order[samples]) if samples in order else array
