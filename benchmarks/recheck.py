"""Are the tables what the code gives now? Some rows of older sources measured again: python -m benchmarks.recheck KIND

Rows of older sources are chosen evenly over the frames, COUNT of each method, and measured again; the new rows go into
the same file. Without a KIND the section is written from the rows that there are.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from benchmarks import regular, resumable
from benchmarks.quality import compare, plan
from benchmarks.quality import rows as quality
from benchmarks.results import table, write_section
from benchmarks.verdicts import __main__ as verdict_tasks
from benchmarks.verdicts import rows as verdict_rows

NOTES = """\
Rows that were measured twice, by sources whose hashes differ: the first time, and the last. dB: PSNR; of verdicts the
gain over the frame. Means and changes: of rows with a figure both times. Said otherwise: with a warning the one time
and without the other."""


@dataclass(frozen=True)
class Kind:
    """A file of rows, and how they are measured again.

    Attributes:
        load: all rows
        today: the hash of the sources that would make a row now
        tasks: all that are planned, as (group, task, keys of its rows)
        measure, store: a task's rows, and where to keep them
        said: whether a row has a warning; None where rows have none
    """

    load: Callable[[], list[Any]]
    today: Callable[[Any], str]
    tasks: Callable[[], Iterable[tuple[str, Any, list[Any]]]]
    measure: Callable[[Any], list[Any]]
    store: Callable[[list[Any]], None]
    said: Callable[[Any], bool] | None = None

    def older(self, groups: Sequence[str] | None, count: int) -> list[Any]:
        """So many tasks of each group whose rows are all there, of older sources."""
        stale = {row.key for row in resumable.latest(self.load()) if row.sources != self.today(row)}
        found: dict[str, list[Any]] = {}
        for group, task, keys in self.tasks():
            if stale.issuperset(keys) and (not groups or group in groups) and task not in found.get(group, []):
                found.setdefault(group, []).append(task)
        return [task for tasks in found.values() for task in evenly(tasks, count)]


def evenly(tasks: Sequence[Any], count: int) -> list[Any]:
    """So many of the tasks, at even distances."""
    count = min(count, len(tasks))
    return [tasks[len(tasks) * (2 * place + 1) // (2 * count)] for place in range(count)]


def _of_quality() -> Iterable[tuple[str, quality.Task, list[Any]]]:
    for tasks in plan.EXPERIMENTS.values():
        for task in tasks():
            yield task.method, task, quality.keys(task)


KINDS = {
    "quality": Kind(
        lambda: compare.planned(quality.load()), quality.today, _of_quality, quality.measure, quality.append
    ),
    "verdicts": Kind(
        lambda: resumable.read(verdict_rows.ROWS, verdict_rows.Row),
        lambda _: verdict_rows.SOURCES,
        lambda: ((task.fault, task, [task.key]) for task in verdict_tasks.tasks(None)),
        verdict_rows.measure,
        lambda found: resumable.append(verdict_rows.ROWS, found),
        lambda row: bool(row.warned),
    ),
    "regular": Kind(
        lambda: [row for row in resumable.read(regular.ROWS, regular.Row) if row.label == regular.NOW],
        lambda _: regular.SOURCES,
        lambda: ((task.texture.kind, task, [task.key]) for task in regular.tasks(regular.NOW)),
        regular.measure,
        lambda found: resumable.append(regular.ROWS, found),
        lambda row: bool(row.said),
    ),
}


def section() -> str:
    """What the rows say that were measured again, of each method."""
    lines: list[list[object]] = []
    for name, kind in KINDS.items():
        groups: dict[str, list[tuple[Any, Any]]] = {}
        for then, now in resumable.measured_again(kind.load()):
            groups.setdefault(now.method if name == "quality" else name, []).append((then, now))
        for group, pairs in groups.items():
            figures = [(then.figure, now.figure) for then, now in pairs if None not in (then.figure, now.figure)]
            said = sum(kind.said(then) != kind.said(now) for then, now in pairs) if kind.said else ""
            lines.append([group, len(pairs), *_summary(figures), said])
    header = ["rows", "measured again", "first, dB", "last, dB", "change of a row, dB", "said otherwise"]
    return f"{table(header, lines)}\n\n{NOTES}"


def _summary(figures: list[tuple[float, float]]) -> list[str]:
    """Of rows that have a figure both times: the mean the first time and the last, and the least and most change."""
    if not figures:
        return ["", "", ""]
    first, last = (f"{mean(column):.2f}" for column in zip(*figures, strict=True))
    changes = [now - then for then, now in figures]
    return [first, last, f"{min(changes):+.3f} to {max(changes):+.3f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=KINDS, help="the rows to measure again")
    parser.add_argument("--groups", nargs="+", help="only these methods, faults or textures")
    parser.add_argument("--count", type=int, default=1, help="so many tasks of each")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if arguments.kind:
        kind = KINDS[arguments.kind]
        left = kind.older(arguments.groups, arguments.count)
        resumable.run_tasks(left, kind.measure, kind.store, lambda task, _: str(task), arguments.processes)
    every = [row for kind in KINDS.values() for pair in resumable.measured_again(kind.load()) for row in pair]
    write_section("The tables, measured again", "python -m benchmarks.recheck", section(), resumable.made(every))


if __name__ == "__main__":
    main()
