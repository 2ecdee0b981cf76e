"""Facts of an AVIF file that decoders do not pass on: depth, and code points of its colours."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_CONFIGURATION, _COLOUR = b"av1C", b"colrnclx"
_HIGH, _TWELVE = 0x40, 0x20  # of the third byte of an AV1CodecConfigurationRecord
_SRGB, _UNSAID = (1, 13), 2  # primaries and transfer of ITU-T H.273


@dataclass(frozen=True)
class Cicp:
    """Code points of ITU-T H.273 for primaries and transfer, such as 9 and 16 of HDR10."""

    primaries: int
    transfer: int

    @property
    def is_usual(self) -> bool:
        """Whether they are those of sRGB, which readers assume, or not stated."""
        pairs = zip((self.primaries, self.transfer), _SRGB, strict=True)
        return all(found in (usual, _UNSAID) for found, usual in pairs)


def depth_of(content: bytes) -> int:
    """Bits of a sample: 8, 10 or 12.

    Raises:
        ValueError: if the file does not say.
    """
    place = content.find(_CONFIGURATION)
    if place < 0 or place + 7 > len(content):
        raise ValueError("it has no AV1 configuration")
    flags = content[place + 6]
    return 12 if flags & _TWELVE else 10 if flags & _HIGH else 8


def cicp_of(content: bytes) -> Cicp | None:
    """The code points of the colours; None where the file states none."""
    place = content.find(_COLOUR)
    if place < 0:
        return None
    return Cicp(*struct.unpack_from(">HH", content, place + len(_COLOUR)))


def with_cicp(content: bytes, cicp: Cicp) -> bytes:
    """The same file with other code points; OpenCV writes those of sRGB only."""
    place = content.find(_COLOUR)
    if place < 0:
        return content
    place += len(_COLOUR)
    return content[:place] + struct.pack(">HH", cicp.primaries, cicp.transfer) + content[place + 4 :]
