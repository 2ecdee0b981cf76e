"""What video containers can hold, by suffix or by FFmpeg's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zsn2m_runtime.errors import UsageError

PIPE_BUFFER = 2**20  # bytes between libav and a file object: a raw 1080p frame in six calls


@dataclass(frozen=True)
class Container:
    """What a container can hold.

    Attributes:
        format: FFmpeg's name
        codec: the default encoder
        tracks: it holds audio and subtitles; rotation: a display matrix; lossless: FFV1
        free_times: frames may have any time, not only those of a constant rate
        early_packets: packets may have times below zero, as sound and reordered frames do
        fragments: it can be written in fragments, each of which plays without an index at the end of the file
        alpha: encoders for frames with an alpha plane, the default first
    """

    format: str
    codec: str = "libx264"
    tracks: bool = True
    rotation: bool = False
    lossless: bool = False
    free_times: bool = True
    early_packets: bool = True
    fragments: bool = False
    alpha: tuple[str, ...] = ()


_MP4 = Container("mp4", rotation=True, fragments=True)
Y4M = Container("yuv4mpegpipe", "wrapped_avframe", tracks=False, free_times=False)
CONTAINERS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container("mov", rotation=True, fragments=True, alpha=("prores_ks", "png")),
    ".mkv": Container("matroska", rotation=True, lossless=True, alpha=("libvpx-vp9", "prores_ks", "ffv1")),
    ".webm": Container("webm", "libvpx-vp9", rotation=True, alpha=("libvpx-vp9",)),
    ".avi": Container("avi", lossless=True, free_times=False, early_packets=False, alpha=("ffv1",)),
    ".nut": Container("nut", lossless=True, early_packets=False, alpha=("ffv1",)),
    ".y4m": Y4M,
}
RAW = Container("rawvideo", "rawvideo", tracks=False, free_times=False, alpha=("rawvideo",))
VIDEO_SUFFIXES = tuple(CONTAINERS)
LOSSLESS_SUFFIXES = tuple(suffix for suffix, container in CONTAINERS.items() if container.lossless)


def container_of(place: object, name: str | None = None) -> Container:
    """The container of an output: by FFmpeg's name of it, else by the suffix of its path.

    Raises:
        UsageError: if it is none of those known here.
    """
    if name is None:
        suffix = Path(str(place)).suffix.lower()
        if suffix in CONTAINERS:
            return CONTAINERS[suffix]
        raise UsageError(
            f"{place}: expected a video file ending in {', '.join(VIDEO_SUFFIXES)}, but got "
            f"{suffix or 'no suffix'!r}; choose one of those"
        )
    known = {container.format: container for container in (*CONTAINERS.values(), RAW)}
    if name not in known:
        raise UsageError(f"expected a video format of {', '.join(known)}, but got {name!r}; choose one of those")
    return known[name]
