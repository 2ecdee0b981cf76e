"""denoise: image files through a bundle, by onnxruntime alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zsn2m_deploy.cli.completion import bundles, providers
from zsn2m_deploy.cli.terminal import JsonOption, MaxPixels, page_progress, remark, show, show_json

if TYPE_CHECKING:
    from zsn2m_runtime.batch import JobResult

BundleFolder = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle folder.", autocompletion=bundles)]
BundlePath = Annotated[
    Path,
    typer.Argument(metavar="BUNDLE", help="Bundle folder, or one exported .onnx file.", autocompletion=bundles),
]
Provider = Annotated[
    str,
    typer.Option(
        metavar="NAME[:OPTION=VALUE,...]",
        help="auto, cpu, cuda, tensorrt, openvino, directml or coreml; one named here runs or fails. "
        "Options go through to onnxruntime.",
        autocompletion=providers,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("denoise")(denoise)


def denoise(
    bundle: BundlePath,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Frames: files, folders, globs; @LIST: a path a line.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A file for one input, else a folder.")],
    model: Annotated[str | None, typer.Option(help="Model of the bundle; default: the bundle's.")] = None,
    provider: Provider = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: one per core.")] = 0,
    self_ensemble: Annotated[
        bool,
        typer.Option(
            "--self-ensemble",
            help="The mean over a frame's 8 orientations: 0.2 dB better on average, 8 times the time.",
        ),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check", help="Warn of frames unlike those trained on, refuse mosaics (0.2 s a file)."
        ),
    ] = True,
    channel: Annotated[
        str | None,
        typer.Option(
            help="Of stacks with several: a name, a number or all; others are copied. Default: the bundle's, else all."
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="local|ADDRESS", help="Of a Dask scheduler: many frames on many processes or machines."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Of --cluster local; default: one for each core.")] = None,
    max_pixels: MaxPixels = None,
    as_json: JsonOption = False,
) -> None:
    """Denoise frames of a bundle's sensor.

    Sample type, size, range and metadata stay as they are.
    """
    from zsn2m_runtime.batch import plan_outputs, run_jobs
    from zsn2m_runtime.denoiser import Denoiser
    from zsn2m_runtime.errors import UsageError
    from zsn2m_runtime.files import list_inputs
    from zsn2m_runtime.path_kinds import check_bundle_first
    from zsn2m_runtime.self_ensemble import SelfEnsemble

    check_bundle_first("denoise {bundle} {rest} -o OUT", bundle, inputs)
    if cluster != "local" and workers is not None:
        got = f"--cluster {cluster}, whose workers are there" if cluster else "no --cluster"
        raise UsageError(f"expected --workers with --cluster local, but got {got}; leave it out, or say both")
    if cluster is not None and threads:
        raise UsageError("expected --workers with --cluster, whose workers have one thread a core, but got --threads")
    kind = SelfEnsemble if self_ensemble else Denoiser
    denoiser = kind(bundle, model, provider if cluster is None else "cpu", threads)
    jobs = plan_outputs(list_inputs(inputs), output)
    if cluster is not None:
        from zsn2m_deploy.cli.denoise_cluster import check_output, denoise_on_cluster
        from zsn2m_runtime.cluster.plan import Setup

        check_output(output, jobs[0].target)
        setup = Setup(bundle.absolute(), model, provider, check, channel, max_pixels, self_ensemble)
        denoise_on_cluster(cluster, workers, jobs, setup, as_json)
        return
    with page_progress(as_json, len(jobs)) as on_page:
        results = list(run_jobs(denoiser, jobs, on_page, check, channel, max_pixels))
    _report(results, denoiser.provider, output, as_json)


def _report(results: list[JobResult], provider: str, output: Path, as_json: bool) -> None:
    failed = [result for result in results if result.error]
    if as_json:
        show_json(_as_json(results, provider, output))
    else:
        for result in results:
            if not result.error:
                pages = f", {result.pages} pages" if result.pages > 1 else ""
                show(f"{result.job.source} -> {result.job.target} ({provider}{pages}, {result.seconds:.2f} s)")
    for result in results:
        for note in result.notes:
            remark(f"note: {result.job.source}: {note}")
        for sentence in result.unlike:
            remark(f"warning: {result.job.source} is unlike the training frames: {sentence}")
    for result in failed[1:]:
        remark(f"error: {result.error}")
    if failed:
        if len(results) > 1:
            remark(f"{len(failed)} of {len(results)} files were not denoised")
        assert failed[0].error is not None
        raise failed[0].error


def _as_json(results: list[JobResult], provider: str, output: Path) -> dict[str, Any]:
    """What `--cluster` gives too, and each file besides."""
    from zsn2m_runtime.batch_report import Outcome, Report

    outcome = Outcome()
    for result in results:
        outcome.count(result)
    seconds = sum(result.seconds for result in results)
    report = Report(len(results), workers=1, seconds=seconds, failed=outcome.failed, where=str(output))
    report.add(outcome)
    rows = [
        {
            "input": result.job.source,
            "output": None if result.error else result.job.target,
            "pages": result.pages,
            "seconds": round(result.seconds, 4),
            "error": str(result.error) if result.error else None,
            "unlike": result.unlike,
            "blank": round(result.blank, 6),
            "pages_copied": result.copied,
            "notes": result.notes,
        }
        for result in results
    ]
    return report.as_json() | {"provider": provider, "files": rows}
