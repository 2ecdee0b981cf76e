"""The size that an EXR file states, read before its library allocates it.

References:
    OpenEXR File Layout, "Header" (openexr.com).
"""

from __future__ import annotations

import struct

from zsn2m_runtime.files.limits import Stated

_MAGIC, _SEVERAL_PARTS = 20000630, 0x1000  # a flag beside the version
_BYTES_OF_KIND = (4, 2, 4)  # uint32, float16, float32


def stated_by_exr(content: bytes) -> Stated:
    """Size of the largest part, with the samples of all its channels.

    Raises:
        ValueError, struct.error, IndexError: if it is damaged.
    """
    magic, version = struct.unpack_from("<II", content)
    if magic != _MAGIC:
        raise ValueError("no EXR file")
    place, parts = 8, []
    while content[place]:
        window = b""
        pixel_bytes = 0
        while content[place]:
            name, place = _text(content, place)
            _, place = _text(content, place)
            (size,) = struct.unpack_from("<I", content, place)
            value, place = content[place + 4 : place + 4 + size], place + 4 + size
            if name == b"dataWindow":
                window = value
            elif name == b"channels":
                pixel_bytes = _pixel_bytes(value)
        left, top, right, bottom = struct.unpack("<iiii", window)
        parts.append(Stated(right - left + 1, bottom - top + 1, pixel_bytes))
        place += 1
        if not version & _SEVERAL_PARTS:
            break
    return max(parts, key=lambda part: part.nbytes)


def _text(content: bytes, place: int) -> tuple[bytes, int]:
    end = content.index(b"\0", place)
    return content[place:end], end + 1


def _pixel_bytes(channels: bytes) -> int:
    place, total = 0, 0
    while channels[place]:
        _, place = _text(channels, place)
        total += _BYTES_OF_KIND[struct.unpack_from("<I", channels, place)[0]]
        place += 16  # kind, linearity, steps across and down
    return total
