"""Which encoder keeps an alpha plane. Found by a trial: a container may silently drop what its codec takes."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.containers import CONTAINERS, RAW, Container
from zsn2m_runtime.streaming.ends import Picture, StreamInfo
from zsn2m_runtime.streaming.options import Encoding
from zsn2m_runtime.streaming.video.colour import Colour
from zsn2m_runtime.streaming.video.encoder import Plan, plan_encoding
from zsn2m_runtime.streaming.video.pixel_formats import PixelFormat
from zsn2m_runtime.streaming.video.source import VideoSource
from zsn2m_runtime.streaming.video.trial import SIDE, write_trial
from zsn2m_runtime.streaming.video.writer import Header

CLOSE = 0.03  # of the range, mean error of alpha from a lossy codec; lost alpha (all opaque) is 0.5 away

log = logging.getLogger(__name__)


def plan_with_alpha(
    name: str, container: Container, info: StreamInfo, encoding: Encoding, source_kind: PixelFormat | None
) -> Plan:
    """As `plan_encoding`, for frames with an alpha plane: with an encoder that keeps it, unless one is asked for.

    Raises:
        UsageError: if none does, or the one that is asked for does not.
    """
    usual = encoding.codec or (None if encoding.lossless else container.codec)
    refusal: UsageError | None = None
    for tried in _choices(container, encoding):
        try:
            plan = plan_encoding(name, container, info, tried, source_kind)
        except UsageError as error:
            if tried.codec is None or _takes_alpha(tried.codec):  # not refused for its alpha
                refusal = refusal or error
            continue
        if keeps_alpha(plan, info):
            if usual and plan.codec != usual:
                log.info("%s: written with %s, which keeps alpha; %s does not", name, plan.codec, usual)
            return plan
    if refusal:
        raise refusal
    holders = ", ".join(suffix for suffix, other in CONTAINERS.items() if other.alpha and other is not container)
    codecs = f"--codec {' or '.join(container.alpha)}, " if container.alpha and encoding.codec else ""
    raise UsageError(
        f"{name}: expected an output that keeps the source's alpha, but {encoding.codec or container.format} does not; "
        f"choose {codecs}another container ({holders}), or leave alpha out with --no-alpha"
    )


def _choices(container: Container, encoding: Encoding) -> list[Encoding]:
    """Encodings to try, in this order; WebM holds alpha with 8-bit 4:2:0 only."""
    if encoding.lossless:
        return [encoding]
    codecs = [encoding.codec] if encoding.codec else list(container.alpha)
    found = [replace(encoding, codec=codec) for codec in codecs]
    if encoding.pixel_format is None and container.format == "webm":
        found += [replace(each, pixel_format="yuva420p") for each in found]
    return found


def keeps_alpha(plan: Plan, info: StreamInfo) -> bool:
    """Whether a frame's alpha comes back out of a video of this kind."""
    if not plan.pixel_format.alpha:
        return False
    if plan.container is RAW:
        return True
    high = 2**plan.bits - 1
    alpha = np.tile(np.linspace(0, high, SIDE), (SIDE, 1)).astype(info.dtype)
    pixels = np.full((SIDE, SIDE) if info.channels == 1 else (SIDE, SIDE, info.channels), high // 2, info.dtype)
    header = Header("trial", plan, info, Colour().with_defaults(SIDE), Fraction(1))
    try:
        trial = write_trial(header, Frame(pixels, alpha))
        picture = next(item for item in VideoSource(trial, name="trial") if isinstance(item, Picture))
    except Exception:  # of any kind: then it keeps nothing
        return False
    found, bits = picture.frame.alpha, 8 * picture.frame.pixels.itemsize
    if found is None:
        return False
    scale = (2**bits - 1 if bits == 8 else float(found.max())) or 1
    return bool(np.abs(found / scale - alpha / high).mean() < CLOSE)


def _takes_alpha(codec: str) -> bool:
    try:
        formats = av.Codec(codec, "w").video_formats or []
    except ValueError:
        return True  # no such encoder: plan_encoding says so
    return any(known.alpha for found in formats if (known := PixelFormat.of(found.name)))
