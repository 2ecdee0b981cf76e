"""A bundle in words and for JSON, as several commands print it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from zsn2m_deploy.cli.terminal import show, show_json, show_lines, table
from zsn2m_runtime.commands import denoise_command, stream_command

if TYPE_CHECKING:
    from zsn2m_runtime.bundle import Bundle
    from zsn2m_runtime.manifest import Manifest


def findings(manifest: Manifest) -> list[tuple[str, object]]:
    """Findings of the training, as rows of a table; bundles of older versions have fewer."""
    trained = manifest.training
    rows: list[tuple[str, object]] = [("chosen", trained.chosen)] if trained.chosen is not None else []
    rows += trained.summary.items()
    rows += [("hint", hint) for hint in trained.hints]
    return rows + [("warning", warning) for warning in trained.warnings]


def use_of(bundle: Path, model: str) -> str:
    """The command that denoises with a model of a bundle; the model for videos, by its id, is for streams."""
    command = stream_command if model.split(".")[0] == "video" else denoise_command
    return f"{command(bundle)} --model {model}"


def bundle_facts(bundle: Bundle) -> dict[str, object]:
    """What a bundle holds, for JSON."""
    return {"bundle": bundle.path, **bundle.manifest.model_dump(mode="json")}


def sensor_rows(manifest: Manifest) -> list[tuple[str, object]]:
    """The channel of a stack and the colour filters that a bundle is for, as rows of a table."""
    channel, mosaic = manifest.sensor.stack_channel, manifest.sensor.mosaic
    rows: list[tuple[str, object]] = []
    if channel:
        rows.append(("for", f"{channel.label} (channel {channel.number} of {channel.of})"))
    if mosaic:
        rows.append(("for", f"mosaics, {mosaic.pattern}{mosaic.levels_in_words()}"))
    return rows


def show_bundle(bundle: Bundle, as_json: bool) -> None:
    """Print what a new bundle holds, and what to do with it."""
    manifest = bundle.manifest
    if as_json:
        show_json(bundle_facts(bundle))
        return
    rows: list[tuple[str, object]] = [("bundle", bundle.path), *sensor_rows(manifest)]
    for model in manifest.models:
        star = " (default)" if model.id == manifest.default else ""
        files = ", ".join(str(bundle.file(record)) for record in model.files.values())
        rows.append((model.id + star, files))
    shown = [record for record in manifest.extras if not record.name.endswith(".json")]  # for machines
    rows += [(Path(record.name).stem, bundle.file(record)) for record in shown]
    rows += findings(manifest)
    rows += [(f"{stage.stage} trained", f"{stage.seconds:.1f} s") for stage in manifest.training.stages]
    show_lines(f"{table(rows)}\n")
    next_command = f"denoise {bundle.path} FRAME... -o OUT" if manifest.models else f"export {bundle.path}"
    steps = manifest.training.next or [f"zsn2m-deploy {next_command}"]
    for number, step in enumerate(steps):
        # The bundle knows its name alone, as it may be moved.
        placed = step.replace(f" {shlex.quote(bundle.path.name)} ", f" {shlex.quote(str(bundle.path))} ")
        show(("" if number else "Next: ") + placed.replace("`", ""))
