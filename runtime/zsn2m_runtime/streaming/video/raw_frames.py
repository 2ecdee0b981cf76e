"""Frames without a header on stdin, as the user describes them."""

from __future__ import annotations

import re
from fractions import Fraction

import av

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.streaming.ends import DEFAULT_RATE

_SPEC = re.compile(r"(\d+)x(\d+):([a-z0-9_]+)(?:@(\d+(?:\.\d+)?(?:/\d+)?))?")


def raw_settings(text: str, rate: Fraction | None) -> dict[str, str]:
    """FFmpeg's settings for raw frames from WxH:FORMAT[@FPS].

    Args:
        rate: frames per second, where the text has none; None: DEFAULT_RATE
    Raises:
        UsageError: if the text is of another form, or both it and `rate` state a rate.
    """
    found = _SPEC.fullmatch(text)
    if not found:
        raise UsageError(f"expected --raw WxH:FORMAT[@FPS] such as 1920x1080:rgb24@25, but got {text!r}")
    width, height, pixel_format, stated = found.groups()
    if not int(width) or not int(height):
        raise UsageError(f"expected --raw with a size of at least 1x1, but got {width}x{height}; state the frames' own")
    try:
        av.VideoFormat(pixel_format)
    except ValueError as error:
        raise UsageError(
            f"expected a pixel format in --raw that ffmpeg -pix_fmts lists, such as gray, rgb24, yuv420p10le or "
            f"bayer_rggb8, but got {pixel_format!r}; choose one of those"
        ) from error
    if stated and not all(map(float, stated.split("/"))):
        raise UsageError(f"expected a rate in --raw above 0, but got {stated}; state the frames' own, or leave it out")
    if stated and rate:
        raise UsageError(f"expected one rate, but got {stated} in --raw and {float(rate):g} in --fps; leave one out")
    return {
        "video_size": f"{width}x{height}",
        "pixel_format": pixel_format,
        "framerate": stated or str(rate or DEFAULT_RATE),
    }
