"""What commands share on the terminal: results on stdout, progress and remarks on stderr."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zsn2m_runtime.plain_text import one_line, visible

if TYPE_CHECKING:
    from zsn2m_deploy.fit.fitter import ProgressCallback
    from zsn2m_runtime.batch import Job
    from zsn2m_runtime.streaming.ends import StreamInfo

INTERRUPTED = 130  # exit code, as of shells: 128 + SIGINT
LINE_INTERVAL = 10.0  # seconds between lines of progress where stderr is no terminal


class Interrupted(SystemExit):
    """The end after an interrupt, once the user was told."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels", min=1, help="Most pixels of a frame; default: 134 million, more where the file is large too."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")]


def show(text: str) -> None:
    """A line on stdout; control characters, which names of files may hold, are escaped."""
    print(one_line(text))


def show_lines(text: str) -> None:
    """Several lines on stdout, such as a table; control characters in them are escaped."""
    print(visible(text))


def show_json(value: Any) -> None:
    """The result for machines on stdout."""
    print(json.dumps(value, indent=2, default=str))


def remark(text: str) -> None:
    """A line on stderr, escaped likewise."""
    print(one_line(text), file=sys.stderr)


def complain(text: str) -> None:
    """The message of the error that ends a command: one line on stderr, escaped likewise.

    Where stderr cannot be written, as on a full disk, the exit code is all that is said.
    """
    with contextlib.suppress(OSError):
        print(f"error: {one_line(text)}", file=sys.stderr, flush=True)


def table(rows: list[tuple[str, object]]) -> str:
    """Two aligned columns, a line a row."""
    said = [(one_line(name), one_line(str(value))) for name, value in rows]
    width = max(len(name) for name, _ in said)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in said)


@contextlib.contextmanager
def training_progress(quiet: bool) -> Iterator[ProgressCallback | None]:
    """On stderr, a bar for each stage, with its loss and the time left."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:>6}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def update(progress: Any) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(progress.stage, total=progress.iterations, loss="")
            loss = "" if progress.loss is None else f"loss {progress.loss:.4g}"
            bars.update(tasks[progress.stage], completed=progress.iteration, loss=loss)

        yield update


@contextlib.contextmanager
def page_progress(quiet: bool, files: int) -> Iterator[Callable[[Job, int, int], None] | None]:
    """On stderr, a bar over files that names the current page."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)  # brackets of a name are no style
    columns = (name, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("denoise", total=files)

        def update(job: Job, page: int, pages: int) -> None:
            bars.update(task, description=f"{one_line(job.source.name)} {page}/{pages}")
            bars.advance(task, 1 / pages)

        yield update


@contextlib.contextmanager
def stream_progress(quiet: bool, info: StreamInfo, limit: int | None) -> Iterator[Callable[[int], None] | None]:
    """On stderr, frames, their rate and the time left."""
    total = min(filter(None, (info.frames, limit)), default=None)
    with count_progress(quiet, info.name, total) as update:
        yield update


@contextlib.contextmanager
def count_progress(quiet: bool, name: str, total: int | None) -> Iterator[Callable[[int], None] | None]:
    """On stderr, frames, their rate and the time left: a bar, or a line now and then where that is no terminal."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield _lines(total)
    else:
        with _count_bar(name, total) as update:
            yield update


@contextlib.contextmanager
def _count_bar(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),  # brackets of a name are no style
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]} frames/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(one_line(name), total=total, speed="")

        def update(done: int) -> None:
            speed = bars.tasks[0].speed
            bars.update(task, completed=done, speed=f"{speed:.2f}" if speed else "")

        yield update


def _lines(total: int | None) -> Callable[[int], None]:
    started = said = time.monotonic()

    def update(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= LINE_INTERVAL:
            said = now
            speed = done / (now - started)
            of = f" of {total}" if total else ""
            left = f", {max(0, total - done) / speed:.0f} s left" if total else ""
            remark(f"{done}{of} frames, {speed:.2f} frames/s{left}")

    return update
