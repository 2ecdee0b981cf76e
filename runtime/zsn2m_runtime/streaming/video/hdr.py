"""HDR10's static metadata: read from the frames of a source, written by the encoder into its stream."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import av

from zsn2m_runtime.streaming.video.encoder import Plan
from zsn2m_runtime.streaming.video.frame_side_data import side_data_of

# Encoders that take it: option, names of its two parts, units. x264 and x265 count chromaticity in steps of 0.00002 and
# luminance in 0.0001 cd/m2, as the SEI message does (ITU-T H.265, D.3.28); SVT-AV1 takes plain numbers.
SPELLING = {
    "libx264": ("x264-params", "mastering-display", "cll", (50_000, 10_000)),
    "libx265": ("x265-params", "master-display", "max-cll", (50_000, 10_000)),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light", (1, 1)),
}
_DISPLAY = struct.Struct("=22i")  # AVMasteringDisplayMetadata: ten fractions, and whether they are set
_LIGHT = struct.Struct("=2I")  # AVContentLightMetadata


@dataclass(frozen=True)
class Hdr:
    """HDR10's static metadata; None where the video has none.

    display: of the mastering display: x and y of red, green, blue and white, then lowest and highest luminance in cd/m2
    light: MaxCLL and MaxFALL, the highest light level of a pixel and of a frame's mean, in cd/m2
    """

    display: tuple[float, ...] | None = None
    light: tuple[int, int] | None = None

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Hdr:
        """The metadata of a decoded frame."""
        held = side_data_of(frame)
        display, light = held.get("MASTERING_DISPLAY_METADATA"), held.get("CONTENT_LIGHT_LEVEL")
        numbers = None
        if display is not None:
            raw = _DISPLAY.unpack(bytes(display)[: _DISPLAY.size])
            if raw[20] and raw[21]:
                numbers = tuple(raw[i] / (raw[i + 1] or 1) for i in range(0, 20, 2))
        return cls(numbers, None if light is None else _LIGHT.unpack(bytes(light)[: _LIGHT.size]))


def with_hdr(plan: Plan, hdr: Hdr) -> Plan:
    """The plan with the metadata among the encoder's options; unchanged where the encoder takes none."""
    if plan.codec not in SPELLING or not (hdr.display or hdr.light):
        return plan
    option, display, light, (per_point, per_candela) = SPELLING[plan.codec]
    settings = [plan.options[option]] if option in plan.options else []
    if hdr.display:
        red, green, blue, white = (hdr.display[i : i + 2] for i in range(0, 8, 2))
        points = zip("GBR", (green, blue, red), strict=True)
        low, high = (_number(value * per_candela, per_candela) for value in hdr.display[8:10])
        text = "".join(f"{name}({_pair(point, per_point)})" for name, point in points)
        settings.append(f"{display}={text}WP({_pair(white, per_point)})L({high},{low})")
    if hdr.light:
        settings.append(f"{light}={hdr.light[0]},{hdr.light[1]}")
    return replace(plan, options={**plan.options, option: ":".join(settings)})


def _pair(point: tuple[float, ...], per_point: int) -> str:
    return ",".join(_number(value * per_point, per_point) for value in point)


def _number(value: float, unit: int) -> str:
    return f"{value:.5f}" if unit == 1 else str(round(value))
