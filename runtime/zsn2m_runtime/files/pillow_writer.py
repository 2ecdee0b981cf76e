"""Writing JPEG, WebP and BMP with Pillow: 8 bit."""

from __future__ import annotations

import io
import logging
from pathlib import Path

from PIL import Image

from zsn2m_runtime.files.layout import EXIF_PREFIX, Layout, Metadata, exif_of_orientation
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame

JPEG_QUALITY = 95  # the highest that Pillow's documentation recommends; above it, only the size grows
FULL_COLOUR = 0  # 4:4:4
JPEG_SEGMENT = 65533  # the most bytes that one marker of a JPEG can hold
JPEG_EXIF = JPEG_SEGMENT - len(EXIF_PREFIX)
JPEG_XMP = JPEG_SEGMENT - len(b"http://ns.adobe.com/xap/1.0/\x00")
JPEG_ICC = 255 * (JPEG_SEGMENT - len(b"ICC_PROFILE\x00") - 2)  # the only one that may be spread over markers
FORMAT_NAMES = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}

log = logging.getLogger(__name__)


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
        name = FORMAT_NAMES[self.path.suffix.lower()]
        metadata = _fitting_jpeg(self._metadata, self.path) if name == "JPEG" else self._metadata
        exif = b"" if metadata.exif is None else EXIF_PREFIX + metadata.exif
        options: dict[str, object] = {}
        if metadata.resolution is not None:
            options["dpi"] = metadata.resolution
        if name == "JPEG":
            options |= {"quality": JPEG_QUALITY, "subsampling": FULL_COLOUR, "comment": self._comment}
        if name == "WEBP":
            # exact: also the colours under fully transparent pixels
            options |= {"lossless": True, "exact": True}
        if name != "BMP":
            options |= {"icc_profile": metadata.icc or b"", "exif": exif, "xmp": metadata.xmp or b""}
        packed = io.BytesIO()  # not the file: Pillow takes the part that fits on a full disk for the whole
        image.save(packed, name, **options)
        self._temporary.write_bytes(packed.getbuffer())


def _fitting_jpeg(metadata: Metadata, path: Path) -> Metadata:
    """The metadata without what is too long for a JPEG; of too long EXIF the orientation is kept."""

    def fitting(data: bytes | None, most: int, name: str) -> bytes | None:
        if data is None or len(data) <= most:
            return data
        log.warning(
            "%s: expected %s of at most %d bytes, which is all JPEG can hold, but got %d; it is left out, "
            "write .png or .webp to keep it",
            *(path, name, most, len(data)),
        )
        return None

    return Metadata(
        icc=fitting(metadata.icc, JPEG_ICC, "a colour profile"),
        exif=fitting(metadata.exif, JPEG_EXIF, "an EXIF block") or exif_of_orientation(metadata.orientation),
        xmp=fitting(metadata.xmp, JPEG_XMP, "an XMP packet"),
        resolution=metadata.resolution,
    )
