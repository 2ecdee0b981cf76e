"""What resumable measurements share: rows kept in a CSV file as they come, tasks run one process a core.

A kind of row is a frozen dataclass with `code`, `date`, `machine`, `sources` (benchmarks.sources), `key` (what it is
of) and `figure` (dB, compared when it is measured again).
"""

from __future__ import annotations

import contextlib
import csv
import functools
import importlib.metadata
import multiprocessing
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benchmarks.results import processor
from benchmarks.sources import ROOT

Row = TypeVar("Row")
KeptRow = TypeVar("KeptRow", bound="Kept")
Task = TypeVar("Task")

_PARSERS: dict[str, Callable[[str], Any]] = {
    "float": float,
    "int": int,
    "float | None": lambda text: float(text) if text else None,
}


class Kept(Protocol):
    """What is asked of rows that are compared."""

    @property
    def sources(self) -> str:
        """Hash of what made it."""

    @property
    def key(self) -> object:
        """What it is of."""

    @property
    def figure(self) -> float | None:
        """What is compared when it is measured again, in dB."""


def read(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a file, none where there is no file; `kind` is a dataclass of str, int, float and float | None."""
    if not path.exists():
        return []
    parsers = {field.name: _PARSERS.get(str(field.type), str) for field in fields(kind)}  # type: ignore[arg-type]
    with path.open(encoding="utf-8", newline="") as file:
        return [kind(**{name: parsers[name](text) for name, text in row.items()}) for row in csv.DictReader(file)]


def append(path: Path, rows: Sequence[Any]) -> None:
    """Add rows (dataclasses of one kind) to a file; each line is written whole."""
    if not rows:
        return
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(rows[0])], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def run_tasks(
    tasks: Sequence[Task],
    measure: Callable[[Task], list[Row]],
    store: Callable[[list[Row]], None],
    describe: Callable[[Task, list[Row]], str],
    processes: int | None,
) -> None:
    """Measure each task in a process of its own core and store its rows; a task that fails is named and left out."""
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited by the processes, before they load any library
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=code) as pool, _cancelled_on_interrupt(pool):
        waiting = {pool.submit(measure, task): task for task in tasks}
        for done, future in enumerate(as_completed(waiting), start=1):
            task = waiting[future]
            try:
                found = future.result()
            except Exception as error:  # one failing task must not lose the others' rows
                print(f"FAILED {describe(task, [])} {error!r}", flush=True)
                continue
            store(found)
            seconds = time.perf_counter() - started
            print(f"{done}/{len(tasks)} {seconds:.0f}s {describe(task, found)}", flush=True)


@contextlib.contextmanager
def _cancelled_on_interrupt(pool: ProcessPoolExecutor) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


@functools.cache
def code() -> str:
    """The commit that was loaded (asked at the start of a process), "-dirty" where a Python file differs from it."""

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short=8", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", "*.py") else "")


def machine() -> str:
    """Processor, cores and the version of torch."""
    return f"{processor()}, {os.cpu_count()} cores, torch {importlib.metadata.version('torch')}, {platform.machine()}"


def made(found: Sequence[Any]) -> str:
    """When, where and by which code rows (with `date`, `machine` and `code`) were measured."""
    if not found:
        return "no rows"
    found = sorted(found, key=lambda row: row.date)
    dates = " to ".join(dict.fromkeys((found[0].date, found[-1].date)))
    machines, codes = (" / ".join(dict.fromkeys(getattr(row, field) for row in found)) for field in ("machine", "code"))
    return f"{dates}, {machines}, code {codes}"


def latest(found: Sequence[KeptRow]) -> list[KeptRow]:
    """Of each key the row that was measured last."""
    return list({row.key: row for row in found}.values())


def measured_again(found: Sequence[KeptRow]) -> list[tuple[KeptRow, KeptRow]]:
    """The first and the last row of each key that was measured by more than one state of the sources."""
    first: dict[object, KeptRow] = {}
    for row in found:
        first.setdefault(row.key, row)
    return [(first[row.key], row) for row in latest(found) if row.sources != first[row.key].sources]


def state(found: Sequence[KeptRow], today: Callable[[KeptRow], str]) -> str:
    """Whether rows are of today's sources, and how far those that were measured again have moved."""
    used = latest(found)
    older = sum(row.sources != today(row) for row in used)
    if not older:
        return f"**Sources:** all {len(used)} rows are of today's."
    text = f"**Sources:** {older} of {len(used)} rows are older than today's."
    moved = [abs(now.figure - then.figure) for then, now in measured_again(found) if now.figure and then.figure]
    if moved:
        again = "[Measured again](quality.md#the-tables-measured-again)"
        text += f" {again}: {len(moved)}, with a change of {max(moved):.3f} dB at most."
    return text
