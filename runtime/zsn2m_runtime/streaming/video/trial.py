"""A small video as an output would hold it: what comes back out of it shows what codec and container keep."""

from __future__ import annotations

import io
from dataclasses import replace

from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.video.source import VideoSource
from zsn2m_runtime.streaming.video.writer import Header, VideoWriter

SIDE = 64  # pixels: enough for every codec, and what comes back does not depend on it


def write_trial(header: Header, frame: Frame, source: VideoSource | None = None) -> io.BytesIO:
    """A video of this one frame, to be read from its start.

    Args:
        header: of the output; size and alpha are the frame's
        source: whose tracks and metadata go along
    Raises:
        Exception: of any kind, where the encoder or the container refuses it.
    """
    height, width = frame.pixels.shape[:2]
    plan = replace(header.plan, container=replace(header.plan.container, fragments=False))
    info = replace(header.info, height=height, width=width, live=False, alpha=frame.alpha is not None)
    place = io.BytesIO()
    writer = VideoWriter(place, replace(header, plan=plan, info=info), source)
    writer.write_frame(Picture(frame, 1, header.name))
    writer.finish()
    place.seek(0)
    return place
