"""bench: how fast a bundle is here, and how to choose the fastest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsn2m_deploy.cli.denoise import BundleFolder
from zsn2m_deploy.cli.summary import use_of
from zsn2m_deploy.cli.terminal import JsonOption, remark, show, show_json

if TYPE_CHECKING:
    from zsn2m_runtime.benching import Timing


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("bench")(bench)


def bench(
    bundle: BundleFolder,
    size: Annotated[str, typer.Option(help="480p, 720p, 1080p, 4k or WIDTHxHEIGHT.")] = "1080p",
    providers: Annotated[str, typer.Option(help="all that start here, or one (see denoise --provider).")] = "all",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: one per core.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, help="For each measurement; at least 3 frames.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Time a bundle's models on this machine.

    Every model on every provider, next to OpenCV's non-local means on the same frame. An error where no model runs.
    """
    from zsn2m_runtime.benching import NLM, not_in_bundle, parse_size, run_bench
    from zsn2m_runtime.errors import UnavailableError

    frame_size = parse_size(size)
    rows = []
    for timing in run_bench(bundle, frame_size, providers, threads, seconds):
        rows.append(timing)
        remark(f"{timing.model} on {timing.provider}: " + (timing.error or f"{timing.milliseconds:.1f} ms"))
    rows += not_in_bundle(bundle, frame_size)
    if as_json:
        show_json([asdict(timing) for timing in rows])
    else:
        _show_table(bundle, rows)
    if not any(timing.fps for timing in rows if timing.model != NLM):
        raise UnavailableError(
            f"{bundle}: expected a model to run (--providers {providers}), but none did; see: zsn2m-deploy doctor"
        )


def _show_table(bundle: Path, rows: list[Timing]) -> None:
    measured = sorted((timing for timing in rows if timing.fps), key=lambda timing: -(timing.fps or 0))
    show(f"{rows[0].width} x {rows[0].height}:")
    show(f"{'model':<22} {'provider':<10} {'frames/s':>9} {'ms':>10} {'memory, MB':>11}")
    for timing in measured:
        show(
            f"{timing.model:<22} {timing.provider:<10} {timing.fps:>9.2f} {timing.milliseconds:>10.1f} "
            f"{timing.memory_mb:>11.0f}"
        )
    for timing in rows:
        if timing.add_with:
            show(f"{timing.error}; add it with: {timing.add_with}")
        elif timing.error:
            show(f"{timing.model} on {timing.provider}: {timing.error}")
    fastest = next((timing for timing in measured if timing.provider != "opencv"), None)
    if fastest:
        show(f"fastest: {use_of(bundle, fastest.model)} --provider {fastest.provider}")
