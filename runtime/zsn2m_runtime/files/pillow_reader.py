"""Reading JPEG, WebP and BMP with Pillow: 8 bit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import ImageFile as PillowImage
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from zsn2m_runtime.errors import InputError, Zsn2mError
from zsn2m_runtime.files.layout import EXIF_PREFIX, Metadata
from zsn2m_runtime.files.picture_file import PictureFile
from zsn2m_runtime.files.pillow_writer import PillowWriter
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

# The plugins are called directly: Image.open() would refuse large frames as "decompression bombs".
PLUGINS: dict[str, type[PillowImage.ImageFile]] = {
    "JPEG": JpegImageFile,
    "WebP": WebPImageFile,
    "BMP": BmpImageFile,
}
# A damaged header must not cost all memory. Progressive JPEG needs more than 1 bit per 64 pixels, run-length BMP
# 2 bytes per 255; lossless WebP has no such bound, but is at most 16383 pixels wide and high.
MOST_PIXELS_PER_BYTE = {"JPEG": 1 << 10, "BMP": 1 << 10, "WebP": 1 << 28}
STRIP_PIXELS = 1 << 22  # converted at once: at most 16 MB of RGBA
PLAIN_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA"}


class PillowFile(PictureFile):
    """A file that Pillow decodes, whole, when it is opened."""

    kind: str

    def __init__(self, path: Path) -> None:
        self._info: dict[str | tuple[int, int], object] = {}
        super().__init__(path, self._decode(path, path.read_bytes()))

    def _decode(self, path: Path, content: bytes) -> Frame:
        try:
            with PLUGINS[self.kind](io.BytesIO(content)) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise InputError(f"{path}: expected one picture, but got an animation; save its frames as files")
                if image.mode not in PLAIN_MODES:
                    raise InputError(
                        f"{path}: expected grey or RGB, but got {image.mode}; convert it to RGB with its colour profile"
                    )
                if image.width * image.height > MOST_PIXELS_PER_BYTE[self.kind] * len(content):
                    raise ValueError(f"{image.height}x{image.width} pixels do not fit in {len(content)} bytes")
                image.load()
                self._info = dict(image.info)
                array = _pixels(image, PLAIN_MODES[image.mode])
        except Zsn2mError:
            raise
        except Exception as error:  # Pillow's plugins raise errors of many kinds
            raise InputError(
                f"{path}: expected a complete {self.kind} file, but got one that cannot be decoded "
                f"({error}); copy or export the file again"
            ) from error
        return Frame(array) if array.shape[2:] != (4,) else Frame(array[:, :, :3].copy(), array[:, :, 3].copy())

    @property
    def metadata(self) -> Metadata:
        exif = self._bytes("exif")
        return Metadata(
            icc=self._bytes("icc_profile"),
            exif=None if exif is None else exif.removeprefix(EXIF_PREFIX),
            xmp=self._bytes("xmp"),
            resolution=self._resolution(),
            texts=self._bytes("comment") is not None,
        )

    def _bytes(self, name: str) -> bytes | None:
        value = self._info.get(name)
        return value if isinstance(value, bytes) and value else None

    def _resolution(self) -> tuple[float, float] | None:
        value = self._info.get("dpi")
        if isinstance(value, tuple) and len(value) == 2 and all(float(part) > 0 for part in value):
            return float(value[0]), float(value[1])
        return None

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return PillowWriter(out_path, self.layout, self.metadata, self._bytes("comment") or b"")


def _pixels(image: PillowImage.ImageFile, mode: str) -> Pixels:
    """The samples, converted strip by strip: the copies of a whole picture would take several times its memory."""
    rows = max(1, STRIP_PIXELS // image.width)
    if image.height <= rows:
        return np.array(image if image.mode == mode else image.convert(mode))
    channels = len(mode)
    pixels = np.empty((image.height, image.width) + ((channels,) if channels > 1 else ()), np.uint8)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels[top : top + rows] = np.asarray(strip if strip.mode == mode else strip.convert(mode))
    return pixels


class JpegFile(PillowFile):
    """A JPEG file; of a multi-picture file the main picture."""

    kind = "JPEG"
    suffixes = (".jpg", ".jpeg")


class WebpFile(PillowFile):
    """A WebP file."""

    kind = "WebP"
    suffixes = (".webp",)


class BmpFile(PillowFile):
    """A BMP file."""

    kind = "BMP"
    suffixes = (".bmp",)
