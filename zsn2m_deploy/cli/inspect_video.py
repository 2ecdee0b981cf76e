"""`inspect` of a video: its frames, tracks and metadata; `inspect` adds the noise of the first frame."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsn2m_runtime.image import Frame
    from zsn2m_runtime.streaming.video.source import VideoSource


def read_video(path: Path, max_pixels: int | None = None) -> tuple[Frame, list[tuple[str, object]], dict[str, Any]]:
    """The first frame of a video, and its facts for people and for machines.

    Raises:
        InputError: if it cannot be read.
    """
    from zsn2m_runtime.errors import InputError
    from zsn2m_runtime.streaming.ends import Picture
    from zsn2m_runtime.streaming.video.demuxer import Reading
    from zsn2m_runtime.streaming.video.source import VideoSource

    reading = Reading(max_pixels=max_pixels)
    try:
        video, is_interlaced = VideoSource(path, reading), False
    except InputError:  # of interlaced frames; else opening it again fails again
        video, is_interlaced = VideoSource(path, replace(reading, deinterlace=True)), True
    with contextlib.closing(video):
        first = next(item for item in video if isinstance(item, Picture))
        content = _content(path, video) | {"interlaced": is_interlaced}
    return first.frame, _rows(content), content


def _content(path: Path, video: VideoSource) -> dict[str, Any]:
    from zsn2m_runtime.streaming.video.metadata import never_kept

    decoder, info, stream = video.decoder, video.info, video.decoder.video
    duration = decoder.duration
    return {
        "file": str(path),
        "container": decoder.container.format.name,
        "codec": stream.codec_context.codec.canonical_name,
        "pixel_format": video.kind.name,
        "width": info.width,
        "height": info.height,
        "frames": info.frames,
        "seconds": None if duration is None else float(duration),
        "rate": None if info.rate is None else float(info.rate),
        "dtype": info.dtype,
        "channels": info.channels,
        "bits": video.kind.bits,
        "range": info.range,
        "alpha": info.alpha,
        "colour": {
            "matrix": video.colour.matrix,
            "primaries": video.colour.primaries,
            "transfer": video.colour.transfer,
            "range": video.colour.range,
        },
        "tracks": [str(track.name) for track in decoder.tracks],
        "beside": list(video.facts),
        "never_kept": [*decoder.left_out, *never_kept(video.facts)],
    }


def _rows(content: dict[str, Any]) -> list[tuple[str, object]]:
    rate = f"{content['rate']:.6g} frames/s" if content["rate"] else "no rate"
    frames = f"{content['frames']} frames" if content["frames"] else "frames without a stated number"
    seconds = f", {content['seconds']:.6g} s" if content["seconds"] else ""
    alpha = ", with alpha" if content["alpha"] else ""
    high = f"0 to {content['range'][1]:g}" if content["range"] else "not stated"
    rows: list[tuple[str, object]] = [
        ("video", content["file"]),
        (
            "frames",
            f"{content['width']} x {content['height']} (width x height), {frames}, {rate}{seconds}",
        ),
        (
            "samples",
            f"{content['dtype']}, {content['channels']} channel(s){alpha}, {content['bits']} bits, range {high}; "
            f"stored as {content['codec']} {content['pixel_format']} in {content['container']}",
        ),
    ]
    if content["interlaced"]:
        rows.append(("interlaced", "yes: stream needs --deinterlace; the noise below is that of a frame made whole"))
    if content["tracks"]:
        rows.append(("tracks", ", ".join(content["tracks"])))
    if content["beside"]:
        rows.append(("also holds", ", ".join(content["beside"])))
    if content["never_kept"]:
        rows.append(("no output keeps", ", ".join(content["never_kept"])))
    rows.append(("to denoise it", f"zsn2m-deploy stream BUNDLE {content['file']} -o clean.mkv"))
    return rows
