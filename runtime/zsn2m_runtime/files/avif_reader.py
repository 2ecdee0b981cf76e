"""Reading AVIF: pixels by OpenCV at the file's own 8, 10 or 12 bits, where Pillow gives 8; metadata by Pillow."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import cv2
import numpy as np
import PIL

from zsn2m_runtime.errors import InputError, UnavailableError, Zsn2mError
from zsn2m_runtime.files.avif_facts import cicp_of, depth_of
from zsn2m_runtime.files.avif_writer import AvifWriter, check_opencv
from zsn2m_runtime.files.layout import EXIF_PREFIX, Metadata
from zsn2m_runtime.files.picture_file import DeepPictureFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame

log = logging.getLogger(__name__)


class AvifFile(DeepPictureFile):
    """An AVIF file of one picture; more than 8 bits are uint16 with values up to 1023 or 4095."""

    suffixes = (".avif",)

    def __init__(self, path: Path) -> None:
        check_opencv(path)
        content = path.read_bytes()
        self.metadata_found = _metadata(content, path)
        try:
            depth, self._cicp = depth_of(content), cicp_of(content)
            frame = _decode(content, depth)
        except (ValueError, cv2.error) as error:
            raise _damaged(path, error) from error
        super().__init__(path, frame, depth)

    @property
    def metadata(self) -> Metadata:
        return self.metadata_found

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return AvifWriter(out_path, self.layout, self.metadata, self._depth, self._cicp)

    def _other_format_writer(self, out_path: Path) -> ImageWriter:
        if self._cicp and not self._cicp.is_usual and not self.metadata.icc:
            log.warning(
                "%s: expected colours as of sRGB, but %s says primaries %d and transfer %d (ITU-T H.273), which %s "
                "files do not say; write .avif to keep it",
                *(out_path, self.path.name, self._cicp.primaries, self._cicp.transfer, out_path.suffix.lower()),
            )
        return super()._other_format_writer(out_path)


def _metadata(content: bytes, path: Path) -> Metadata:
    try:
        from PIL.AvifImagePlugin import AvifImageFile

        with AvifImageFile(io.BytesIO(content)) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise InputError(f"{path}: expected one picture, but got an animation; save its frames as files")
            info = dict(image.info)
    except Zsn2mError:
        raise
    except ImportError as error:
        raise UnavailableError(
            f"{path}: expected a Pillow that reads AVIF, but {PIL.__version__} does not; "
            f"pip install --upgrade 'pillow>=11.3'"
        ) from error
    except Exception as error:  # Pillow's plugins raise errors of many kinds
        raise _damaged(path, error) from error
    exif, icc, xmp = (info.get(name) or None for name in ("exif", "icc_profile", "xmp"))
    return Metadata(icc=icc, exif=exif.removeprefix(EXIF_PREFIX) if exif else None, xmp=xmp)


def _decode(content: bytes, depth: int) -> Frame:
    array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise ValueError("OpenCV cannot decode it")
    if array.dtype != (np.uint8 if depth == 8 else np.uint16):
        raise ValueError(f"it says {depth} bits, but decodes to {array.dtype.name}")
    if array.ndim == 2:
        return Frame(array)
    if array.shape[2] == 4:
        return Frame(cv2.cvtColor(array, cv2.COLOR_BGRA2RGB), np.ascontiguousarray(array[:, :, 3]))
    return Frame(cv2.cvtColor(array, cv2.COLOR_BGR2RGB))


def _damaged(path: Path, reason: object) -> InputError:
    return InputError(
        f"{path}: expected a complete AVIF file, but got one that cannot be decoded ({reason}); "
        f"copy or export the file again"
    )
