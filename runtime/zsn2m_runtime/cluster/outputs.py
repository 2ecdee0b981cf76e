"""Where the results of a run go: files of a folder, or one OME-Zarr image that appears when it is complete."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any, Protocol

from zsn2m_runtime.atomic import check_replaceable, put_folder, writing
from zsn2m_runtime.batch import Job
from zsn2m_runtime.cluster.plan import Setup, Task, files_tasks, planes_tasks
from zsn2m_runtime.cluster.record import Record, open_record
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.zarr_copy import copy_all_but_chunks
from zsn2m_runtime.files.zarr_levels import planes_at_once
from zsn2m_runtime.files.zarr_places import GROUP_MARKS, address_of, is_zarr
from zsn2m_runtime.files.zarr_planes import block_of
from zsn2m_runtime.files.zarr_reader import ZarrFile
from zsn2m_runtime.manifest import MANIFEST_NAME
from zsn2m_runtime.suffixes import ZARR

UNFINISHED = ".unfinished"  # behind the name of an OME-Zarr result; the folder stays until all is done


class Results(Protocol):
    """The results of a run.

    Attributes:
        frames: how many there will be
        setup: for the tasks
        record: of the run
    """

    frames: int
    setup: Setup
    record: Record

    def tasks(self, workers: int) -> Iterator[Task]:
        """What is to be done."""

    def finish(self, complete: bool) -> str:
        """Give the results their names; returns where they are."""


def results_of(jobs: Sequence[Job], setup: Setup) -> Results:
    """Where the results of some jobs go.

    Raises:
        UsageError: OME-Zarr among other files.
        InputError: an image that cannot be read.
        OutputError: the place cannot be written.
    """
    images = [job for job in jobs if is_zarr(job.source) and job.target.suffix.lower() == ZARR]
    if not images:
        return _Files([Job(job.source.absolute(), job.target.absolute()) for job in jobs], setup)
    if len(jobs) > 1:
        raise UsageError(
            f"expected files alone or one OME-Zarr image for --cluster, but got {images[0].source} and "
            f"{len(jobs) - 1} more; give it a run of its own"
        )
    source = images[0].source
    return _Image(Job(source if address_of(source) else source.absolute(), images[0].target.absolute()), setup)


class _Files:
    """A file for each job, which appears when it is whole."""

    def __init__(self, jobs: Sequence[Job], setup: Setup) -> None:
        self._jobs, self.frames = jobs, len(jobs)
        self._folder = jobs[0].target.parent
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        self.record = open_record(self._folder, _kind(setup))
        self.setup = replace(setup, since=self.record.since)

    def tasks(self, workers: int) -> Iterator[Task]:
        return files_tasks(self._jobs, workers)

    def finish(self, complete: bool) -> str:
        return str(self._folder)


class _Image:
    """An OME-Zarr image in NAME.zarr.unfinished, until its last chunk is written."""

    def __init__(self, job: Job, setup: Setup) -> None:
        check_replaceable(job.target, GROUP_MARKS)
        self._target, self._source = job.target, job.source
        self._folder = job.target.with_name(job.target.name + UNFINISHED)
        self._group, self._marks = self._folder / job.target.name, self._folder / "done"
        with open_image(job.source, setup.max_pixels) as image:
            assert isinstance(image, ZarrFile), job.source
            image.create(job.target)  # refuses what cannot be an output
            extents = planes_at_once(image.multiscale)
            self.frames = image.page_count
            groups = itertools.groupby(image.places, key=lambda place: block_of(place, extents))
            self._blocks = [sum(1 for _ in places) for _, places in groups]
            with writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            kind = _kind(setup) | {"source": str(job.source), "planes": [self.frames, *extents]}
            self.record = open_record(self._folder, kind)
            self.setup = replace(setup, since=self.record.since)
            with writing(self._folder):
                if self.record.is_new or not self._marks.is_dir():
                    for left_over in (self._group, self._marks):
                        with suppress(FileNotFoundError):
                            shutil.rmtree(left_over)
                    self._group.mkdir()
                    copy_all_but_chunks(image.multiscale, self._group)
                    self._marks.mkdir()

    def tasks(self, workers: int) -> Iterator[Task]:
        return planes_tasks(self._source, self._group, self._marks, self._blocks)

    def finish(self, complete: bool) -> str:
        if not complete:
            return str(self._folder)
        put_folder(self._group, self._target, GROUP_MARKS)
        shutil.rmtree(self._folder, ignore_errors=True)
        return str(self._target)


def _kind(setup: Setup) -> dict[str, Any]:
    of_bundle = setup.bundle / MANIFEST_NAME if setup.bundle.is_dir() else setup.bundle
    return {"bundle": sha256(of_bundle.read_bytes()).hexdigest(), "model": setup.model, "channel": setup.channel}
