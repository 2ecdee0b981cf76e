"""Many image files through one denoiser: what goes where, page by page, each output whole or absent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import UsageError, Zsn2mError
from zsn2m_runtime.files import IMAGE_SUFFIXES, open_image


@dataclass(frozen=True)
class Job:
    """One file to denoise and where the result goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class JobResult:
    """One finished job: `error` is None where the target was written; `unlike` is Denoiser.unlike of its first page."""

    job: Job
    pages: int
    seconds: float
    error: Zsn2mError | None = None
    unlike: tuple[str, ...] = ()


def plan_outputs(sources: Sequence[Path], out: Path) -> list[Job]:
    """Where each result goes: `out` itself for one input and a file name, else a folder with the inputs' names.

    A name with a suffix is a file, unless such a folder is there.

    Raises:
        UsageError: unknown suffix, an output would be an input, or two inputs would give one output.
    """
    names_a_file = bool(out.suffix) and not out.is_dir() and not str(out).endswith("/")
    if names_a_file and out.suffix.lower() not in IMAGE_SUFFIXES:
        raise UsageError(
            f"{out}: expected an output ending in {', '.join(IMAGE_SUFFIXES)}, or a folder (add a / to make one), "
            f"but got {out.suffix!r}"
        )
    if names_a_file and len(sources) > 1:
        raise UsageError(f"expected a folder for {len(sources)} inputs, but got the file name {out}; name a folder")
    jobs = [Job(source, out if names_a_file else out / source.name) for source in sources]
    inputs = {source.resolve() for source in sources}
    taken: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target in inputs:
            raise UsageError(f"{job.target}: expected an output other than the inputs; choose another folder or name")
        if target in taken:
            raise UsageError(
                f"expected inputs of different names, but {taken[target]} and {job.source} would both become "
                f"{job.target}; denoise them into different folders"
            )
        taken[target] = job.source
    return jobs


def run_jobs(
    denoiser: Denoiser,
    jobs: Sequence[Job],
    on_page: Callable[[Job, int, int], None] | None = None,
    check: bool = True,
) -> Iterator[JobResult]:
    """Denoise file after file; a file that fails is reported and the others go on.

    Args:
        on_page: called after each page with the job, the page's number from 1, and the number of pages
        check: look whether each file's first page is like the frames trained on
    """
    for job in jobs:
        started = time.perf_counter()
        pages = 0
        unlike: tuple[str, ...] = ()
        try:
            with open_image(job.source) as image, image.create(job.target) as writer:
                for number, frame in enumerate(image, start=1):
                    page_name = f" page {number}" if image.page_count > 1 else ""
                    writer.write(denoiser.denoise(frame, f"{job.source}{page_name}"))
                    pages = number
                    if check and number == 1:
                        unlike = denoiser.unlike(frame.pixels)
                    if on_page:
                        on_page(job, number, image.page_count)
        except Zsn2mError as error:
            yield JobResult(job, pages, time.perf_counter() - started, error, unlike)
        else:
            yield JobResult(job, pages, time.perf_counter() - started, unlike=unlike)
