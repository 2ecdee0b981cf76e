"""The size that a file states, read from its header without decoding anything."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile

from zsn2m_runtime.files.exr_header import stated_by_exr
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.pnm import LONGEST_HEADER, read_header
from zsn2m_runtime.suffixes import RAW_SUFFIXES

RGBA = 4  # bytes of a pixel as Pillow and others decode it
_RAW_BYTES = 4  # of a pixel: LibRaw's sample and a copy of it
_SCAN, _END = 0xDA, 0xD9  # JPEG markers
_IN_SCAN = re.compile(rb"\xff(?=[^\x00\xd0-\xd7\xff])")  # the next marker that ends a scan
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


def stated_size(path: Path) -> Stated | None:
    """The size that a file states; None where it is damaged (its reader will say so) or is read page by page."""
    suffix = path.suffix.lower()
    look = _LOOKS.get(suffix)
    if look is None:
        return None
    with path.open("rb") as stream:
        content = stream.read(LONGEST_HEADER if suffix in _AT_THE_BEGINNING else -1)
    try:
        return look(content)
    except Exception:  # of parsers, of any kind
        return None


def _png(content: bytes) -> Stated:
    width, height, depth, colour = struct.unpack_from(">IIBB", content, 16)
    samples = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour]
    return Stated(width, height, samples * (2 if depth == 16 else 1))


def _jpeg(content: bytes) -> Stated:
    with JpegImageFile(io.BytesIO(content)) as image:
        scans = count_scans(content) if image.info.get("progressive") else 1  # others have at most one for each channel
        return Stated(image.width, image.height, len(image.getbands()), scans=scans)


def count_scans(content: bytes) -> int:
    """How many scans a JPEG has, those of a thumbnail in its metadata not counted."""
    place, scans = 2, 0
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker == _END:
            break
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
            if marker == _SCAN:
                scans += 1
                found = _IN_SCAN.search(content, place)
                place = found.start() if found else len(content)
    return max(scans, 1)


def _webp(content: bytes) -> Stated:
    kind, data = content[12:16], content[20:]
    if kind == b"VP8X":
        width, height = 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    elif kind == b"VP8L":
        packed = int.from_bytes(data[1:5], "little")
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 6))
    return Stated(width, height, RGBA)


def _bmp(content: bytes) -> Stated:
    with BmpImageFile(io.BytesIO(content)) as image:
        return Stated(image.width, image.height, RGBA)


def _gif(content: bytes) -> Stated:
    with GifImageFile(io.BytesIO(content)) as image:
        return Stated(image.width, image.height, RGBA, pages=int(image.n_frames))


def _netpbm(content: bytes) -> Stated:
    header = read_header(content)
    return Stated(header.width, header.height, header.samples * header.dtype.itemsize)


def _avif(content: bytes) -> Stated:
    from PIL.AvifImagePlugin import AvifImageFile

    with AvifImageFile(io.BytesIO(content)) as image:
        return Stated(image.width, image.height, 2 * RGBA)


def _heif(content: bytes) -> Stated:
    import pillow_heif

    found: Any = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=False)
    width, height = found.size
    return Stated(width, height, 2 * RGBA)


def _raw(content: bytes) -> Stated:
    import rawpy

    with rawpy.RawPy() as raw:
        raw.open_buffer(io.BytesIO(content))
        return Stated(raw.sizes.raw_width, raw.sizes.raw_height, _RAW_BYTES)


_LOOKS: dict[str, Callable[[bytes], Stated]] = {
    ".png": _png,
    ".webp": _webp,
    ".bmp": _bmp,
    ".gif": _gif,
    ".avif": _avif,
    ".exr": stated_by_exr,
    **dict.fromkeys((".jpg", ".jpeg"), _jpeg),
    **dict.fromkeys((".heic", ".heif", ".hif"), _heif),
    **dict.fromkeys(RAW_SUFFIXES, _raw),
    **dict.fromkeys((".pgm", ".ppm", ".pnm", ".pam", ".pfm"), _netpbm),
}
_AT_THE_BEGINNING = frozenset((".png", ".webp", ".pgm", ".ppm", ".pnm", ".pam", ".pfm"))
