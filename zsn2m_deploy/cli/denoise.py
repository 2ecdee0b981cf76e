"""denoise, verify: what needs a bundle and onnxruntime only."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsn2m_deploy.cli.terminal import JsonOption, MaxPixels, page_progress, remark, show, show_json

if TYPE_CHECKING:
    from zsn2m_runtime.batch import JobResult
    from zsn2m_runtime.verify import ModelCheck

BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle folder, or one exported .onnx file.")]
Provider = Annotated[
    str,
    typer.Option(
        metavar="NAME[:OPTION=VALUE,...]",
        help="auto, cpu, cuda, tensorrt, openvino, directml or coreml; one named here runs or fails. "
        "Options go through to onnxruntime.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("denoise")(denoise)
    app.command("verify")(verify)


def denoise(
    bundle: BundlePath,
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Frames: files, folders, globs.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A file for one input, else a folder.")],
    model: Annotated[str | None, typer.Option(help="Model of the bundle; default: the bundle's.")] = None,
    provider: Provider = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: one per core.")] = 0,
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
    max_pixels: MaxPixels = None,
    as_json: JsonOption = False,
) -> None:
    """Denoise frames of a bundle's sensor.

    Sample type, size, range and metadata stay as they are.
    """
    from zsn2m_runtime.batch import plan_outputs, run_jobs
    from zsn2m_runtime.denoiser import Denoiser
    from zsn2m_runtime.files import list_inputs
    from zsn2m_runtime.files.path_kinds import check_bundle_first

    check_bundle_first("denoise {bundle} {rest} -o OUT", bundle, inputs)
    denoiser = Denoiser(bundle, model, provider, threads)
    jobs = plan_outputs(list_inputs(inputs), output)
    with page_progress(as_json, len(jobs)) as on_page:
        results = list(run_jobs(denoiser, jobs, on_page, check, channel, max_pixels))
    _report(results, denoiser.provider, as_json)


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle folder.")],
    provider: Annotated[
        str, typer.Option(metavar="NAME[:OPTION=VALUE,...]", help="all that start here, or one (see denoise).")
    ] = "all",
    as_json: JsonOption = False,
) -> None:
    """Check a bundle by hashes and self-test.

    Every model is run on every provider that starts here. It passes where one at least gives its recorded pixels and
    none gives others; a provider that does not take it is named.
    """
    from zsn2m_runtime.errors import CheckFailedError, UnavailableError
    from zsn2m_runtime.verify import verify_bundle

    checks = verify_bundle(bundle, provider)
    if as_json:
        show_json([_as_json(check) for check in checks])
    else:
        show(f"{bundle}: every file has the size and SHA-256 of the manifest")
        for check in checks:
            show(f"{check.model} on {check.provider}: {_verdict(check)}")
    failed = [f"{check.model} on {check.provider}" for check in checks if not (check.passed or check.refusal)]
    if failed:
        raise CheckFailedError(
            f"{bundle}: expected the self-test's pixels, but {', '.join(failed)} gave others or none; "
            f"export again, or try another onnxruntime (see: zsn2m-deploy doctor)"
        )
    unverified = sorted({check.model for check in checks} - {check.model for check in checks if check.passed})
    if unverified:
        raise UnavailableError(
            f"{bundle}: expected a provider that takes each model, but none takes {', '.join(unverified)}; "
            f"see: zsn2m-deploy doctor"
        )


def _as_json(check: ModelCheck) -> dict[str, object]:
    limits = {"tolerance": check.tolerance.largest, "rms_tolerance": check.tolerance.rms, "passed": check.passed}
    facts = asdict(check) | limits
    return {  # JSON has no NaN and no infinity
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in facts.items()
    }


def _verdict(check: ModelCheck) -> str:
    if check.refusal:
        return f"does not run there: {check.refusal}"
    if check.failure:
        return f"FAILED: {check.failure}"
    verdict = "ok" if check.passed else "FAILED" if check.card_agrees else "FAILED (its card is not the manifest's)"
    largest = f"differs by {check.difference:.2g} of at most {check.tolerance.largest:g}"
    return f"{verdict}, {largest}, rms {check.rms:.2g} of at most {check.tolerance.rms:g}"


def _report(results: list[JobResult], provider: str, as_json: bool) -> None:
    failed = [result for result in results if result.error]
    if as_json:
        rows = [
            {
                "input": result.job.source,
                "output": None if result.error else result.job.target,
                "pages": result.pages,
                "seconds": round(result.seconds, 4),
                "provider": provider,
                "error": str(result.error) if result.error else None,
                "unlike": result.unlike,
                "blank": round(result.blank, 6),
                "pages_copied": result.copied,
                "notes": result.notes,
            }
            for result in results
        ]
        show_json(rows)
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
