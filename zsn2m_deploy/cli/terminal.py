"""What commands share on the terminal: results on stdout, progress and remarks on stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zsn2m_deploy.fitting import ProgressCallback
    from zsn2m_runtime.batch import Job

JsonOption = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")]


def show(text: str) -> None:
    """A line for people on stdout."""
    print(text)


def show_json(value: Any) -> None:
    """The result for machines on stdout."""
    print(json.dumps(value, indent=2, default=str))


def remark(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr)


def table(rows: list[tuple[str, object]]) -> str:
    """Two aligned columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


@contextlib.contextmanager
def training_progress(quiet: bool) -> Iterator[ProgressCallback | None]:
    """A bar per stage with its loss and the time left, on stderr."""
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
    """A bar over files, naming the page in work, on stderr."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task("denoise", total=files)

        def update(job: Job, page: int, pages: int) -> None:
            bars.update(task, description=f"{job.source.name} {page}/{pages}")
            bars.advance(task, 1 / pages)

        yield update
