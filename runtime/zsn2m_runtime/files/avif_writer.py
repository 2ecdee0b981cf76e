"""Writing AVIF by OpenCV without loss: 8, 10 and 12 bits. Pillow writes 8, and rounds colours to YCbCr."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.files.avif_facts import Cicp, with_cicp
from zsn2m_runtime.files.layout import EXIF_PREFIX, Layout, Metadata
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame

LOSSLESS = 100  # quality at which OpenCV makes libavif keep every sample
_FROM_RGB = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


class AvifWriter(ImageWriter):
    """Writes one frame as lossless AVIF with ICC profile, EXIF and XMP; `cicp` and `depth` are those of a source."""

    def __init__(
        self, path: Path, layout: Layout, metadata: Metadata, depth: int = 8, cicp: Cicp | None = None
    ) -> None:
        super().__init__(path, layout)
        self._metadata, self._depth, self._cicp = metadata, depth, cicp

    def _begin(self, temporary: Path) -> None:
        check_opencv(self.path)
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        array = frame.as_array()
        if array.ndim == 3:
            array = cv2.cvtColor(array, _FROM_RGB[array.shape[2]])
        options = [cv2.IMWRITE_AVIF_QUALITY, LOSSLESS, cv2.IMWRITE_AVIF_DEPTH, self._depth]
        kept = {
            cv2.IMAGE_METADATA_EXIF: None if self._metadata.exif is None else EXIF_PREFIX + self._metadata.exif,
            cv2.IMAGE_METADATA_XMP: self._metadata.xmp,
            cv2.IMAGE_METADATA_ICCP: self._metadata.icc,
        }
        kinds = [kind for kind, data in kept.items() if data]
        blocks = [np.frombuffer(data, np.uint8) for data in kept.values() if data]
        done, content = cv2.imencodeWithMetadata(".avif", array, kinds, blocks, options)
        if not done:
            raise OSError("OpenCV cannot encode it")
        packed = content.tobytes()
        self._temporary.write_bytes(with_cicp(packed, self._cicp) if self._cicp else packed)


def check_opencv(path: Path) -> None:
    """Refuse AVIF where OpenCV was built without it, or is too old to keep metadata.

    Raises:
        UnavailableError
    """
    if not (cv2.haveImageWriter("a.avif") and hasattr(cv2, "imencodeWithMetadata")):
        raise UnavailableError(
            f"{path}: expected an OpenCV that has AVIF, but {cv2.__version__} has not; "
            f"pip install --upgrade opencv-python-headless, or write .png"
        )
