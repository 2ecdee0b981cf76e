"""A video where an image belongs names the command for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bundles import BundleMaker
from support.clips import Clip
from support.commands import run_command

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.videos import stream_hint
from zsn2m_runtime.streaming.containers import CONTAINERS
from zsn2m_runtime.suffixes import VIDEO_SUFFIXES


def test_every_container_that_is_written_is_known_as_a_video() -> None:
    assert set(CONTAINERS) <= VIDEO_SUFFIXES


@pytest.mark.parametrize("name", ["clip.mp4", "CLIP.MKV", "clip.ts"])
def test_denoise_and_reading_name_stream(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path, name: str
) -> None:
    clip = Clip().write(tmp_path / name)
    ended = run_command(capsys, "denoise", make_bundle(), clip, "-o", tmp_path / "out.png")
    assert ended.code == 3
    assert f"zsn2m-deploy stream BUNDLE {clip} -o" in ended.err
    with pytest.raises(InputError, match="zsn2m-deploy stream"):
        open_image(clip)


def test_a_network_stream_is_no_missing_file(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path
) -> None:
    ended = run_command(capsys, "denoise", make_bundle(), "rtsp://me:secret@10.0.0.9/a", "-o", tmp_path / "out.png")
    assert ended.code == 3
    assert "zsn2m-deploy stream BUNDLE SOURCE -o clean.mkv" in ended.err
    assert "secret" not in ended.err


def test_an_image_and_a_text_have_no_such_hint() -> None:
    assert [stream_hint(name) for name in ("a.png", "a.txt", "mkv", "a")] == [None] * 4
