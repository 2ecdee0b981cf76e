"""Options of reading a source and of writing a result."""

from __future__ import annotations

from dataclasses import dataclass

from zsn2m_runtime.manifest import ChannelRecord


@dataclass(frozen=True)
class SourceOptions:
    """How to read a source.

    raw: WxH:FORMAT[@FPS] of frames on stdin
    rate: frames per second, where the source has no clock
    tracks: pass audio and subtitles on, if the output can hold them
    alpha: keep the alpha plane
    channel: of stacks with several: a name, a number or `all`; trained_on: the one that the bundle is for
    max_pixels: the most that a frame may have; None: the usual limits
    """

    raw: str | None = None
    rate: float | None = None
    deinterlace: bool = False
    tracks: bool = True
    alpha: bool = True
    channel: str | None = None
    trained_on: ChannelRecord | None = None
    max_pixels: int | None = None


@dataclass(frozen=True)
class Encoding:
    """What the user asks of a video's encoder; None takes what suits the source and the container.

    codec, pixel_format: FFmpeg's names; crf: the codec's constant quality, 0 to 63, lower is better
    lossless: FFV1 in RGB or grey of the result's own depth, which gives the denoised samples back bit for bit
    """

    codec: str | None = None
    crf: int | None = None
    pixel_format: str | None = None
    lossless: bool = False


USUAL_ENCODING = Encoding()


@dataclass(frozen=True)
class SinkOptions:
    """How to write a result; None takes what suits the source.

    encoding: of a video; image_type: suffix of a folder's files
    raw: frames on stdout without Y4M's headers; rate: frames per second where the source knows none
    """

    encoding: Encoding = USUAL_ENCODING
    image_type: str | None = None
    raw: bool = False
    rate: float | None = None
