"""What a worker process does: one onnxruntime session, one thread a core, and one task after another."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from zsn2m_runtime.batch import Done, Job, Pages, run_jobs
from zsn2m_runtime.batch_report import Outcome
from zsn2m_runtime.channel_choice import ChannelChoice, choose_channels
from zsn2m_runtime.cluster.plan import FilesTask, PlanesTask, Setup, Task
from zsn2m_runtime.cluster.source_state import state_of
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.files import Layout, open_image
from zsn2m_runtime.files.zarr_planes import Place
from zsn2m_runtime.files.zarr_reader import ZarrFile
from zsn2m_runtime.files.zarr_writer import LevelsWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.self_ensemble import SelfEnsemble
from zsn2m_runtime.writing_errors import writing

DONE_AGAIN = "pages whose chunks in the source have changed since an earlier start are done again"
_opening = threading.Lock()  # a worker of several threads opens one session


@dataclass(frozen=True)
class _Source:
    """The image of a run, and which of its pages are denoised."""

    setup: Setup
    image: ZarrFile
    choice: ChannelChoice


class _OfThread(threading.local):
    """What a thread reads."""

    source: _Source | None = None


_opened = _OfThread()


def work(task: Task, setup: Setup) -> Outcome:
    """Do a task; frames that fail do not end it."""
    with _opening:
        denoiser = _denoiser(setup)
    if isinstance(task, FilesTask):
        return _files(task, setup, denoiser)
    return _planes(task, setup, denoiser)


@lru_cache(maxsize=1)
def _denoiser(setup: Setup) -> Denoiser:
    cv2.setNumThreads(1)
    kind = SelfEnsemble if setup.self_ensemble else Denoiser
    return kind(setup.bundle, setup.model, setup.provider, threads=1, spinning=False)


def is_finished(job: Job, since: float) -> bool:
    """Whether a result of this run is there, and its source has not changed after it."""
    try:
        written = job.target.stat().st_mtime
        return written >= since and written >= job.source.stat().st_mtime
    except OSError:
        return False


def _files(task: FilesTask, setup: Setup, denoiser: Denoiser) -> Outcome:
    outcome = Outcome()
    for job in task.jobs:
        if is_finished(job, setup.since):
            outcome.skipped += 1
            continue
        (result,) = run_jobs(denoiser, [job], None, setup.check, setup.channel, setup.max_pixels)
        outcome.count(result)
    return outcome


class _PlaneSink:
    """Planes to the chunks of an unfinished group."""

    def __init__(self, image: ZarrFile, group: Path) -> None:
        self.layout: Layout = image.layout
        self._group = group
        self.levels = LevelsWriter(image.multiscale, group)
        self.place: Place = ()

    def write(self, frame: Frame, unchanged: bool = False) -> None:
        with writing(self._group):
            self.levels.put(self.place, frame.pixels, unchanged)


def _planes(task: PlanesTask, setup: Setup, denoiser: Denoiser) -> Outcome:
    outcome, done = Outcome(), Done()
    source = _source(task.source, setup, denoiser)
    state = state_of(source.image, task.pages)  # before they are read
    if task.mark.exists():
        if task.mark.read_text() == state:
            return Outcome(skipped=task.frames)
        done.notes.append(DONE_AGAIN)
    image, sink = source.image, _PlaneSink(source.image, task.group)
    pages = Pages(denoiser, sink, source.choice, str(task.source), setup.check)
    try:
        for page in range(*task.pages):
            sink.place = image.places[page]
            try:
                pages.put(page, image.read(page), done)
            except Zsn2mError as error:
                outcome.failed.append((f"{task.source} page {page + 1}", error))
    finally:
        sink.levels.close()
    outcome.done = task.frames - len(outcome.failed)
    outcome.unlike = [(str(task.source), sentence) for sentence in done.unlike]
    outcome.notes = done.notes
    if not outcome.failed:
        with writing(task.mark):
            task.mark.write_text(state)
    return outcome


def _source(path: Path, setup: Setup, denoiser: Denoiser) -> _Source:
    """The image of a run, opened once a thread: of a million planes that takes seconds."""
    if _opened.source is None or _opened.source.setup != setup:
        import zarr

        if _opened.source:
            _opened.source.image.close()
        zarr.config.set({"threading.max_workers": 1})
        image = open_image(path, setup.max_pixels)
        assert isinstance(image, ZarrFile), path
        choice = choose_channels(image.axes, denoiser.card.sensor.stack_channel, setup.channel, str(path))
        _opened.source = _Source(setup, image, choice)
    return _opened.source
