"""Measure quality, a row at a time, and write the tables: python -m benchmarks.quality run, then tables.

A run can be stopped at any time and goes on where it stopped: rows.csv keeps what was measured. Rows of
sources that have changed since still count; the tables say how many they are, and `python -m benchmarks.recheck`
measures some of them again.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process a core; must come before the libraries are loaded

import argparse

from benchmarks import resumable
from benchmarks.quality import cases, rows
from benchmarks.quality.methods import METHODS
from benchmarks.quality.plan import EXPERIMENTS


def run(arguments: argparse.Namespace) -> None:
    """Measure what is missing of the chosen experiments."""
    tasks = [task for name in arguments.experiments for task in EXPERIMENTS[name]()]
    for name, chosen in (("method", arguments.methods), ("dataset", arguments.datasets), ("noise", arguments.noises)):
        tasks = [task for task in tasks if not chosen or getattr(task, name) in chosen]
    tasks = list(dict.fromkeys(tasks))
    if arguments.images:
        first = {dataset: cases.names(dataset, arguments.images) for dataset in (*cases.SYNTHETIC, *cases.REAL)}
        tasks = [task for task in tasks if task.image in first[task.dataset]]
    left = rows.missing(tasks)
    print(f"{len(tasks)} tasks, {len(left)} to do", flush=True)
    resumable.run_tasks(left, rows.measure, rows.append, _describe, arguments.processes)


def _describe(task: rows.Task, found: list[rows.Row]) -> str:
    figures = " ".join(f"{row.psnr:.2f}" for row in found)
    return f"{task.method} | {task.dataset} {task.image} {task.noise} seed {task.seed}: {figures}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("run", help="measure what is missing")
    measure.add_argument("experiments", nargs="*", default=list(EXPERIMENTS), metavar="EXPERIMENT")
    measure.add_argument("--images", type=int, help="only the first N images of each set")
    measure.add_argument("--methods", nargs="+", choices=METHODS, help="only these")
    measure.add_argument("--datasets", nargs="+", choices=(*cases.SYNTHETIC, *cases.REAL), help="only these")
    measure.add_argument("--noises", nargs="+", choices=cases.NOISES, help="only these")
    measure.add_argument("--processes", type=int, default=os.cpu_count())
    commands.add_parser("pictures", help="train on the best and the worst image again and show them")
    commands.add_parser("tables", help="write docs/results from the rows")
    arguments = parser.parse_args()
    if arguments.command == "run":
        unknown = sorted(set(arguments.experiments) - set(EXPERIMENTS))
        if unknown:
            parser.error(f"unknown experiments {unknown}; choose from {list(EXPERIMENTS)}")
        run(arguments)
    elif arguments.command == "pictures":
        from benchmarks.quality.figures import pictures

        pictures()
    else:
        from benchmarks.quality.tables import write_tables

        write_tables()


if __name__ == "__main__":
    main()
