"""Pixel formats by FFmpeg's names: what each holds, and which of an encoder's is nearest to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import av

from zsn2m_runtime.mosaic_record import BayerPattern, named_pattern

DEPTHS = (8, 9, 10, 12, 14, 16)  # of the planar formats that libav has in grey, RGB and YUV
WORD = 16  # bits
FLOATING = re.compile(r"f(16|32)(le|be)$")
BAYER = re.compile(r"bayer_([a-z]{4})(8|16)(le|be)?$")


@dataclass(frozen=True)
class PixelFormat:
    """What a pixel format holds.

    bits: of a sample, rounded up to one of DEPTHS; alpha has the same depth, at full range
    chroma: columns and rows that share one chroma sample
    mosaic: pattern of the colour filters, of grey that is one value of a mosaic
    """

    name: str
    kind: Literal["grey", "rgb", "yuv"]
    bits: int
    chroma: tuple[int, int] = (1, 1)
    alpha: bool = False
    mosaic: BayerPattern | None = None

    @classmethod
    def of(cls, name: str) -> PixelFormat | None:
        """A pixel format by name; None for floating point, XYZ and memory of a GPU."""
        side = 64  # of the frame that chroma is measured on
        found = av.VideoFormat(name, side, side)
        parts = found.components
        if bayer := BAYER.match(name):
            return cls(name, "grey", int(bayer[2]), mosaic=named_pattern(bayer[1].upper()))
        if not parts or FLOATING.search(name) or name.startswith("xyz"):
            return None
        alpha = any(part.is_alpha for part in parts)
        bits = next(depth for depth in DEPTHS if depth >= max(part.bits for part in parts))
        if found.is_rgb or found.has_palette:
            return cls(name, "rgb", bits, alpha=alpha)
        if len(parts) - alpha == 1:
            return cls(name, "grey", bits, alpha=alpha)
        return cls(name, "yuv", bits, (side // found.chroma_width(), side // found.chroma_height()), alpha)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return 1 if self.kind == "grey" else 3

    @property
    def dtype(self) -> str:
        """NumPy type of its samples."""
        return "uint8" if self.bits == 8 else "uint16"

    @property
    def range(self) -> tuple[float, float] | None:
        """Lowest and highest value of a sample: (0, 1023) for 10 bits.

        None for 16-bit grey and RGB, as for image files: nothing says how many of the bits are in use.
        """
        return None if self.bits == WORD and self.kind != "yuv" else (0.0, 2.0**self.bits - 1)

    @property
    def opaque(self) -> PixelFormat:
        """The format without its alpha plane."""
        if not self.alpha:
            return self
        chroma = {(1, 1): "444", (2, 1): "422", (2, 2): "420"}.get(self.chroma, "444")
        name = "rgb24" if (self.kind, self.bits) == ("rgb", 8) else planar(self.kind, self.bits, chroma)
        return replace(self, name=name, alpha=False)

    @property
    def plain(self) -> str:
        """Its modern name, little-endian: yuv420p for yuvj420p, gray10le for gray10be."""
        return re.sub("be$", "le", self.name.replace("yuvj", "yuv"))


def planar(kind: str, bits: int, chroma: str = "444", *, alpha: bool = False) -> str:
    """Name of the format with a plane for each channel; grey with alpha has both in one plane."""
    ending = "" if bits == 8 else f"{bits}le"
    if alpha:
        return {"grey": f"ya{ending or 8}", "rgb": "gbrap" + ending, "yuv": f"yuva{chroma}p" + ending}[kind]
    return {"grey": "gray", "rgb": "gbrp", "yuv": f"yuv{chroma}p"}[kind] + ending


def depth_of(high: float) -> int | None:
    """Bits of samples from 0 to `high`; None where no format has such a range."""
    return next((bits for bits in DEPTHS if high == 2**bits - 1), None)


def nearest(want: PixelFormat, offered: Iterable[str], size: tuple[int, int] = (0, 0)) -> str | None:
    """The offered format that loses nothing of `want` and adds least; None where each loses some.

    Args:
        size: width and height that whole chroma samples must fill; zeros where they need not
    """
    names = list(offered)
    candidates = [found for name in names if (found := PixelFormat.of(name)) and name == found.plain]
    fits = [found for found in candidates if _keeps(found, want) and _is_filled(found, size)]
    if not fits:
        return None

    def added(found: PixelFormat) -> tuple[bool, bool, int, bool, int, int]:
        extra = found.bits - want.bits
        density = -found.chroma[0] * found.chroma[1]
        return (
            found.name != want.plain,
            found.alpha != want.alpha,
            extra,
            found.kind != want.kind,
            density,
            names.index(found.name),
        )

    return min(fits, key=added).name


def _keeps(found: PixelFormat, want: PixelFormat) -> bool:
    if found.mosaic not in (None, want.mosaic):
        return False
    if found.bits < want.bits or found.alpha < want.alpha or (found.kind == "grey" and want.kind != "grey"):
        return False
    return want.kind == "grey" or all(a <= b for a, b in zip(found.chroma, want.chroma, strict=True))


def _is_filled(found: PixelFormat, size: tuple[int, int]) -> bool:
    return not any(length % step for length, step in zip(size, found.chroma, strict=True))
