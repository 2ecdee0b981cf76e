"""A run: tasks to the workers of a Dask cluster, a few at a time, and the report of what came of them."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from zsn2m_runtime.batch_report import Outcome, Report
from zsn2m_runtime.cluster.outputs import Results
from zsn2m_runtime.cluster.plan import PlanesTask, Setup, Task
from zsn2m_runtime.cluster.work import work
from zsn2m_runtime.errors import OutputError, UnavailableError, Zsn2mError
from zsn2m_runtime.machine.temporary_files import filling_temporary_files
from zsn2m_runtime.plain_text import one_line

LOCAL = "local"
# Workers keep a profile of every second for an hour: 80 kB each (measured).
NO_PROFILES = {"distributed.worker.profile.enabled": False}
TASKS_A_THREAD = 3  # one runs and two wait; more gain nothing and take memory of the scheduler (chosen)
NO_FIXED_PORT = "127.0.0.1:0"  # of the page that shows tasks; the usual one may be taken
PATIENCE = 30  # seconds to wait for a scheduler, and for its first worker


@contextmanager
def connected(where: str, workers: int | None = None) -> Iterator[Any]:
    """A client of a cluster.

    Args:
        where: the address of a scheduler, such as tcp://host:8786, or `local`: processes of this machine
        workers: of those; None: one for each core
    Raises:
        UnavailableError: Dask is not installed, no scheduler answers, or processes do not start.
        OutputError: the disk for temporary files is full.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise UnavailableError(
            f"expected distributed for --cluster, but it is not installed ({error}); pip install 'zsn2m-deploy[dask]'"
        ) from error
    logging.getLogger("distributed").setLevel(logging.ERROR)  # it tells of every connection
    if where == LOCAL:
        options = {"n_workers": workers, "threads_per_worker": 1, "processes": True, "dashboard_address": NO_FIXED_PORT}
        with dask.config.set(NO_PROFILES), ExitStack() as undo:
            with _starting():
                cluster = undo.enter_context(distributed.LocalCluster(**options))
            yield undo.enter_context(distributed.Client(cluster))
        return
    with ExitStack() as undo:
        try:
            client = undo.enter_context(distributed.Client(where, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise UnavailableError(
                f"{where}: expected a Dask scheduler with a worker, but got: {error}; start both, or say --cluster "
                f"{LOCAL}"
            ) from error
        yield client


@contextmanager
def _starting() -> Iterator[None]:
    """Say why processes do not start; Dask wraps the reason."""
    try:
        yield
    except RuntimeError as error:
        with filling_temporary_files():
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
        raise UnavailableError(
            f"expected --cluster {LOCAL} to start processes, but got: {one_line(str(error))}; take fewer --workers"
        ) from error


def run(client: Any, results: Results, on_frames: Callable[[int], None] | None = None) -> Report:
    """Do all tasks of a run; frames that fail are tried once more, each by itself, and then listed.

    A worker that ends has its tasks done by another one.

    Args:
        on_frames: called after each task with the number of frames that are done with
    Raises:
        UnavailableError: the scheduler is gone.
        OutputError: results cannot get their names.
    """
    started = time.perf_counter()
    threads = client.ncores()
    report = Report(results.frames, len(threads), notes=[*results.notes])
    window = TASKS_A_THREAD * max(1, sum(threads.values()))
    again: list[Task] = []
    for task, outcome in _outcomes(client, results.tasks(len(threads)), results.setup, window):
        tries = _second_try(task, outcome)
        again += tries
        if task not in tries:
            report.add(outcome)
        if on_frames:
            on_frames(report.handled)
    report.retried = sum(task.frames for task in again)
    for _, outcome in _outcomes(client, again, results.setup, window):
        report.add(outcome)
        report.failed += outcome.failed
        if on_frames:
            on_frames(report.handled)
    report.where = str(results.finish(complete=not report.failed))
    report.seconds = time.perf_counter() - started
    try:
        results.keep(report.as_json())
    except OutputError as error:
        if not report.failed:  # else what failed before matters more
            raise
        report.notes.append(str(error))
    return report


def _second_try(task: Task, outcome: Outcome) -> list[Task]:
    """The frames of a task that failed, as tasks of their own."""
    failed = {frame for frame, _ in outcome.failed}
    if isinstance(task, PlanesTask):  # a process writes whole chunks
        return [task] if failed else []
    return [one for one in task.alone() if task.name in failed or one.name in failed]


def _outcomes(client: Any, tasks: Iterable[Task], setup: Setup, window: int) -> Iterator[tuple[Task, Outcome]]:
    """Every task with what came of it, as they end; the scheduler knows of `window` tasks at a time."""
    from distributed import CancelledError, as_completed

    waiting = iter(tasks)
    running = {client.submit(work, task, setup, pure=False): task for task in itertools.islice(waiting, window)}
    ended = as_completed(running)
    for future in ended:
        task = running.pop(future)
        try:
            error = future.exception()
            outcome = future.result() if error is None else Outcome(failed=[(task.name, _as_ours(task, error))])
        except CancelledError as lost:
            raise UnavailableError(
                "expected the Dask scheduler to answer, but it is gone; start it and run the command again, which "
                "does only what is missing"
            ) from lost
        for following in itertools.islice(waiting, 1):
            added = client.submit(work, following, setup, pure=False)
            running[added] = following
            ended.add(added)
        yield task, outcome


def _as_ours(task: Task, error: BaseException) -> Zsn2mError:
    """The error of a whole task: of a worker that ends each time, or one that nobody foresaw."""
    if isinstance(error, Zsn2mError):
        return error
    return Zsn2mError(f"{task.name}: expected a worker to denoise it, but got {type(error).__name__}: {error}")
