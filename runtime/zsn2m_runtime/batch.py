"""Many image files through one denoiser, page by page; each output is whole or absent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from zsn2m_runtime.channel_choice import ChannelChoice, choose_channels
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.files import WRITABLE_SUFFIXES, Layout, is_zarr, open_image, result_suffix
from zsn2m_runtime.image import Frame
from zsn2m_runtime.path_kinds import check_outside_bundles
from zsn2m_runtime.patterns import MOSAIC
from zsn2m_runtime.resolved_path import Places
from zsn2m_runtime.suffixes import ZARR
from zsn2m_runtime.writing_errors import writing

NOT_FINITE = "are NaN or infinite"


@dataclass(frozen=True)
class Job:
    """One file to denoise and where the result goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class JobResult:
    """One finished job: `error` is None where the target was written.

    unlike: Denoiser.differences of a page of every channel
    copied: how many of the pages are of channels that are not denoised
    notes: sentences on what was copied or could not be kept
    blank: share of the samples of denoised pages that are blank, and kept
    """

    job: Job
    pages: int
    seconds: float
    error: Zsn2mError | None = None
    unlike: tuple[str, ...] = ()
    copied: int = 0
    notes: tuple[str, ...] = ()
    blank: float = 0.0


def plan_outputs(sources: Sequence[Path], out: Path) -> list[Job]:
    """Where each result goes: `out` itself for one input and a file name, else a folder with the inputs' names.

    A name with a suffix is a file, unless such a folder is there.

    Raises:
        UsageError: unknown suffix, an output would be an input, or two inputs would give one output.
    """
    is_folder = out.is_dir() and out.suffix.lower() != ZARR
    names_a_file = bool(out.suffix) and not is_folder and not str(out).endswith("/")
    if names_a_file and out.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(
            f"{out}: expected an output ending in {', '.join(WRITABLE_SUFFIXES)}, or a folder (add a / to make one), "
            f"but got {out.suffix!r}"
        )
    if names_a_file and len(sources) > 1:
        raise UsageError(f"expected a folder for {len(sources)} inputs, but got the file name {out}; name a folder")
    jobs = [Job(source, out if names_a_file else out / _result_name(source)) for source in sources]
    check_outside_bundles(jobs[0].target)
    places = Places()
    inputs = {places.of(source) for source in sources}
    taken: dict[str, Path] = {}
    for job in jobs:
        with writing(job.target):
            target = places.of(job.target)
        if target in inputs:
            raise UsageError(f"{job.target}: expected an output other than the inputs; choose another folder or name")
        if target in taken:
            raise UsageError(
                f"expected inputs of different names, but {taken[target]} and {job.source} would both become "
                f"{job.target}; denoise them into different folders"
            )
        taken[target] = job.source
    return jobs


def _result_name(source: Path) -> str:
    suffix = ZARR if is_zarr(source) else source.suffix  # an image of a plate has none
    return f"{source.stem}{result_suffix(suffix)}"


def run_jobs(
    denoiser: Denoiser,
    jobs: Sequence[Job],
    on_page: Callable[[Job, int, int], None] | None = None,
    check: bool = True,
    channel: str | None = None,
    max_pixels: int | None = None,
) -> Iterator[JobResult]:
    """Denoise file after file; a file that fails is reported and the others go on.

    Args:
        on_page: called after each page with the job, the page's number from 1, and the number of pages
        check: look whether a page of each channel of a file is like the frames trained on; a mosaic is an error
        channel: of stacks with several: a name, a number or `all`; None: the bundle's, or all if it is for none
        max_pixels: see `open_image`
    """
    for job in jobs:
        started = time.perf_counter()
        done = Done()
        error: Zsn2mError | None = None
        try:
            with open_image(job.source, max_pixels) as image, image.create(job.target) as writer:
                denoiser.check_pattern(image.mosaic, str(job.source))
                trained_on = denoiser.card.sensor.stack_channel
                choice = choose_channels(image.axes, trained_on, channel, str(job.source))
                done.notes += [*choice.notes, *writer.notes]
                pages = Pages(denoiser, writer, choice, str(job.source), check)
                for page, frame in enumerate(image):
                    pages.put(page, frame, done)
                    if on_page:
                        on_page(job, page + 1, image.page_count)
        except Zsn2mError as failure:
            error = failure
        seconds = time.perf_counter() - started
        yield JobResult(job, done.pages, seconds, error, tuple(done.unlike), done.copied, tuple(done.notes), done.blank)


class PageSink(Protocol):
    """What takes the pages of a result: an `ImageWriter`, or what writes a part of it."""

    layout: Layout

    def write(self, frame: Frame, unchanged: bool = False) -> None:
        """Take the next page."""


@dataclass
class Done:
    """What was done of a job."""

    pages: int = 0
    copied: int = 0
    unlike: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank_pixels: int = 0
    pixels: int = 0

    @property
    def blank(self) -> float:
        """Share of the pixels denoised."""
        return self.blank_pixels / max(self.pixels, 1)

    def count_blank(self, frame: Frame) -> None:
        """Count what is blank; say once what is not finite."""
        self.pixels += frame.pixels[..., 0].size if frame.channels == 3 else frame.pixels.size
        if frame.blank is None:
            return
        self.blank_pixels += int(np.count_nonzero(frame.blank))
        not_finite = frame.pixels.size - int(np.count_nonzero(np.isfinite(frame.pixels)))
        if not_finite and not any(NOT_FINITE in note for note in self.notes):
            share = 100 * not_finite / frame.pixels.size
            self.notes.append(f"{not_finite:,} samples ({share:.2g} %) {NOT_FINITE}: kept")


@dataclass(frozen=True)
class Pages:
    """The pages of one file on their way to its result."""

    denoiser: Denoiser
    writer: PageSink
    choice: ChannelChoice
    name: str  # of the file, in messages
    check: bool

    def put(self, page: int, frame: Frame, done: Done) -> None:
        """Write the result of a page, or the page itself where its channel is not denoised."""
        if not self.choice.takes(page):
            self.writer.write(frame, unchanged=True)
            done.pages, done.copied = page + 1, done.copied + 1
            return
        name = f"{self.name} page {page + 1}" if self.writer.layout.page_count > 1 else self.name
        denoised = self.denoiser.denoise(frame, name)
        if self.check and page in self.choice.pages_to_check:
            unlike = self.denoiser.differences(frame)
            _refuse_mosaic(unlike, name)
            done.unlike += self._sentences(unlike, page, done.unlike)
        self.writer.write(denoised)
        done.pages = page + 1
        done.count_blank(frame)

    def _sentences(self, found: Sequence[str], page: int, said: Sequence[str]) -> list[str]:
        """With the channel where there are several; of page 2 of a plain stack, what page 1 does not have."""
        channel = self.choice.name_of(page)
        if channel:
            return [f"{channel} (page {page + 1}): {sentence}" for sentence in found]
        kinds = {sentence.partition(":")[0] for sentence in said}
        where = f"page {page + 1}, which may be another channel: " if page else ""
        return [where + sentence for sentence in found if sentence.partition(":")[0] not in kinds]


def _refuse_mosaic(unlike: tuple[str, ...], name: str) -> None:
    for sentence in unlike:
        kind, _, found = sentence.partition(": ")
        if kind == MOSAIC:
            raise InputError(
                f"{name}: expected a picture, as those that the bundle was trained on, but got a mosaic: {found}; or, "
                f"to denoise it all the same, --no-check"
            )
