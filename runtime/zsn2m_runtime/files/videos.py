"""The error for a video or a live source where an image was expected: `stream` takes it."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.suffixes import VIDEO_SUFFIXES


def stream_hint(argument: str | Path) -> str | None:
    """What to do with an argument that is no image but a video or a live source; None where it is neither."""
    text = str(argument)
    is_live = "://" in text or text.startswith("/dev/video")
    if not is_live and Path(text).suffix.lower() not in VIDEO_SUFFIXES:
        return None
    if is_live:  # not named, for it may hold a password
        return "expected image files, but got a live source; use: zsn2m-deploy stream BUNDLE SOURCE -o clean.mkv"
    output = f"{Path(text).stem}_clean.mkv"
    return f"{text}: expected an image file, but got a video; use: zsn2m-deploy stream BUNDLE {text} -o {output}"
