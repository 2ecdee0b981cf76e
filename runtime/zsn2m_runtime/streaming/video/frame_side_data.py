"""Side data of frames, also of kinds that FFmpeg has and PyAV does not know yet."""

from __future__ import annotations

from typing import Any

import av
from av.sidedata.sidedata import Type

EXIF = 31  # AV_FRAME_DATA_EXIF of FFmpeg 8, on every frame of cameras' Motion JPEG; PyAV 18 has no name for it


def side_data_of(frame: av.VideoFrame) -> Any:
    """The frame's side data. PyAV raises ValueError for all of it where one kind is unknown."""
    try:
        return frame.side_data
    except ValueError:
        _name_new_kinds()
        return frame.side_data


def _name_new_kinds() -> None:
    def named(cls: Any, value: int) -> Any:
        member: Any = object.__new__(cls)
        member._name_, member._value_ = "EXIF" if value == EXIF else f"UNKNOWN_{value}", value
        return cls._value2member_map_.setdefault(value, member)

    kinds: Any = Type
    kinds._missing_ = classmethod(named)
