"""What commands say of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zsn2m_deploy.cli.terminal import show, show_json, table

if TYPE_CHECKING:
    from zsn2m_runtime.bundle import Bundle
    from zsn2m_runtime.manifest import Manifest


def findings(manifest: Manifest) -> list[tuple[str, object]]:
    """What was found in training, as rows of a table; bundles of older versions have less."""
    training = manifest.training
    rows: list[tuple[str, object]] = [("chosen", training["chosen"])] if "chosen" in training else []
    rows += training.get("summary", {}).items()
    return rows + [("warning", warning) for warning in training.get("warnings", [])]


def show_bundle(bundle: Bundle, as_json: bool) -> None:
    """What a bundle holds, after it was written, and what to do with it."""
    manifest = bundle.manifest
    if as_json:
        show_json({"bundle": bundle.path, **manifest.model_dump(mode="json")})
        return
    rows: list[tuple[str, object]] = [("bundle", bundle.path)]
    for model in manifest.models:
        star = " (default)" if model.id == manifest.default else ""
        files = ", ".join(str(bundle.file(record)) for record in model.files.values())
        rows.append((model.id + star, files))
    shown = [record for record in manifest.extras if not record.name.endswith(".json")]  # for machines
    rows += [(Path(record.name).stem, bundle.file(record)) for record in shown]
    rows += findings(manifest)
    rows += [(f"{stage['stage']} trained", f"{stage['seconds']:.1f} s") for stage in manifest.training["stages"]]
    show(table(rows))
    next_command = f"denoise {bundle.path} FRAME... -o OUT" if manifest.models else f"export {bundle.path}"
    show(f"\nNext: zsn2m-deploy {next_command}")
