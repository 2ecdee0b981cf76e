"""Pictures and image files for tests that are known by their value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Picture, StreamInfo

INFO = StreamInfo("test", 6, 8, "uint8", 3, (0, 255))


def frame_of(value: int, dtype: str = "uint8", shape: tuple[int, ...] = (6, 8, 3)) -> Frame:
    """A frame that is known by its value."""
    return Frame(np.full(shape, value, dtype))


def picture(number: int, name: str = "", **kind: Any) -> Picture:
    """The picture of a number, full of that value."""
    return Picture(frame_of(number, **kind), number, name or f"frame_{number:04d}")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
