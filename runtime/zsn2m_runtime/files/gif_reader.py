"""Reading GIF with Pillow: one picture, or an animation as a stack. It is not written, as it has 256 colours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL.GifImagePlugin import GifImageFile

from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

TRAILER = b"\x3b"
MOST_PIXELS_PER_BYTE = 1 << 12  # LZW codes of 12 bits stand for at most 4096 pixels


class GifFile(ImageFile):
    """A GIF file; frames are whole pictures. Grey if all are grey, with alpha if any has transparent pixels."""

    suffixes = (".gif",)

    def __init__(self, path: Path) -> None:
        self._path = path
        content = path.read_bytes()
        try:
            if content.rstrip(b"\x00")[-1:] != TRAILER:
                raise ValueError("it ends too early")
            self._image = GifImageFile(io.BytesIO(content))
            self._size = self._image.size
            if self._image.width * self._image.height > MOST_PIXELS_PER_BYTE * len(content):
                raise ValueError("it has fewer bytes than its size needs")
            pages = int(self._image.n_frames)
            self._is_grey, self._has_alpha = True, False
            for page in range(pages):
                colours = self._colours(page)
                self._is_grey &= bool((colours[..., :1] == colours[..., 1:3]).all())
                self._has_alpha |= bool((colours[..., 3] < 255).any())
        except Exception as error:  # Pillow's plugins raise errors of many kinds
            raise self._damaged(error) from error
        size = self._image.height, self._image.width
        super().__init__(path, Layout(np.dtype(np.uint8), 1 if self._is_grey else 3, self._has_alpha, *size, pages))

    def _colours(self, page: int) -> Pixels:
        self._image.seek(page)
        if self._image.size != self._size:  # Pillow lets a later frame grow the picture to any size
            raise ValueError(f"frame {page + 1} is larger than the picture")
        return np.array(self._image.convert("RGBA"))

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"{self._path}: expected a complete GIF file, but got one that cannot be decoded ({error}); "
            f"copy or export the file again"
        )

    @property
    def metadata(self) -> Metadata:
        return Metadata()

    def _read(self, page: int) -> Frame:
        try:
            colours = self._colours(page)
        except Zsn2mError:
            raise
        except Exception as error:
            raise self._damaged(error) from error
        pixels = np.ascontiguousarray(colours[..., 0] if self._is_grey else colours[..., :3])
        return Frame(pixels, np.ascontiguousarray(colours[..., 3]) if self._has_alpha else None)

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        raise UsageError(
            f"{out_path}: expected a format that holds all colours, but got GIF, which has 256; write .tif"
        )

    def close(self) -> None:
        self._image.close()
