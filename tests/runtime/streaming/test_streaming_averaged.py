"""Streams of averaged frames: each channel is a sequence of its own, and the strength of the noise is followed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.denoisers import gain_denoiser
from support.known_noise import plain_record
from support.sources import FakeSource, noise

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.inference.frames import Average
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.motion import still
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.sequence import MOTIONS, MotionName
from zsn2m_runtime.streaming import pace
from zsn2m_runtime.streaming.denoising import MOST_PACKETS, Denoising
from zsn2m_runtime.streaming.ends import Item, Packet, Picture
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.pace import video_model
from zsn2m_runtime.streaming.running import Stream

Array = np.ndarray[Any, Any]

BASE = np.full((72, 80, 3), 100.0)


class Kept(NullSink):
    """Keeps the results by channel, and all items."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, list[Array]] = {}
        self.items: list[Item] = []

    def write(self, item: Item) -> None:
        self.items.append(item)
        if isinstance(item, Picture):
            self.results.setdefault(item.channel, []).append(item.frame.pixels)


class Channels(FakeSource):
    """Frames of two channels in turn."""

    def __iter__(self) -> Iterator[Item]:
        for number in range(1, self.count + 1):
            yield Picture(Frame(noise(number)), number, str(number), channel="ab"[number % 2])


class Noisy(FakeSource):
    """One grey level with noise of 5, from frame 6 on of 20."""

    def __iter__(self) -> Iterator[Item]:
        for number in range(1, self.count + 1):
            deviation = 5 if number < 6 else 20
            pixels = BASE + np.random.default_rng(number).normal(0, deviation, BASE.shape)
            yield Picture(Frame(np.rint(pixels).clip(0, 255).astype(np.uint8)), number, str(number))


@pytest.fixture
def denoiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    """One whose network gives what it is given, of noise that is known."""
    monkeypatch.setattr(Denoiser, "noises", (white(25),))
    monkeypatch.setattr(Denoiser, "averages", True)
    return gain_denoiser(tmp_path, "uint8", 3, (0.0, 255.0))


@pytest.mark.parametrize("motion", list(MOTIONS))
def test_a_stream_gives_what_a_denoiser_s_stream_gives(denoiser: Denoiser, motion: MotionName) -> None:
    sink = Kept()
    report = Stream(denoiser, FakeSource(6), sink, motion=motion).run()
    assert report.model == "gain"
    np.testing.assert_array_equal(sink.results[""], list(denoiser.stream(map(noise, range(1, 7)), motion)))


def test_channels_have_a_history_each(denoiser: Denoiser) -> None:
    sink = Kept()
    Stream(denoiser, Channels(8), sink, motion="none").run()
    for channel, first in (("b", 1), ("a", 2)):
        right = list(denoiser.stream(map(noise, range(first, 9, 2)), "none"))
        np.testing.assert_array_equal(sink.results[channel], right)


def names(items: Iterable[Item]) -> list[str]:
    return [item.name if isinstance(item, Picture) else "packet" for item in items]


@pytest.mark.parametrize("lookahead", [1, 2, 9])
@pytest.mark.parametrize("source", [FakeSource(8), Channels(8)])
def test_results_that_come_late_keep_their_place(denoiser: Denoiser, source: FakeSource, lookahead: int) -> None:
    """Among packets of sound, and among the pictures of other channels."""
    sink = Kept()
    report = Stream(denoiser, source, sink, motion="none", lookahead=lookahead).run()
    assert report.frames_in == report.frames_out == 8
    assert names(sink.items) == names(source)
    for channel, results in sink.results.items():
        given = [item.frame.pixels for item in source if isinstance(item, Picture) and item.channel == channel]
        np.testing.assert_array_equal(results, list(denoiser.stream(given, "none", lookahead=lookahead)))


def test_a_frame_that_does_not_fit_comes_after_the_results_that_wait(denoiser: Denoiser) -> None:
    class Changing(FakeSource):
        def __iter__(self) -> Iterator[Item]:
            yield from super().__iter__()
            yield Picture(Frame(noise(8, "uint16")), 8, "frame 8")

    sink, source = Kept(), Changing(7)
    with pytest.raises(InputError, match="frame 8: expected uint8"):
        Stream(denoiser, source, sink, motion="none", lookahead=3).run()
    assert names(sink.items) == names(FakeSource(7))


def waiting(work: Denoising, items: Iterable[Item]) -> tuple[list[Item], int]:
    """What comes of items, and the most that were taken and not given at a time."""
    taken: list[Item] = []
    given: list[Item] = []
    most = 0

    def counted() -> Iterator[Item]:
        for item in items:
            taken.append(item)
            yield item

    for item in work(counted()):
        given.append(item)
        most = max(most, len(taken) - len(given))
    work.finish()
    return given, most


@pytest.mark.parametrize("is_kept", [False, True])
def test_little_waits_where_one_channel_comes_after_the_other(denoiser: Denoiser, is_kept: bool) -> None:
    """Of the first no more frames come: all of the second once waited for the end."""

    def items() -> Iterator[Picture]:
        for number in range(60):
            channel = "ab"[number // 30]
            kept = is_kept and channel == "b"
            yield Picture(Frame(noise(number)), number, str(number), channel=channel, is_kept=kept)

    given, most = waiting(Denoising(denoiser, still, 2, reload=False), items())
    assert names(given) == names(items())
    assert most <= 8


def test_sound_does_not_wait_for_pictures_that_come_no_more(denoiser: Denoiser) -> None:
    items: list[Item] = [Picture(Frame(noise(number)), number, str(number)) for number in range(3)]
    items += [Packet(number) for number in range(3 * MOST_PACKETS)]
    given, most = waiting(Denoising(denoiser, still, 2, reload=False), items)
    assert names(given) == names(items)
    assert most <= MOST_PACKETS + 3


def test_a_result_that_fails_leaves_every_picture_its_own(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those after it get none: the next one's was once given in its place."""
    right, calls, original = Kept(), iter(range(100)), Session.run
    Stream(denoiser, FakeSource(8), right, motion="none", lookahead=2).run()

    def fails(session: Session, planes: Nchw, strength: Nchw | None = None) -> Nchw:
        if next(calls) == 7:  # that of the third picture, with those after it
            raise MemoryError
        return original(session, planes, strength)

    monkeypatch.setattr(Session, "run", fails)
    sink = Kept()
    with pytest.raises(MemoryError):
        Stream(denoiser, FakeSource(8), sink, motion="none", lookahead=2).run()
    assert names(sink.items) == ["frame 1", "frame 2"]
    np.testing.assert_array_equal(sink.results[""], right.results[""][:2])


def test_the_speed_that_is_reached_has_all_of_the_work(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of results that come at the end."""
    original = Session.run

    def slow(session: Session, planes: Nchw, strength: Nchw | None = None) -> Nchw:
        time.sleep(0.02)
        return original(session, planes, strength)

    monkeypatch.setattr(Session, "run", slow)
    stream = Stream(denoiser, FakeSource(6), NullSink(), motion="none", lookahead=5)
    report = stream.run()
    mean = report.latency["denoise"]["mean"]
    assert mean is not None and 2 * 20 * 5 / 6 <= mean < 1000 * report.seconds / 6


def test_after_a_stop_what_waits_is_written(denoiser: Denoiser) -> None:
    source, sink = FakeSource(10**6, live=True), Kept()
    stream = Stream(denoiser, source, sink, motion="none", lookahead=3)
    report = stream.run(lambda done: stream.stop() if done == 4 else None)
    assert 4 <= report.frames_in == report.frames_out < 30


@pytest.mark.parametrize("by", ["stream", "python"])
def test_a_change_of_gain_reaches_the_model(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    given: list[float] = []

    def keep(_: Denoiser, frame: Frame, average: Average, name: str) -> tuple[Frame, Nchw]:
        given.append(float(np.mean(average(to_nchw(frame.pixels), None).strength)))
        return frame, to_nchw(BASE)

    monkeypatch.setattr(Denoiser, "denoise_mean", keep)
    monkeypatch.setattr(denoiser, "card", denoiser.card.model_copy(update={"strength": "strength"}))
    if by == "stream":
        Stream(denoiser, Noisy(12), NullSink(), motion="none").run()
    else:
        pictures = (item for item in Noisy(12) if isinstance(item, Picture))
        list(denoiser.stream((item.frame.pixels for item in pictures), "none"))
    assert given[0] == 1.0 > given[4] > 0.3
    assert 1.5 < given[-1] < 4.0 < 10 * given[4]


def white(floor: float, neighbours: tuple[float, float] = (0.0, 0.0)) -> NoiseRecord:
    """Noise of one variance."""
    return plain_record(0.0, floor, neighbours=neighbours)


def test_the_model_for_videos_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, told = (SimpleNamespace(id=f"{of}", strength=of, files={"onnx": None}) for of in (None, "strength"))
    for models, noises, found in (
        ([plain], (), None),
        ([plain, told], (), "strength"),
        ([plain, told], (white(25), white(900)), "strength"),
        ([plain, told], (white(25), white(900, (0.5, 0.5))), None),
    ):
        mixture = tuple(SimpleNamespace(noise=noise) for noise in noises)
        manifest = SimpleNamespace(models=models, mixture=mixture, impulses=None)
        monkeypatch.setattr(pace, "read_manifest", lambda _, manifest=manifest: manifest)
        assert video_model(tmp_path) == found
    assert video_model(tmp_path / "single.onnx") is None
