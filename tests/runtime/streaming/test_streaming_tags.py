"""Colour tags in the output: what it means is kept, what it cannot say is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.clips import (
    Clip,
    frames_of,
    tags_of,
    through,
    video_sink,
)

from zsn2m_runtime.streaming.video.colour import FULL
from zsn2m_runtime.streaming.video.source import VideoSource

TAGS = (1, 9, 16, 9)  # limited range, BT.2020, PQ


def test_tags_reach_codecs_that_write_them_into_every_frame(tmp_path: Path) -> None:
    first = Clip(tags=TAGS).write(tmp_path / "in.mp4")
    result = through(first, tmp_path / "out.mkv", codec="prores_ks", pixel_format="yuv422p10le")
    assert tags_of(result) == TAGS


def test_full_range_is_told_to_vp9(tmp_path: Path) -> None:
    result = through(Clip(tags=(2, 2, 2, 2)).write(tmp_path / "in.mp4"), tmp_path / "out.webm")
    assert frames_of(result)[0].color_range == 2


@pytest.mark.parametrize("out", ["out.webm", "out.mp4"])
def test_grey_keeps_its_contrast_in_codecs_that_players_take_for_colour(tmp_path: Path, out: str) -> None:
    first = Clip("ffv1", "gray").write(tmp_path / "in.mkv")
    before, after = (frames_of(place)[0] for place in (first, through(first, tmp_path / out, crf=0)))
    assert after.color_range == FULL
    difference = before.to_ndarray(format="rgb24").astype(int) - after.to_ndarray(format="rgb24")
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize(
    ("out", "how", "lost"),
    [
        ("out.mp4", {}, None),
        ("out.mp4", {"codec": "mpeg4"}, None),
        ("out.y4m", {}, "matrix and primaries and transfer"),
        ("out.avi", {"codec": "ffv1"}, "matrix and primaries and transfer and range"),
        ("out.avi", {"lossless": True}, "primaries and transfer"),
        ("out.mov", {"codec": "prores_ks"}, "range"),
    ],
)
def test_tags_that_an_output_cannot_say_are_told_before_the_first_frame(
    tmp_path: Path, out: str, how: dict[str, Any], lost: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    first = Clip(tags=(2, 1, 1, 1)).write(tmp_path / "in.mkv")
    source = VideoSource(first)
    sink = video_sink(tmp_path / out, source.info, source=source, **how)
    said = [message.split("colour ")[1] for message in caplog.messages if "colour " in message]
    assert said == ([f"{lost}; players will guess"] if lost else [])
    for item in source:
        sink.write(item)
    found = tags_of(Path(sink.finish()))
    assert (found == (2, 1, 1, 1)) is (lost is None)


def test_tags_that_mean_what_players_assume_anyway_are_not_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    through(Clip(tags=(1, 2, 2, 6)).write(tmp_path / "in.mkv"), tmp_path / "out.avi", codec="ffv1")
    through(Clip("ffv1", "gray").write(tmp_path / "grey.mkv"), tmp_path / "grey.avi", lossless=True)
    assert not caplog.messages
