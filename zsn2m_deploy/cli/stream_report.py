"""What `stream` says when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from zsn2m_deploy.cli.terminal import Interrupted, remark, show, show_json, table

if TYPE_CHECKING:
    from zsn2m_runtime.streaming.running import StreamReport


def tell_interrupt(kept: str | None, output: str | None) -> None:
    """What there is of an output that does not have its name."""
    if kept:
        remark(f"interrupted: what was finished is in {kept}")
    else:
        remark("interrupted" if output in (None, "-") else "interrupted: nothing was kept")


def report_stream(report: StreamReport, as_json: bool, output: str | None) -> None:
    """Say what became of a stream that ended.

    Raises:
        Interrupted: it was ended early.
    """
    if as_json:
        show_json(asdict(report))
    else:
        write: Callable[[str], None] = remark if output == "-" else show
        of_all = f" of {report.frames_in}" if report.complete else ""
        ended = "" if report.complete else ", ended early"
        dropped = f", {report.frames_dropped} dropped" if report.frames_dropped else ""
        again = f", {report.reconnections} reconnections" if report.reconnections else ""
        write(f"{report.source} -> {report.output or 'nothing'} ({report.model} on {report.provider})")
        write(
            f"{report.frames_out}{of_all} frames{dropped}{again}{ended} in {report.seconds:.1f} s: "
            f"{report.fps:.2f} frames/s, peak memory {report.peak_memory_mb:.0f} MB"
        )
        rows: list[tuple[str, object]] = [
            (stage, "  ".join(f"{name} {value:.1f}" for name, value in values.items() if value is not None))
            for stage, values in report.latency.items()
        ]
        for line in ("milliseconds a frame:", *table(rows).splitlines()):
            write(line)
        for sentence in report.unlike:
            write(f"unlike the training frames: {sentence}")
    if not report.complete:
        tell_interrupt(report.output, output)
        raise Interrupted
