"""Metadata of a video beside its colour tags: what a source has, and what an output lost of it."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from zsn2m_runtime.streaming.video.frame_side_data import side_data_of
from zsn2m_runtime.streaming.video.rotation import display_matrix

PALETTE = "transparent colours of the palette"
STEREO, CLOCK = "stereo 3D layout", "time codes of frames"
# Side data of frames, by FFmpeg's names, that users would miss; other kinds describe the encoding.
SIDE_DATA = {
    "MASTERING_DISPLAY_METADATA": "HDR10 mastering display",
    "CONTENT_LIGHT_LEVEL": "HDR10 content light level",
    "DYNAMIC_HDR_PLUS": "HDR10+ metadata",
    "DYNAMIC_HDR_VIVID": "HDR Vivid metadata",
    "DOVI_RPU_BUFFER": "Dolby Vision metadata",
    "DOVI_METADATA": "Dolby Vision metadata",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient viewing environment",
    "ICC_PROFILE": "ICC colour profile",
    "STEREO3D": STEREO,
    "SPHERICAL": "spherical projection",
    "A53_CC": "closed captions",
    "EXIF": "EXIF",
    "AFD": "active format description",
    "PANSCAN": "pan and scan",
    "S12M_TIMECODE": CLOCK,
    "GOP_TIMECODE": CLOCK,
}
KEPT = ("HDR10 mastering display", "HDR10 content light level", STEREO)  # that some output holds
ABOUT_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")  # metadata of the old container
MOST_TAGS = 6  # that a message names

Facts = dict[str, object]


def side_data(frame: av.VideoFrame) -> set[str]:
    """The kinds of SIDE_DATA that a frame has, in words."""
    held = side_data_of(frame)
    found = {SIDE_DATA[name] for index in range(len(held)) if (name := held[index].type.name) in SIDE_DATA}
    return found | ({PALETTE} if frame.format.has_palette and _is_transparent(frame) else set())


def _is_transparent(frame: av.VideoFrame) -> bool:
    """Whether a frame with a palette, which becomes RGB, uses a colour that is not opaque."""
    memory: Any = frame.planes
    used = np.unique(np.frombuffer(memory[0], np.uint8).reshape(frame.height, -1)[:, : frame.width])
    colours = np.frombuffer(memory[1], np.uint32)  # alpha, red, green, blue from the highest byte down
    return bool((colours[used] >> 24 != 255).any())


def facts_of(container: Any, video: Any, frame: av.VideoFrame) -> Facts:
    """The metadata of a video, by the names that messages use."""
    facts: Facts = dict.fromkeys(sorted(side_data(frame)), True)
    if video.metadata.get("stereo_mode", "mono") != "mono":
        facts[STEREO] = True
    aspect = video.sample_aspect_ratio
    if aspect and aspect != 1:
        facts["shape of pixels"] = aspect
    if matrix := display_matrix(frame):
        facts["rotation"] = matrix
    if code := time_code(container, video):
        facts["timecode"] = code
    if chapters := container.chapters():
        facts["chapters"] = len(chapters)
    facts |= {
        f"tag {key.lower()}": True for key in container.metadata if key.lower() not in (*ABOUT_THE_FILE, "timecode")
    }
    return facts


def time_code(container: Any, video: Any) -> str | None:
    """The timecode of the first frame, where the container or the track has one."""
    for metadata in (video.metadata, container.metadata):
        for key, value in metadata.items():
            if key.lower() == "timecode":  # Matroska writes it in capitals
                return str(value)
    return None


def never_kept(facts: Facts) -> list[str]:
    """Which of these no output can hold, in words."""
    return [name for name in facts if name in SIDE_DATA.values() and name not in KEPT]


def missing(wanted: Facts, found: Facts) -> list[str]:
    """What an output lost of the source's metadata, in words."""
    lost = [name for name, value in wanted.items() if found.get(name) != value]
    tags = [name.removeprefix("tag ") for name in lost if name.startswith("tag ")]
    words = [name for name in lost if not name.startswith("tag ")]
    if tags:
        more = f" and {len(tags) - MOST_TAGS} more" if len(tags) > MOST_TAGS else ""
        words.append(f"tags of the file ({', '.join(tags[:MOST_TAGS])}{more})")
    return words
