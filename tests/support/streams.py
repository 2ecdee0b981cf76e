"""The command `stream` as a process, and the pictures of a video."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from support.clips import video_source
from zsn2m_runtime.streaming.ends import Picture

STREAM = [sys.executable, "-m", "zsn2m_deploy", "stream"]
DEFAULT_ON_ONE_THREAD = ("--provider", "cpu", "--threads", "1")
ONE_THREAD = ("--model", "mbd", *DEFAULT_ON_ONE_THREAD)
Capture = pytest.CaptureFixture[str]


def pictures(path: Path | io.BytesIO, **options: Any) -> list[Picture]:
    """All frames of a video; further arguments are those of Reading."""
    source = video_source(path, pass_tracks=False, **options)
    try:
        return [item for item in source if isinstance(item, Picture)]
    finally:
        source.close()
