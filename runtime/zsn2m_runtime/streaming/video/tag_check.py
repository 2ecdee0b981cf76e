"""Whether an output says all that the source states about its colours; seen in a trial, for no table is complete."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.items import Picture, StreamInfo
from zsn2m_runtime.streaming.video.colour import FULL, RANGE_UNSPECIFIED, WEIGHTS, Colour
from zsn2m_runtime.streaming.video.containers import RAW
from zsn2m_runtime.streaming.video.encoder import Plan
from zsn2m_runtime.streaming.video.writer import VideoWriter

SIDE = 64  # pixels of the trial's frame: what tags come back does not depend on it

log = logging.getLogger(__name__)


def warn_of_lost_tags(name: str, plan: Plan, info: StreamInfo, tags: Colour) -> None:
    """Say which tags a video of this kind does not hold, if players would then take others for them."""
    if tags == Colour() or plan.container is RAW:  # bare samples say nothing, as who asks for them knows
        return
    try:
        found = _come_back(name, plan, info, tags)
    except Exception:  # of any kind: then there is nothing to say, and the real video has an error of its own
        return
    wanted, got = (_meanings(colour, info.height, plan.pixel_format.kind) for colour in (tags, found))
    lost = [tag for tag, meaning in wanted.items() if got[tag] != meaning]
    if lost:
        log.warning(
            "%s: %s with %s does not say the source's colour %s; players will guess",
            name,
            plan.container.format,
            plan.codec,
            " and ".join(lost),
        )


def _come_back(name: str, plan: Plan, info: StreamInfo, tags: Colour) -> Colour:
    small = replace(info, height=SIDE, width=SIDE, live=False)
    shape = (SIDE, SIDE) if info.channels == 1 else (SIDE, SIDE, info.channels)
    plan, trial = replace(plan, container=replace(plan.container, fragments=False)), io.BytesIO()
    writer = VideoWriter(trial, name, plan, small, tags, None, Fraction(1))
    writer.write_frame(Picture(Frame(np.zeros(shape, info.dtype)), 1, name))
    writer.finish()
    trial.seek(0)
    with av.open(trial, "r") as video:
        frame = next(video.decode(video=0))
    found = Colour.of(frame)
    is_grey = frame.format.name.startswith("gray")
    return replace(found, range=FULL) if is_grey and found.range == RANGE_UNSPECIFIED else found


def _meanings(tags: Colour, height: int, kind: str) -> dict[str, object]:
    """What players take tags for; those of the same numbers, as BT.601's two matrices, are the same."""
    tags = tags.as_rgb() if kind == "rgb" else tags.settled(height)
    matrix = WEIGHTS.get(tags.matrix, tags.matrix)
    return {"matrix": matrix, "primaries": tags.primaries, "transfer": tags.transfer, "range": tags.range}
