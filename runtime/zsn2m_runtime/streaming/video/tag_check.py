"""Which metadata of the source an output holds. Found by a trial, as no table of codecs and containers is complete."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.containers import RAW
from zsn2m_runtime.streaming.video.colour import FULL, RANGE_UNSPECIFIED, UNSPECIFIED, WEIGHTS, Colour
from zsn2m_runtime.streaming.video.encoder import WHOLE_CHROMA, Plan
from zsn2m_runtime.streaming.video.metadata import Facts, facts_of, missing
from zsn2m_runtime.streaming.video.source import VideoSource
from zsn2m_runtime.streaming.video.tracks import kind_of_track
from zsn2m_runtime.streaming.video.trial import SIDE, write_trial
from zsn2m_runtime.streaming.video.writer import Header

SRGB = {"primaries": (1, UNSPECIFIED), "transfer": (1, UNSPECIFIED, 6, 13)}  # H.273: sRGB and close to it

log = logging.getLogger(__name__)


def lost_by(header: Header, source: VideoSource) -> list[str]:
    """What of the source's metadata this output does not hold, in words; lost colour tags are logged too."""
    plan = header.plan
    if plan.container is RAW:  # bare samples have no metadata at all
        return []
    try:
        found, facts = _come_back(header, source)
    except Exception:  # of any kind, such as a track without packets: try the picture alone
        try:
            found, facts = _come_back(header, None)
        except Exception:  # the real video will have an error of its own
            return []
    lost = missing(source.facts, facts)
    if wrong := _wrong_tags(header, found):
        log.warning(
            "%s: %s with %s does not say the source's colour %s; players will guess",
            header.name,
            plan.container.format,
            plan.codec,
            " and ".join(wrong),
        )
        lost.append(f"colour {' and '.join(wrong)}")
    return lost


def lost_to_images(source: VideoSource) -> tuple[str, ...]:
    """What of a video's metadata images of its frames do not hold, in words; also as a warning."""
    tags = [f"colour {tag}" for tag in ("primaries", "transfer") if getattr(source.colour, tag) not in SRGB[tag]]
    tracks = [kind_of_track(stream) for stream in source.decoder.tracks]
    lost = (*missing(source.facts, {}), *tags, *tracks, *source.decoder.left_out, "times")
    if told := lost[:-1]:
        log.warning("%s: images do not keep of it: %s", source.info.name, ", ".join(told))
    return lost


def changed_by(plan: Plan, source: VideoSource) -> list[str]:
    """How the encoder changes the source's pixel format, in words."""
    before, after = source.kind, plan.pixel_format
    if before.plain == after.plain:
        return []
    is_odd = before.chroma != after.chroma and any(
        size % step for size, step in zip(source.size, before.chroma, strict=True)
    )
    why = f": {plan.codec} takes no odd sizes in it" if is_odd and plan.codec in WHOLE_CHROMA else ""
    return [f"pixel format {before.name} became {after.name}{why}"]


def _come_back(header: Header, source: VideoSource | None) -> tuple[Colour, Facts]:
    """Colour tags and other facts of a trial of this output."""
    info, rate = header.info, (source and source.info.rate) or Fraction(1)
    shape = (SIDE, SIDE) if info.channels == 1 else (SIDE, SIDE, info.channels)
    trial = write_trial(replace(header, rate=rate), Frame(np.zeros(shape, info.dtype)), source)
    with av.open(trial, "r") as video:
        stream = video.streams.video[0]
        frame = next(video.decode(stream))
        facts = facts_of(video, stream, frame)
    found = Colour.of(frame)
    is_grey = frame.format.name.startswith("gray")
    return replace(found, range=FULL) if is_grey and found.range == RANGE_UNSPECIFIED else found, facts


def _wrong_tags(header: Header, found: Colour) -> list[str]:
    if header.tags == Colour():
        return []
    height, kind = header.info.height, header.plan.pixel_format.kind
    wanted, got = (_meanings(colour, height, kind) for colour in (header.tags, found))
    return [tag for tag, meaning in wanted.items() if got[tag] != meaning]


def _meanings(tags: Colour, height: int, kind: str) -> dict[str, object]:
    """What tags mean to players: BT.601's two matrices, for example, are the same numbers."""
    tags = tags.as_rgb() if kind == "rgb" else tags.with_defaults(height)
    matrix = WEIGHTS.get(tags.matrix, tags.matrix)
    return {"matrix": matrix, "primaries": tags.primaries, "transfer": tags.transfer, "range": tags.range}
