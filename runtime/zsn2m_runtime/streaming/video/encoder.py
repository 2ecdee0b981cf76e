"""The encoder of an output: which codec, which pixel format, and with which settings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import av

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.streaming.containers import LOSSLESS_SUFFIXES, Y4M, Container
from zsn2m_runtime.streaming.ends import StreamInfo
from zsn2m_runtime.streaming.options import Encoding
from zsn2m_runtime.streaming.video.pixel_formats import PixelFormat, depth_of, nearest, planar

KEEP_DURATIONS = "+frame_duration"  # libav's flag, without which the last frame's duration is lost
CRF = 17  # FFmpeg's H.264 guide: 17 or 18 is visually lossless or nearly so
X264_PRESET = "veryfast"  # 0.4 of the default's time at the same size: docs/decisions/veryfast-h264.md
BEST_QUALITY = 2  # of 1 to 31, for encoders of constant quality without a CRF; below 2 only the size still grows
WHOLE_CHROMA = ("libx264", "libx265")  # encoders that refuse odd sizes with subsampled chroma
DEEP = ("libx264", "libx265", "libsvtav1")  # encoders of more than 8 bits
FULL = {"uint8": 255, "uint16": 65535}  # highest value of the sample types that videos hold
LAMBDA = 118  # libav's unit of quality, FF_QP2LAMBDA
CONSTANT_RATE = ("mpeg1video", "mpeg2video", "mpeg4")  # codecs that cannot hold fine ticks
Y4M_FORMATS = tuple(
    planar(kind, bits, chroma)
    for bits in (8, 9, 10, 12, 14, 16)
    for kind, chroma in (("grey", ""), ("yuv", "420"), ("yuv", "422"), ("yuv", "444"))
    if (kind, bits) != ("grey", 14)
)


@dataclass(frozen=True)
class Plan:
    """How frames are encoded. bits: depth of the frames; that of `pixel_format` may be higher."""

    container: Container
    codec: str
    pixel_format: PixelFormat
    bits: int
    options: dict[str, str]


def plan_encoding(
    name: str, container: Container, info: StreamInfo, encoding: Encoding, source_kind: PixelFormat | None
) -> Plan:
    """Decide codec, pixel format and settings.

    The pixel format is the source's, or the nearest that loses neither depth nor chroma. Sources that are no videos
    get 4:2:0, which every player shows. Depth is lowered only by a pixel format that the user names.

    Args:
        name: how messages call the output
        source_kind: pixel format of the source, if it is a video
    Raises:
        UsageError: if the frames do not fit, or the settings contradict each other.
    """
    bits = _depth(name, info)
    if encoding.lossless:
        _check_lossless(name, container, encoding)
        kind = "grey" if info.channels == 1 else "rgb"
        pixel_format = _lossless_format(kind, bits, info.alpha)
        options = {"level": "3", "flags": KEEP_DURATIONS}  # FFV1 version 3 has checksums
        return Plan(container, "ffv1", _known(pixel_format), bits, options)
    codec = encoding.codec or container.codec
    source_kind = source_kind if info.alpha or source_kind is None else source_kind.opaque
    offered = _offered(name, container, codec)
    size = (info.width, info.height) if codec in WHOLE_CHROMA else (0, 0)
    want = source_kind or _wanted(container, info, bits)
    if encoding.pixel_format:
        chosen = _asked(name, encoding.pixel_format, codec, offered, info)
    elif not offered:
        chosen = want
    else:
        found = nearest(want, offered, size)
        if found is None:
            raise UsageError(_too_deep(name, container, want, codec, offered, size))
        chosen = _known(found)
    options = _options(name, container, codec, encoding.crf)
    if codec == "libvpx" and chosen.alpha:
        options["auto-alt-ref"] = "0"  # libvpx refuses it with alpha
    return Plan(container, codec, chosen, bits, options)


def _depth(name: str, info: StreamInfo) -> int:
    if info.dtype not in FULL:
        raise UsageError(
            f"{name}: expected samples of uint8 or uint16, which videos hold, but got {info.dtype}; write .tif or .npy"
        )
    high = info.range[1] if info.range else FULL[info.dtype]
    bits = depth_of(high)
    if bits is None or (info.range and info.range[0]):
        raise UsageError(
            f"{name}: expected frames of 8, 9, 10, 12, 14 or 16 bits, which videos hold, but got the range "
            f"{info.range}; write images instead"
        )
    return bits


def _check_lossless(name: str, container: Container, encoding: Encoding) -> None:
    if encoding.codec or encoding.pixel_format or encoding.crf is not None:
        raise UsageError(f"{name}: expected either lossless or a codec, CRF or pixel format, but got both; drop one")
    if not container.lossless:
        raise UsageError(
            f"{name}: expected a container that holds lossless video (FFV1), but got {container.format}; "
            f"write {', '.join(LOSSLESS_SUFFIXES)} instead"
        )


def _offered(name: str, container: Container, codec: str) -> Sequence[str]:
    """Pixel formats that an encoder takes; empty: all."""
    if container is Y4M:
        return Y4M_FORMATS
    try:
        formats = av.Codec(codec, "w").video_formats
    except ValueError as error:
        raise UsageError(
            f"{name}: expected a video encoder such as libx264, libx265 or ffv1, but got {codec!r}; choose another"
        ) from error
    return [found.name for found in formats or ()]


def _asked(name: str, pixel_format: str, codec: str, offered: Sequence[str], info: StreamInfo) -> PixelFormat:
    chosen = None
    with suppress(ValueError):  # there is none of that name
        chosen = PixelFormat.of(pixel_format)
    is_less = chosen is None or chosen.channels < info.channels or chosen.alpha < info.alpha
    if chosen is None or is_less or (offered and pixel_format not in offered):
        kind = "grey" if info.channels == 1 else "colour"
        kind += " with alpha" if info.alpha else ""
        fits = [known for found in offered if (known := PixelFormat.of(found))]
        choices = ", ".join(known.name for known in fits if known.alpha >= info.alpha)
        raise UsageError(
            f"{name}: expected a pixel format that {codec} takes for {kind} frames, but got {pixel_format!r}; "
            f"choose {choices or 'one that ffmpeg -pix_fmts lists'}"
        )
    return chosen


def _wanted(container: Container, info: StreamInfo, bits: int) -> PixelFormat:
    """The pixel format to aim at for frames that do not come from a video."""
    if info.alpha:
        if container.codec == "rawvideo":
            is_grey = info.channels == 1 and bits in (8, 16)  # the depths of libav's grey with alpha
            return _known(planar("grey" if is_grey else "rgb", bits, alpha=True))
        is_yuv = bits in (8, 10, 16)  # the depths of 4:2:0 with alpha
        return _known(planar("yuv", bits, "420", alpha=True) if is_yuv else planar("rgb", bits, alpha=True))
    if info.channels == 1:
        return _known(planar("grey", bits))
    if container.codec == "rawvideo":
        return _known("rgb24" if bits == 8 else planar("rgb", bits))
    return _known(planar("yuv", bits, "420"))


def _too_deep(
    name: str, container: Container, want: PixelFormat, codec: str, offered: Sequence[str], size: tuple[int, int]
) -> str:
    held = av.open(io.BytesIO(), "w", format=container.format).supported_codecs
    others = [
        other
        for other in DEEP
        if av.Codec(other, "w").canonical_name in held and nearest(want, _offered(name, container, other), size)
    ]
    known = [found for text in offered if (found := PixelFormat.of(text))]
    deepest = max((found.bits for found in known), default=0)
    fewer = (
        nearest(PixelFormat("", want.kind, min(deepest, want.bits), want.chroma, want.alpha), offered, size)
        or offered[0]
    )
    lossless = "--lossless" if container.lossless else f"a {LOSSLESS_SUFFIXES[0]} with --lossless"
    choices = ", ".join((*(f"--codec {other}" for other in others), lossless))
    return (
        f"{name}: expected an encoder that keeps {want.name} ({want.bits} bits), but {codec} takes {deepest} bits at "
        f"most; choose {choices}, or accept --pixel-format {fewer}"
    )


def _options(name: str, container: Container, codec: str, crf: int | None) -> dict[str, str]:
    options = {} if container.early_packets else {"bf": "0"}
    flags = KEEP_DURATIONS
    if codec == "libx265":
        options["x265-params"] = "log-level=error"  # x265 writes to stderr by itself
    if codec == "libx264":
        options["preset"] = X264_PRESET
    if any(option.name == "crf" for option in av.CodecContext.create(codec, "w").supported_options.private):
        options["crf"] = str(CRF if crf is None else crf)
    elif crf is not None:
        raise UsageError(f"{name}: expected a codec with a CRF, but {codec} has none; leave --crf out")
    else:
        flags += "+qscale"
        options["global_quality"] = str(BEST_QUALITY * LAMBDA)
    return {**options, "flags": flags}


def _lossless_format(kind: str, bits: int, alpha: bool) -> str:
    if alpha:
        return "bgra" if bits == 8 else planar("rgb", bits, alpha=True)
    return "bgr0" if (kind, bits) == ("rgb", 8) else planar(kind, bits)


def _known(name: str) -> PixelFormat:
    found = PixelFormat.of(name)
    assert found, name
    return found
