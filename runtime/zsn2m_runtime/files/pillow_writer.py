"""Writing JPEG, WebP and BMP with Pillow: 8 bit."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from zsn2m_runtime.files.layout import EXIF_PREFIX, Layout, Metadata
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame

JPEG_QUALITY = 95  # the highest that Pillow's documentation recommends; above it, only the size grows
FULL_COLOUR = 0  # 4:4:4
FORMAT_NAMES = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}


class PillowWriter(ImageWriter):
    """Writes one frame as JPEG (quality 95, 4:4:4), WebP (lossless) or BMP."""

    def __init__(self, path: Path, layout: Layout, metadata: Metadata, comment: bytes = b"") -> None:
        super().__init__(path, layout)
        self._metadata = metadata
        self._comment = comment

    def _begin(self, temporary: Path) -> None:
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        image = Image.fromarray(frame.as_array())
        metadata = self._metadata
        exif = b"" if metadata.exif is None else EXIF_PREFIX + metadata.exif
        options: dict[str, object] = {}
        if metadata.resolution is not None:
            options["dpi"] = metadata.resolution
        name = FORMAT_NAMES[self.path.suffix.lower()]
        if name == "JPEG":
            options |= {"quality": JPEG_QUALITY, "subsampling": FULL_COLOUR, "comment": self._comment}
        if name == "WEBP":
            # exact: also the colours under fully transparent pixels
            options |= {"lossless": True, "exact": True}
        if name != "BMP":
            options |= {"icc_profile": metadata.icc or b"", "exif": exif, "xmp": metadata.xmp or b""}
        with self._temporary.open("wb") as stream:
            image.save(stream, name, **options)
