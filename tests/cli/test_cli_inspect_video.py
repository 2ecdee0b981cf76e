"""inspect of a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.clips import Clip, info_of, video_sink, write_all
from support.commands import run_command

Capture = pytest.CaptureFixture[str]


def test_a_video_is_shown_with_the_noise_of_its_first_frame(capsys: Capture, tmp_path: Path) -> None:
    generator = np.random.default_rng(1001)
    frames = [generator.normal(500, 20, (96, 96)).clip(0, 1023).astype(np.uint16) for _ in range(3)]
    sink = video_sink(tmp_path / "noisy.mkv", info_of(frames[0], 1023), lossless=True)
    write_all(sink, frames)
    path = sink.finish()
    found = run_command(capsys, "inspect", path, "--json").json
    facts = ("width", "height", "rate", "codec", "bits", "dtype", "channels", "range", "alpha")
    assert [found[name] for name in facts] == [96, 96, 25, "ffv1", 10, "uint16", 1, [0, 1023], False]
    assert found["noise"]["sigma"] == pytest.approx(20, rel=0.1)
    shown = run_command(capsys, "inspect", path).out
    assert "96 x 96 (width x height)" in shown
    assert f"zsn2m-deploy stream BUNDLE {path} -o" in shown
    assert "standard deviation about" in shown


def test_row_noise_of_a_video_is_told_apart_from_that_of_its_pixels(capsys: Capture, tmp_path: Path) -> None:
    generator = np.random.default_rng(1001)
    rows = [generator.normal(500, 30, (128, 1)) for _ in range(2)]
    frames = [(generator.normal(0, 20, (128, 128)) + one).clip(0, 1023).astype(np.uint16) for one in rows]
    sink = video_sink(tmp_path / "striped.mkv", info_of(frames[0], 1023), lossless=True)
    write_all(sink, frames)
    path = sink.finish()
    found = run_command(capsys, "inspect", path, "--json").json
    assert found["patterns"]["rows"]["sigma"] == pytest.approx(30, rel=0.2)
    assert found["noise"]["sigma"] == pytest.approx(20, rel=0.1)
    assert "row noise" in run_command(capsys, "inspect", path).out


def test_sound_and_what_goes_with_the_frames_is_named(capsys: Capture, tmp_path: Path) -> None:
    clip = Clip(audio=True, matrix=None).write(tmp_path / "clip.mp4")
    found = run_command(capsys, "inspect", clip, "--json").json
    assert found["tracks"] == ["aac"]
    assert found["frames"] == 12
    assert "tracks" in run_command(capsys, "inspect", clip).out


@pytest.mark.parametrize(
    ("name", "beside", "alpha"),
    [
        ("alpha.webm", [], True),
        ("hdr10.mkv", ["HDR10 content light level", "HDR10 mastering display"], False),
        ("prores.mov", ["timecode"], False),
        ("odd420.mkv", [], False),
    ],
)
def test_what_tools_lose_is_seen(capsys: Capture, shared_data: Path, name: str, beside: list[str], alpha: bool) -> None:
    found = run_command(capsys, "inspect", shared_data / "faults" / name, "--json").json
    assert (found["beside"], found["alpha"], found["never_kept"]) == (beside, alpha, [])


def test_an_interlaced_video_is_shown_and_said_to_be_one(capsys: Capture, tmp_path: Path) -> None:
    clip = Clip(options={"x264-params": "tff=1"}).write(tmp_path / "interlaced.mkv")
    assert run_command(capsys, "inspect", clip, "--json").json["interlaced"] is True
    assert "stream needs --deinterlace" in run_command(capsys, "inspect", clip).out


def test_a_broken_video_is_an_error_of_one_line(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    ended = run_command(capsys, "inspect", tmp_path / "a.mp4")
    assert ended.code == 3
    assert "expected a video" in ended.err
