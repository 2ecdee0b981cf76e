"""What is to be done, as tasks that are made one after another: no list of a million is sent to a scheduler."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zsn2m_runtime.batch import Job

FRAMES_A_TASK = 16  # a task costs the scheduler about a millisecond; so few are lost with a worker (chosen)


@dataclass(frozen=True)
class Setup:
    """What every task needs.

    Attributes:
        bundle: its path, which every worker can read
        since: files written at this time or later, by the clock of the output's file system, are results of this run
        start: another at each start, so that workers that stay open what was replaced since the start before
    """

    bundle: Path
    model: str | None
    provider: str
    check: bool
    channel: str | None
    max_pixels: int | None
    self_ensemble: bool = False
    since: float = 0.0
    start: str = ""


@dataclass(frozen=True)
class FilesTask:
    """Some files."""

    jobs: tuple[Job, ...]

    @property
    def frames(self) -> int:
        """How many files."""
        return len(self.jobs)

    @property
    def name(self) -> str:
        """What to call it where it cannot be said which file failed."""
        first, last = self.jobs[0].source, self.jobs[-1].source
        return str(first) if len(self.jobs) == 1 else f"{first} to {last.name}"

    def alone(self) -> list[FilesTask]:
        """A task for each file."""
        return [FilesTask((job,)) for job in self.jobs]


@dataclass(frozen=True)
class PlanesTask:
    """Pages of an OME-Zarr image that fill whole chunks of all levels, so that no other task writes these.

    Attributes:
        group: the unfinished result
        pages: from 0, and the one behind the last
        mark: a file that is made when all chunks are written; it holds the state of the source's chunks
    """

    source: Path
    group: Path
    pages: tuple[int, int]
    mark: Path

    @property
    def frames(self) -> int:
        """How many pages."""
        return self.pages[1] - self.pages[0]

    @property
    def name(self) -> str:
        """What to call it where it cannot be said which page failed."""
        return f"{self.source} pages {self.pages[0] + 1} to {self.pages[1]}"


Task = FilesTask | PlanesTask


def files_tasks(jobs: Sequence[Job], workers: int) -> Iterator[FilesTask]:
    """A task for every few files; for fewer files each, where there are hardly enough for all workers."""
    size = max(1, min(FRAMES_A_TASK, len(jobs) // (4 * workers)))
    for begin in range(0, len(jobs), size):
        yield FilesTask(tuple(jobs[begin : begin + size]))


def planes_tasks(source: Path, group: Path, marks: Path, blocks: Sequence[int]) -> Iterator[PlanesTask]:
    """A task for every few blocks of planes.

    Args:
        blocks: the number of planes in each block that fills whole chunks, in the order of the pages
    """
    begin = end = 0
    for planes, following in itertools.zip_longest(blocks, blocks[1:]):
        end += planes
        if end - begin >= FRAMES_A_TASK or following is None:
            yield PlanesTask(source, group, (begin, end), marks / f"{begin}-{end}")
            begin = end
