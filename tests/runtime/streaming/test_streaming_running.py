"""A stream from end to end, with sources and sinks that fail on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from support.sources import FakeSource, noise

from zsn2m_runtime import pipeline
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, OutputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.ends import Item, Packet, Picture
from zsn2m_runtime.streaming.running import Stream


@dataclass
class FakeSink:
    """Keeps what it gets; fails at frame `fails_at`."""

    fails_at: int | None = None
    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    items: list[Item] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    @property
    def pictures(self) -> list[Picture]:
        return [item for item in self.items if isinstance(item, Picture)]

    def write(self, item: Item) -> None:
        if isinstance(item, Picture) and item.number == self.fails_at:
            raise OutputError("clean.mp4: expected room on the disk, but it is full; free some")
        self.items.append(item)

    def finish(self) -> str:
        self.ended.append("finish")
        return "clean.mp4"

    def salvage(self) -> str | None:
        self.ended.append("salvage")
        return "clean.partial.mp4"


@pytest.fixture(scope="module")
def denoiser(make_bundle: Any) -> Denoiser:
    return Denoiser(make_bundle(), "mbd", "cpu", 1)


def test_streamed_frames_are_those_of_denoising_each(each_denoiser: Denoiser) -> None:
    source, sink = FakeSource(), FakeSink()
    report = Stream(each_denoiser, source, sink).run()
    assert [picture.number for picture in sink.pictures] == list(range(1, 11))
    for picture in sink.pictures:
        assert np.array_equal(picture.frame.pixels, each_denoiser(noise(picture.number)))
    assert (report.frames_in, report.frames_out, report.frames_dropped) == (10, 10, 0)
    assert (report.output, report.complete) == ("clean.mp4", True)
    assert (report.model, report.provider) == (each_denoiser.card.id, "cpu")
    assert sink.ended == ["finish"]
    assert source.closed


def test_packets_keep_their_place_among_the_frames(denoiser: Denoiser) -> None:
    sink = FakeSink()
    Stream(denoiser, FakeSource(7), sink).run()
    places = [item.number if isinstance(item, Picture) else f"packet {item.packet}" for item in sink.items]
    assert places == [1, 2, 3, "packet 3", 4, 5, 6, "packet 6", 7]


def test_a_report_counts_every_stage_of_every_frame(denoiser: Denoiser) -> None:
    counted: list[int] = []
    report = Stream(denoiser, FakeSource(5), FakeSink()).run(counted.append)
    assert counted == [1, 2, 3, 4, 5]
    assert set(report.latency) == {"read", "denoise", "write", "total"}
    for values in report.latency.values():
        assert all(value is not None and value >= 0 for value in values.values())
    total, denoise = report.latency["total"]["p50"], report.latency["denoise"]["p50"]
    assert total is not None and denoise is not None and total >= denoise > 0
    assert 5 / report.fps == pytest.approx(report.seconds, abs=0.001)  # seconds are rounded
    assert report.peak_memory_mb > 10


def test_a_failing_source_keeps_what_came_before_and_says_where(denoiser: Denoiser) -> None:
    source, sink = FakeSource(4, fault=InputError("film.mkv: expected more, but it ends")), FakeSink()
    with pytest.raises(InputError, match=r"ends; .*clean\.partial\.mp4"):
        Stream(denoiser, source, sink).run()
    assert len(sink.pictures) == 4
    assert sink.ended == ["salvage"]
    assert source.closed


def test_a_full_disk_ends_the_stream_at_once(denoiser: Denoiser) -> None:
    source, sink = FakeSource(10**6), FakeSink(fails_at=3)
    with pytest.raises(OutputError, match="full"):
        Stream(denoiser, source, sink).run()
    assert [picture.number for picture in sink.pictures] == [1, 2]
    assert sink.ended == ["salvage"]
    assert source.closed


def test_a_frame_that_does_not_fit_in_mid_stream_is_an_error_in_its_place(denoiser: Denoiser) -> None:
    class Changing(FakeSource):
        def __iter__(self) -> Iterator[Item]:
            yield Picture(Frame(noise(1)), 1, "frame 1")
            yield Picture(Frame(noise(2, "uint16")), 2, "frame 2")

    sink = FakeSink()
    with pytest.raises(InputError, match="frame 2: expected uint8"):
        Stream(denoiser, Changing(), sink).run()
    assert [picture.number for picture in sink.pictures] == [1]


@pytest.mark.parametrize("drop_late", [False, True])
def test_after_a_stop_every_frame_is_written_or_counted_as_dropped(denoiser: Denoiser, drop_late: bool) -> None:
    for stop_at in range(3, 7):
        source, sink = FakeSource(10**6, live=True, before=lambda _: time.sleep(0.0005)), FakeSink()
        stream = Stream(denoiser, source, sink, drop_late=drop_late)
        report = stream.run(lambda done, stop_at=stop_at, stream=stream: stream.stop() if done == stop_at else None)
        assert report.frames_in == report.frames_out + report.frames_dropped
        assert sink.pictures[-1].number == report.frames_in


@pytest.mark.parametrize(("live", "ended"), [(True, "finish"), (False, "salvage")])
def test_a_stop_completes_a_recording_and_marks_a_film(denoiser: Denoiser, live: bool, ended: str) -> None:
    source, sink = FakeSource(10**6, live=live), FakeSink()
    stream = Stream(denoiser, source, sink)
    report = stream.run(lambda done: stream.stop() if done == 5 else None)
    assert [picture.number for picture in sink.pictures] == list(range(1, report.frames_out + 1))
    assert 5 <= report.frames_out < 20
    assert report.complete is live
    assert sink.ended == [ended]


def test_a_stop_before_the_first_frame_is_not_forgotten(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PATIENCE", 0.05)
    answers = threading.Event()
    stream = Stream(denoiser, FakeSource(before=lambda _: answers.wait(60), live=True), FakeSink())
    stream.stop()
    assert stream.run().seconds < 30
    answers.set()


def test_an_interrupt_still_closes_the_output(denoiser: Denoiser) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    sink = FakeSink()
    with pytest.raises(KeyboardInterrupt):
        Stream(denoiser, FakeSource(), sink).run(interrupt)
    assert sink.ended == ["salvage"]


def test_a_limit_takes_so_many_frames_and_is_complete(denoiser: Denoiser) -> None:
    sink = FakeSink()
    report = Stream(denoiser, FakeSource(10**6), sink, limit=4).run()
    assert [picture.number for picture in sink.pictures] == [1, 2, 3, 4]
    assert (report.frames_in, report.complete) == (4, True)


def test_a_slow_denoiser_drops_late_frames_of_a_camera_and_counts_them(denoiser: Denoiser) -> None:
    written, at_camera = threading.Event(), threading.Event()

    def before(number: int) -> None:
        if number == 30:  # the rest of the stream waits until the camera has run away
            at_camera.set()

    class Slow(FakeSink):
        def write(self, item: Item) -> None:
            at_camera.wait(60)
            written.set()
            super().write(item)

    sink = Slow()
    report = Stream(denoiser, FakeSource(30, live=True, before=before), sink, drop_late=True).run()
    numbers = [picture.number for picture in sink.pictures]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 30
    assert report.frames_dropped > 10
    assert report.frames_in == 30 == report.frames_out + report.frames_dropped
    assert sum(isinstance(item, Packet) for item in sink.items) == 10


def test_a_source_that_hangs_is_left_open_and_said(
    denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "PATIENCE", 0.05)
    answers = threading.Event()
    source = FakeSource(10, live=True, before=lambda number: answers.wait(60) if number == 3 else None)
    stream = Stream(denoiser, source, FakeSink())
    report = stream.run(lambda done: stream.stop() if done == 2 else None)
    assert report.frames_out == 2
    assert not source.closed
    assert "does not answer" in caplog.text
    answers.set()
