"""`denoise --cluster`: the frames on the processes of a Dask cluster, and the report of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zsn2m_deploy.cli.terminal import count_progress, remark, show, show_json

if TYPE_CHECKING:
    from zsn2m_runtime.batch import Job
    from zsn2m_runtime.batch_report import Report
    from zsn2m_runtime.cluster.plan import Setup

MOST_LISTED = 20  # failures on the terminal; the record and --json have all


def denoise_on_cluster(where: str, workers: int | None, jobs: Sequence[Job], setup: Setup, as_json: bool) -> None:
    """Run the jobs and say what came of them.

    Raises:
        Zsn2mError: that of the first frame that failed twice.
    """
    from zsn2m_runtime.cluster.outputs import results_of
    from zsn2m_runtime.cluster.running import connected, run

    with (
        connected(where, workers) as client,
        results_of(jobs, setup) as results,
        count_progress(as_json, "denoise", results.frames) as on_frames,
    ):
        report = run(client, results, on_frames)
    if as_json:
        show_json(report.as_json())
    else:
        show(_in_words(report))
    for note in report.notes:
        remark(f"note: {note}")
    for count, first in report.unlike.values():
        remark(f"warning: {count} frame(s) are unlike the training frames, the first being {first}")
    for frame, error in report.failed[1:MOST_LISTED]:
        remark(f"error: {_named(frame, error)}")
    if len(report.failed) > MOST_LISTED:
        remark(f"and {len(report.failed) - MOST_LISTED} more, all listed in {report.where}")
    if report.failed:
        remark(f"{len(report.failed)} of {report.frames} frames were not denoised; run it again to do only those")
        frame, error = report.failed[0]
        raise type(error)(_named(frame, error))


def _named(frame: str, error: Exception) -> str:
    """The error with its frame, which most name themselves."""
    return str(error) if str(error).startswith(frame) else f"{frame}: {error}"


def _in_words(report: Report) -> str:
    before = f", {report.skipped:,} were finished before" if report.skipped else ""
    failed = f", {len(report.failed):,} failed" if report.failed else ""
    rate = f"{report.done / report.seconds:.2f} frames/s" if report.seconds else ""
    return (
        f"{report.done:,} of {report.frames:,} frames denoised{before}{failed} -> {report.where} "
        f"({report.workers} worker(s), {report.seconds:.1f} s, {rate})"
    )


def check_output(output: Path, first: Path) -> None:
    """Refuse an output that is one file, which only one process can write.

    Raises:
        UsageError: naming what can be.
    """
    from zsn2m_runtime.errors import UsageError
    from zsn2m_runtime.suffixes import ZARR

    if first == output and output.suffix.lower() != ZARR:
        raise UsageError(
            f"{output}: expected a folder or an OME-Zarr image for --cluster, but got one file; add a / to the name"
        )
