"""verify: whether a bundle still gives its recorded pixels."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from zsn2m_deploy.cli.denoise import BundleFolder
from zsn2m_deploy.cli.terminal import JsonOption, show, show_json

if TYPE_CHECKING:
    from zsn2m_runtime.verify import ModelCheck


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("verify")(verify)


def verify(
    bundle: BundleFolder,
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
