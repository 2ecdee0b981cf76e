"""What a stream says of its speed: figures that were measured, or the word that they were not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import Clip
from support.commands import run_command

from zsn2m_deploy.cli import stream_pace as words
from zsn2m_runtime.blank.areas import blank_areas
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming import pace
from zsn2m_runtime.streaming.ends import StreamInfo
from zsn2m_runtime.streaming.pace import Faster, faster_ways

ONE_THREAD = ("--model", "mbd", "--provider", "cpu", "--threads", "1")
INFO = StreamInfo("street", 1080, 1920, "uint8", 3, (0, 255), Fraction(25), live=True)


@pytest.mark.parametrize(
    ("reached", "change", "drop_late", "said"),
    [
        (30.0, {}, False, "30 frames/s of 1920 x 1080 on this machine, which keeps up with the source's 25"),
        (
            5.0,
            {},
            False,
            "5 frames/s of 1920 x 1080 on this machine, the source has 25: about 20 of 25 frames a second will come",
        ),
        (5.0, {}, True, "about 20 of 25 frames a second will be dropped"),
        (5.0, {"live": False}, False, "the source has 25: a minute of it takes 5 minutes"),
        (5.0, {"rate": None}, False, "5 frames/s of 1920 x 1080 on this machine"),
        (5.0, {"rate": None, "frames": 900}, False, "1920 x 1080 on this machine: 900 frames take 3 minutes"),
        (16.0, {"rate": None, "frames": 8}, False, "1920 x 1080 on this machine: 8 frames take 0.5 seconds"),
    ],
)
def test_words(reached: float, change: dict[str, Any], drop_late: bool, said: str) -> None:
    assert said in words.pace_in_words(reached, replace(INFO, **change), drop_late)


def test_a_way_says_its_figure_or_that_there_is_none() -> None:
    assert words.way_in_words(Faster("--model mbd", 3.1)) == "--model mbd (3.1 times, on a part of a frame)"
    assert words.way_in_words(Faster("--provider cuda")) == "--provider cuda (not measured)"


def test_nothing_is_measured_where_the_source_is_slow_or_short(make_bundle: BundleMaker) -> None:
    denoiser = Denoiser(make_bundle(), "mbd", "cpu", 1)
    for info in (replace(INFO, rate=None, frames=2), replace(INFO, rate=Fraction(1, 100), height=48, width=64)):
        assert faster_ways(make_bundle(), denoiser, 1, info) == ()


def test_other_models_are_measured_and_what_is_not_there_is_named(
    make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {"grd": 8.0, "mbd": 2.0}
    monkeypatch.setattr(pace, "_seconds", lambda denoiser, part: taken[denoiser.card.id])
    monkeypatch.setattr(pace, "starting_providers", lambda _: {"cpu": None, "cuda": None, "coreml": "no"})
    ways = faster_ways(make_bundle(), Denoiser(make_bundle(), "grd", "cpu", 1), 1, INFO)
    assert ways[0] == Faster("--model mbd", 4.0)
    rest = {way.how for way in ways if way.times is None}
    assert "--provider cuda" in rest and "--provider coreml" not in rest
    assert "frames of half the width and height" in rest
    assert any("--precision int8" in how for how in rest)
    assert not any("fp16" in how for how in rest)
    assert faster_ways(make_bundle(), Denoiser(make_bundle(), "grd", "cpu", 1), 1, replace(INFO, rate=None, frames=9))
    slower = faster_ways(make_bundle(), Denoiser(make_bundle(), "mbd", "cpu", 1), 1, INFO)
    assert not any(way.times for way in slower)  # grd is no advice


@pytest.mark.parametrize(
    ("running", "named"),
    [
        ("video", set()),
        ("mbd", {"mbd.int8"}),
    ],
)
def test_no_slower_network_is_named_as_faster(
    make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch, running: str, named: set[str]
) -> None:
    bundle = make_bundle(method="mbd", video=True)
    monkeypatch.setattr(pace, "_seconds", lambda *_: 1.0)
    ways = faster_ways(bundle, Denoiser(bundle, running, "cpu", 1), 1, INFO)
    assert {way.how.split()[0] for way in ways if ", by: " in way.how} == named


def test_what_is_measured_passes_through_the_network(make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of one value is blank and costs nothing, so that every source would seem slow enough."""
    parts: list[Pixels] = []

    def seconds(_: Denoiser, part: Pixels) -> float:
        parts.append(part)
        return 1.0

    monkeypatch.setattr(pace, "_seconds", seconds)
    assert faster_ways(make_bundle(), Denoiser(make_bundle(), "mbd", "cpu", 1), 1, INFO)
    assert parts
    assert all(blank_areas(part) is None for part in parts)


@pytest.mark.parametrize("shape", [(48, 64), (1080, 1920)])
def test_what_is_measured_is_a_part_of_a_frame_of_the_sensor(make_bundle: BundleMaker, shape: tuple[int, int]) -> None:
    sensor = Denoiser(make_bundle("uint16", 1, (0.0, 1023.0), "mbd"), "mbd", "cpu", 1).card.sensor
    part = pace._crop(sensor, replace(INFO, height=shape[0], width=shape[1]))
    assert part.shape == (min(shape[0], 256), min(shape[1], 256))
    assert part.dtype == np.uint16 and part.max() <= 1023


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which a frame takes 0.2 s."""
    import time

    plain = Denoiser.denoise

    def wait(self: Denoiser, *arguments: Any) -> Any:
        time.sleep(0.2)
        return plain(self, *arguments)

    monkeypatch.setattr(Denoiser, "denoise", wait)


@pytest.mark.usefixtures("slow")
def test_a_slow_stream_says_so_after_a_few_frames(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path
) -> None:
    clip = Clip(times=range(0, 7 * 1001, 1001)).write(tmp_path / "clip.mp4")
    ended = run_command(capsys, "stream", make_bundle(), clip, "-o", tmp_path / "a.mkv", *ONE_THREAD)
    assert ended.code == 0, ended.err
    assert "the source has 23.98" in ended.err
    assert "faster: " in ended.err and "(not measured)" in ended.err
    quiet = run_command(capsys, "stream", make_bundle(), clip, "-o", tmp_path / "b.mkv", "--json", *ONE_THREAD)
    assert quiet.code == 0
    assert "frames/s" not in quiet.err
    assert 3 < quiet.json["reached_fps"] < 5.1
    assert quiet.json["source_fps"] == pytest.approx(23.976, abs=0.001)
    assert {"how": "frames of half the width and height", "times": None} in quiet.json["faster"]
