"""Where the results of a run go: files of a folder, or one OME-Zarr image that appears when it is complete."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from zsn2m_runtime.atomic import check_replaceable, put_folder
from zsn2m_runtime.batch import Job
from zsn2m_runtime.cluster.plan import Setup, Task, files_tasks, planes_tasks
from zsn2m_runtime.cluster.record import Record, open_record
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.files.zarr_copy import copy_all_but_chunks
from zsn2m_runtime.files.zarr_image import Multiscale
from zsn2m_runtime.files.zarr_levels import planes_at_once
from zsn2m_runtime.files.zarr_places import GROUP_MARKS, address_of, is_zarr
from zsn2m_runtime.files.zarr_planes import block_of
from zsn2m_runtime.files.zarr_reader import ZarrFile
from zsn2m_runtime.manifest import MANIFEST_NAME
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.suffixes import ZARR
from zsn2m_runtime.writing_errors import writing

UNFINISHED = ".unfinished"  # behind the name of an OME-Zarr result; the folder stays until all is done


class Results(Protocol):
    """The results of a run.

    Attributes:
        frames: how many there will be
        setup: for the tasks
        notes: sentences on what could not be kept
    """

    frames: int
    setup: Setup
    notes: tuple[str, ...]

    def tasks(self, workers: int) -> Iterator[Task]:
        """What is to be done."""

    def finish(self, complete: bool) -> Path:
        """Give the results their names; returns where they are."""

    def keep(self, report: dict[str, Any]) -> None:
        """Keep the report of the run beside results that a restart may go on with."""


@contextmanager
def results_of(jobs: Sequence[Job], setup: Setup) -> Iterator[Results]:
    """Where the results of some jobs go; for one run at a time.

    Raises:
        UsageError: OME-Zarr among other files.
        InputError: an image that cannot be read.
        OutputError: the place cannot be written, or another run writes there.
    """
    setup = replace(setup, start=token_hex(8))
    images = [job for job in jobs if is_zarr(job.source) and job.target.suffix.lower() == ZARR]
    if len(jobs) > 1 and images:
        raise UsageError(
            f"expected files alone or one OME-Zarr image for --cluster, but got {images[0].source} and "
            f"{len(jobs) - 1} more; give it a run of its own"
        )
    if images:
        source = images[0].source
        job = Job(source if address_of(source) else source.absolute(), images[0].target.absolute())
        image, blocks, kind = _planned(job, setup)
        with open_record(job.target.with_name(job.target.name + UNFINISHED), kind) as record:
            yield _Image(job, setup, record, image, blocks)
    else:
        files = [Job(job.source.absolute(), job.target.absolute()) for job in jobs]
        with open_record(files[0].target.parent, _kind(setup)) as record:
            yield _Files(files, setup, record)


class _Files:
    """A file for each job, which appears when it is whole."""

    def __init__(self, jobs: Sequence[Job], setup: Setup, record: Record) -> None:
        self._jobs, self._record, self.frames = jobs, record, len(jobs)
        self.notes: tuple[str, ...] = ()
        self.setup = replace(setup, since=record.since)

    def tasks(self, workers: int) -> Iterator[Task]:
        return files_tasks(self._jobs, workers)

    def finish(self, complete: bool) -> Path:
        return self._record.path.parent

    def keep(self, report: dict[str, Any]) -> None:
        self._record.close(report)


class _Image:
    """An OME-Zarr image in NAME.zarr.unfinished, until its last chunk is written.

    Args:
        blocks: the number of planes in each block that fills whole chunks
    """

    def __init__(self, job: Job, setup: Setup, record: Record, image: Multiscale, blocks: Sequence[int]) -> None:
        self._job, self._record, self._blocks = job, record, blocks
        self._folder = record.path.parent
        self._group, self._marks = self._folder / job.target.name, self._folder / "done"
        self.frames, self.setup = sum(blocks), replace(setup, since=record.since)
        self.notes = image.left
        with writing(self._folder):
            if record.is_new or not self._marks.is_dir():
                for left_over in (self._group, self._marks):
                    with suppress(FileNotFoundError):
                        shutil.rmtree(left_over)
                self._group.mkdir()
                self.notes += copy_all_but_chunks(image, self._group)
                self._marks.mkdir()

    def tasks(self, workers: int) -> Iterator[Task]:
        return planes_tasks(self._job.source, self._group, self._marks, self._blocks)

    def finish(self, complete: bool) -> Path:
        if not complete:
            return self._folder
        put_folder(self._group, self._job.target, GROUP_MARKS)
        shutil.rmtree(self._folder, ignore_errors=True)
        return self._job.target

    def keep(self, report: dict[str, Any]) -> None:
        if self._folder.exists():  # it is gone once the image is complete
            self._record.close(report)


def _planned(job: Job, setup: Setup) -> tuple[Multiscale, list[int], dict[str, Any]]:
    """A source, the number of planes in each block that fills whole chunks, and what a restart has to have again."""
    check_replaceable(job.target, GROUP_MARKS)
    with open_image(job.source, setup.max_pixels) as image:
        assert isinstance(image, ZarrFile), job.source
        image.create(job.target)  # refuses what cannot be an output
        extents, full = planes_at_once(image.multiscale), image.multiscale.levels[0]
        groups = itertools.groupby(image.places, key=lambda place: block_of(place, extents))
        blocks = [sum(1 for _ in places) for _, places in groups]
        of_image = {
            "source": one_line(str(job.source)),
            "planes": [*extents],
            "shape": [*full.shape],
            "dtype": full.dtype.name,
            "metadata": _hash_of_metadata(image.multiscale),
        }
        return image.multiscale, blocks, _kind(setup) | of_image


def _hash_of_metadata(image: Multiscale) -> str:
    """Of the group and the levels: a result holds them as they were when it was begun."""
    said = [node.metadata.to_dict() for node in (image.group, *image.levels)]
    return sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()


def _kind(setup: Setup) -> dict[str, Any]:
    of_bundle = setup.bundle / MANIFEST_NAME if setup.bundle.is_dir() else setup.bundle
    of_run = {"model": setup.model, "channel": setup.channel, "self_ensemble": setup.self_ensemble}
    return {"bundle": sha256(of_bundle.read_bytes()).hexdigest(), **of_run}
