"""Reading and writing HEIC with pillow-heif (extra heif): 8, 10 and 12 bits, written without loss."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zsn2m_runtime.errors import InputError, Zsn2mError
from zsn2m_runtime.files.extras import import_extra
from zsn2m_runtime.files.layout import EXIF_PREFIX, ORIENTATION, Layout, Metadata
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

SUFFIXES = (".heic", ".heif", ".hif")
_LOSSLESS: dict[str, Any] = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}
_MODES = {(1, 1): "L", (1, 2): "I;16", (3, 1): "RGB", (3, 2): "RGB;16", (4, 1): "RGBA", (4, 2): "RGBA;16"}
_STORED = 16  # bits that pillow-heif shifts deeper samples to

log = logging.getLogger(__name__)


class HeifWriter(ImageWriter):
    """Writes one frame as lossless HEIC with ICC profile, EXIF and XMP; `depth` and `colours` are those of a source."""

    def __init__(
        self, path: Path, layout: Layout, metadata: Metadata, depth: int = 8, colours: dict[str, int] | None = None
    ) -> None:
        super().__init__(path, layout)
        self._metadata, self._depth, self._colours = metadata, depth, colours or {}

    def _begin(self, temporary: Path) -> None:
        self._library = import_extra("pillow_heif", "heif", self.path)
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        layout, metadata, library = self.layout, self._metadata, self._library
        array = np.ascontiguousarray(frame.as_array())
        if self._depth > 8:
            array = array << np.uint16(_STORED - self._depth)
        options = _LOSSLESS | self._colours | {"icc_profile": metadata.icc, "xmp": metadata.xmp}
        options["exif"] = None if metadata.exif is None else EXIF_PREFIX + metadata.exif
        mode = _MODES[layout.samples, layout.dtype.itemsize]
        before = library.options.SAVE_HDR_TO_12_BIT
        library.options.SAVE_HDR_TO_12_BIT = self._depth == 12
        try:
            with self._temporary.open("wb") as stream:
                library.encode(mode, (layout.width, layout.height), array.tobytes(), stream, **options)
        finally:
            library.options.SAVE_HDR_TO_12_BIT = before


def read_heif(path: Path) -> tuple[Frame, int, Metadata, dict[str, int]]:
    """The main picture, upright, its depth, its metadata, and the code points of its colours.

    Raises:
        InputError: damaged, or of a kind that no frame can hold.
        UnavailableError: without pillow-heif.
    """
    library = import_extra("pillow_heif", "heif", path)
    try:
        file = library.open_heif(io.BytesIO(path.read_bytes()), convert_hdr_to_8bit=False)
        if len(file) > 1:
            log.warning("%s: expected one picture, but it has %d; the main one is taken", path, len(file))
        array, info, mode = np.array(file), dict(file.info), str(file.mode)
        depth = int(info["bit_depth"])
    except Zsn2mError:
        raise
    except Exception as error:  # libheif's errors come in many kinds
        raise InputError(
            f"{path}: expected a complete HEIC file, but got one that cannot be decoded ({error}); "
            f"copy or export the file again"
        ) from error
    if mode not in _MODES.values():
        raise InputError(f"{path}: expected grey, RGB or RGBA, but got {mode}; convert it to PNG first")
    if depth > 8:
        array = array >> np.uint16(_STORED - depth)
    return _frame(array), depth, _metadata(info), _colours(info)


def _frame(array: Pixels) -> Frame:
    if array.ndim == 3 and array.shape[2] == 4:
        return Frame(np.ascontiguousarray(array[:, :, :3]), np.ascontiguousarray(array[:, :, 3]))
    return Frame(np.ascontiguousarray(array))


def _metadata(info: dict[str, Any]) -> Metadata:
    exif, icc, xmp = (info.get(name) or None for name in ("exif", "icc_profile", "xmp"))
    return Metadata(icc=icc, exif=_upright(exif) if exif else None, xmp=xmp)


def _upright(exif: bytes) -> bytes:
    """EXIF without a turn: libheif has turned the pixels already."""
    block = Image.Exif()
    block.load(exif if exif.startswith(EXIF_PREFIX) else EXIF_PREFIX + exif)
    if block.get(ORIENTATION, 1) == 1:
        return exif.removeprefix(EXIF_PREFIX)
    block[ORIENTATION] = 1
    return block.tobytes().removeprefix(EXIF_PREFIX)


def _colours(info: dict[str, Any]) -> dict[str, int]:
    found = info.get("nclx_profile") or {}
    return {name: int(found[name]) for name in ("color_primaries", "transfer_characteristics") if name in found}
