"""inspect: what a bundle holds, or what a frame or video is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from zsn2m_deploy.cli.inspect_frame import frame_facts
from zsn2m_deploy.cli.inspect_noise import estimated, with_noise
from zsn2m_deploy.cli.summary import findings, sensor_rows
from zsn2m_deploy.cli.terminal import JsonOption, MaxPixels, show_json, show_lines, table
from zsn2m_runtime.commands import export_command


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("inspect")(inspect)


def inspect(
    path: Annotated[Path, typer.Argument(metavar="BUNDLE|FRAME|VIDEO", help="A bundle folder, an image or a video.")],
    max_pixels: MaxPixels = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a bundle holds or what a frame is."""
    from zsn2m_runtime.files.foreign import refuse_foreign
    from zsn2m_runtime.files.zarr_places import is_zarr
    from zsn2m_runtime.path_kinds import BUNDLE_SUFFIX, is_model_file
    from zsn2m_runtime.suffixes import VIDEO_SUFFIXES

    refuse_foreign(path)
    is_folder = os.path.isdir(path)  # noqa: PTH112 - unlike Path's, False for what is too long to be a path
    if is_zarr(path):
        text, content = frame_facts(path, max_pixels)
    elif is_folder or is_model_file(path) or path.name == "manifest.json" or path.suffix == BUNDLE_SUFFIX:
        text, content = _bundle_facts(path)
    elif path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
        text, content = _video_facts(path, max_pixels)
    else:
        text, content = frame_facts(path, max_pixels)
    if as_json:
        show_json(content)
    else:
        show_lines(text)


def _bundle_facts(path: Path) -> tuple[str, object]:
    from zsn2m_runtime.bundle import load_bundle

    manifest = load_bundle(path).manifest
    sensor, low_high = manifest.sensor, manifest.sensor.range
    rows: list[tuple[str, object]] = [
        ("bundle", path),
        (
            "created",
            f"{manifest.created} by zsn2m-deploy {manifest.versions.get('zsn2m-deploy', '(not installed)')}",
        ),
        ("sensor", f"{sensor.dtype}, {sensor.channels} channel(s), range {low_high[0]:g} to {low_high[1]:g}"),
        *sensor_rows(manifest),
        ("noise", f"sigma about {sensor.noise_sigma:.3g} (sensor units)"),
        ("trained on", ", ".join(frame.name for frame in manifest.training.frames)),
        *([("strength", manifest.method.strength)] if "strength" in manifest.method.model_fields_set else []),
    ]
    rows += findings(manifest)
    for model in manifest.models:
        star = " (default)" if model.id == manifest.default else ""
        facts = f"{model.parameters:,} parameters, stride {model.stride}, receptive radius {model.receptive_radius}"
        rows.append((model.id + star, f"{facts}, {', '.join(record.name for record in model.files.values())}"))
    if not manifest.models:
        rows.append(("models", f"none exported yet; run: {export_command(path)}"))
    rows += [
        (Path(record.name).stem, path / record.name) for record in manifest.extras if record.name.endswith(".html")
    ]
    return table(rows), manifest.model_dump(mode="json")


def _video_facts(path: Path, max_pixels: int | None) -> tuple[str, object]:
    from zsn2m_deploy.cli.inspect_video import read_video
    from zsn2m_runtime.blank.areas import largest_scene
    from zsn2m_runtime.patterns import REMOVED, find_patterns, patterns_in_words

    frame, rows, content = read_video(path, max_pixels)
    patterns = find_patterns(largest_scene(frame.pixels, frame.blank))
    noise, reason, content["impulse_share"], noise_rows = estimated(frame, patterns)
    content["patterns"] = patterns.as_json()
    rows += patterns_in_words(patterns, REMOVED).items()
    rows += noise_rows
    content["noise"] = noise.as_json() if noise else None
    if noise is None:
        return table([*rows, ("noise", reason)]), content
    return f"{table(rows)}\n\nthe first frame\n{with_noise([], noise)}", content
