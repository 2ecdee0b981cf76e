"""Motion JPEG of cameras: frames with EXIF, a kind of side data that PyAV 18 does not know."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from support.clips import video_sink
from support.commands import run_command

from zsn2m_runtime.streaming.video.source import VideoSource

SIZE = (64, 96)
MAKE, ORIENTATION = 271, 274


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "camera.avi"
    with av.open(path, "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuvj420p"
        for number in range(4):
            packet = av.Packet(_jpeg(number))
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = number
            container.mux(packet)
    return path


def _jpeg(seed: int) -> bytes:
    exif, stored = Image.Exif(), io.BytesIO()
    exif[MAKE], exif[ORIENTATION] = "Camera", 1
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(pixels).save(stored, "JPEG", exif=exif)
    return stored.getvalue()


def test_the_frames_are_read_and_the_exif_is_named(clip: Path, tmp_path: Path) -> None:
    source = VideoSource(clip)
    sink = video_sink(tmp_path / "out.mkv", source.info, source=source)
    frames = 0
    for item in source:
        sink.write(item)
        frames += 1
    sink.finish()
    source.close()
    assert frames == 4
    assert any("EXIF" in text for text in sink.lost)


def test_inspect_shows_it(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "inspect", clip, "--json")
    assert ended.code == 0
    assert "EXIF" in ended.json["beside"]
