"""A source through a denoiser into a sink: counted, timed, and closed properly whatever happens."""

from __future__ import annotations

import logging
import os
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, Zsn2mError
from zsn2m_runtime.machine.memory import peak_memory
from zsn2m_runtime.pipeline import Pipeline
from zsn2m_runtime.sample_types import is_whole
from zsn2m_runtime.sequence import MOTIONS, MotionName
from zsn2m_runtime.streaming.denoising import Denoising
from zsn2m_runtime.streaming.ends import Item, Picture, Sink, Source, StreamInfo, samples_of
from zsn2m_runtime.streaming.latency import Latency
from zsn2m_runtime.streaming.pace import Faster
from zsn2m_runtime.streaming.reconnecting import Reconnecting

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamReport:
    """What happened to a stream.

    complete: False where a file's stream was stopped before its end
    latency: milliseconds (mean, p50, p95, p99) of reading, denoising and writing a frame, and of all with the waiting
    unlike: differences from the training frames, each once, with the first frame that had it
    lost, changed: what of a video or of image files the output does not hold, or holds in another form
    source_fps, reached_fps: frames a second that the source has, and that the slowest stage allows
    faster: ways to more, if the caller knows any
    """

    source: str
    output: str | None
    model: str
    provider: str
    frames_in: int
    frames_out: int
    frames_dropped: int
    reconnections: int
    complete: bool
    seconds: float
    fps: float
    latency: dict[str, dict[str, float | None]]
    peak_memory_mb: float
    unlike: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    source_fps: float | None = None
    reached_fps: float | None = None
    faster: tuple[Faster, ...] = ()


class Stream:
    """One run of frames from a source to a sink.

    Args:
        drop_late: of a live source, frames that wait while a newer one is there are dropped and counted
        motion: where the content of a frame was before, to average frames; `off`: every frame by itself
        lookahead: frames after it that each is averaged with, too; so many frames later its result comes
        reload: take up a bundle that is replaced on disk, between two frames; a broken one is warned of
        limit: frames to take from the source; None: all
    Attributes:
        kept: after an error or interrupt, where what was finished is; None: nowhere
    Raises:
        InputError: before the first frame, where the source's frames are not the sensor's.
    """

    def __init__(  # noqa: PLR0913, the options of a run
        self,
        denoiser: Denoiser,
        source: Source,
        sink: Sink,
        *,
        drop_late: bool = False,
        motion: MotionName = "flow",
        lookahead: int = 0,
        reload: bool = False,
        limit: int | None = None,
    ) -> None:
        check_source_fits(denoiser, source.info)
        self._work = Denoising(denoiser, MOTIONS[motion], lookahead, reload=reload)
        self._source, self._sink, self._limit = source, sink, limit
        self._drop_late = drop_late
        self._latency = {"read": Latency(), "denoise": self._work.latency, "write": Latency(), "total": Latency()}
        self._frames_in = self._frames_out = 0
        self._stopped = False
        self.kept: str | None = None
        self._pipeline: Pipeline[Item, Item] | None = None

    def stop(self) -> None:
        """Read no more frames; those that were read are still written. May be called from a signal handler."""
        self._stopped = True
        self._source.stop()
        if self._pipeline:
            self._pipeline.stop()

    @property
    def reached_fps(self) -> float | None:
        """Frames a second that the slower of denoising and writing allows, by the median of those so far."""
        stages = ("denoise", "write") if self._source.info.live else ("read", "denoise", "write")
        medians = [self._latency[stage].percentile(50) for stage in stages]
        slowest = max((median for median in medians if median), default=None)
        return round(1 / slowest, 3) if slowest else None

    def run(self, on_frame: Callable[[int], None] | None = None) -> StreamReport:
        """Run to the end of the source, to the limit, or to `stop`.

        Args:
            on_frame: called with the number of frames written so far after each of them
        Raises:
            InputError, OutputError, UnavailableError: what was written until then is kept as a partial output, which
                the message names.
        """
        started = time.perf_counter()
        droppable = (lambda item: isinstance(item, Picture)) if self._drop_late else None
        self._pipeline = pipeline = Pipeline(self._read(), self._work, droppable=droppable)
        if self._stopped:  # before the pipeline was there
            pipeline.stop()
        try:
            for item in pipeline:
                self._write(item, on_frame)
            complete = not self._stopped or self._source.info.live
            output = self._sink.finish() if complete else self._sink.salvage()
        except BaseException as error:
            self.kept = self._sink.salvage()
            if self.kept and isinstance(error, Zsn2mError):
                raise type(error)(f"{error}; what was finished is in {self.kept}") from error
            raise
        finally:
            self._source.stop()
            self._work.finish()
            if pipeline.close():
                self._source.close()
            else:
                log.warning("%s: does not answer; it is left open", self._source.info.name)
            self._work.close()  # last: the pipeline asks it
        return self._report(output, complete, time.perf_counter() - started)

    def _read(self) -> Iterator[Item]:
        started = time.perf_counter()
        for item in self._source:
            seconds = time.perf_counter() - started
            yield item  # resumed only if the item was taken: a stop may have come first
            if isinstance(item, Picture):
                self._latency["read"].add(seconds)
                self._frames_in += 1
            if self._frames_in == self._limit or self._stopped:
                return
            started = time.perf_counter()

    def _write(self, item: Item, on_frame: Callable[[int], None] | None) -> None:
        started = time.perf_counter()
        self._sink.write(item)
        if not isinstance(item, Picture):
            return
        ended = time.perf_counter()
        self._latency["write"].add(ended - started)
        self._latency["total"].add(ended - item.arrived)
        self._frames_out += 1
        if on_frame:
            on_frame(self._frames_out)

    def _report(self, output: str | None, complete: bool, seconds: float) -> StreamReport:
        assert self._pipeline
        return StreamReport(
            source=self._source.info.name,
            output=output,
            model=self._work.denoiser.card.id,
            provider=self._work.denoiser.provider,
            frames_in=self._frames_in,
            frames_out=self._frames_out,
            frames_dropped=self._pipeline.dropped,
            reconnections=self._source.reconnections if isinstance(self._source, Reconnecting) else 0,
            complete=complete,
            seconds=round(seconds, 3),
            fps=round(self._frames_out / seconds, 3),
            latency={stage: latency.summary() for stage, latency in self._latency.items()},
            peak_memory_mb=round(peak_memory() / 1e6, 1),
            unlike=self._work.unlike,
            source_fps=float(rate) if (rate := self._source.info.rate) else None,
            reached_fps=self.reached_fps,
            lost=self._sink.lost,
            changed=self._sink.changed,
        )


def check_source_fits(denoiser: Denoiser, info: StreamInfo) -> None:
    """Refuse a source whose frames are not of the bundle's sensor.

    Raises:
        InputError: saying what the sensor gives and what the source gives.
    """
    sensor = denoiser.card.sensor
    wanted = replace(info, dtype=sensor.dtype, channels=sensor.channels, range=sensor.range, mosaic=sensor.mosaic)
    same_range = info.range is None or not is_whole(sensor.dtype) or info.range == sensor.range
    if (sensor.dtype, sensor.channels) != (info.dtype, info.channels) or not same_range:
        raise InputError(
            f"{info.name}: expected {samples_of(wanted)}, as in the frames that the bundle was trained on, but got "
            f"{samples_of(info)}; train a bundle on {_how_to_train(info)}"
        )
    denoiser.check_pattern(info.mosaic, info.name)


def _how_to_train(info: StreamInfo) -> str:
    if os.path.exists(info.name):  # noqa: PTH110 - unlike Path's, False for what is too long to be a path
        return f"a frame of this source: zsn2m-deploy train-and-export {shlex.quote(info.name)}"
    if info.live:
        return "frames of this source: zsn2m-deploy train-and-export SOURCE --frames 3"
    return "frames of this source that you have saved as images or as a short lossless video"
