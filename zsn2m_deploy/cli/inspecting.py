"""inspect, doctor: look at a bundle, a frame, or this installation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zsn2m_deploy.cli.terminal import JsonOption, show, show_json, table


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("inspect")(inspect)
    app.command("doctor")(doctor)


def inspect(
    path: Annotated[Path, typer.Argument(metavar="BUNDLE|FRAME", help="A bundle folder or an image file.")],
    as_json: JsonOption = False,
) -> None:
    """Show what a bundle holds or what a frame is."""
    if path.is_dir():
        rows, content = _bundle_facts(path)
    else:
        rows, content = _frame_facts(path)
    if as_json:
        show_json(content)
    else:
        show(table(rows))


def doctor(as_json: JsonOption = False) -> None:
    """Show what is installed and how to mend it."""
    from zsn2m_runtime.doctor import diagnose
    from zsn2m_runtime.errors import UnavailableError

    found = diagnose()
    if as_json:
        show_json(asdict(found))
    else:
        rows: list[tuple[str, object]] = [("python", f"{found.python}, {found.platform}")]
        rows += [(name, version or "not installed") for name, version in found.packages.items()]
        rows.append(("NVIDIA driver", found.nvidia_driver or "none"))
        rows += [(f"provider {name}", reason or "starts") for name, reason in found.providers.items()]
        show(table(rows))
        for text in found.remarks:
            show(f"note: {text}")
        if not found.problems:
            show("ready to denoise")
    if found.problems:
        raise UnavailableError("; ".join(found.problems))


def _bundle_facts(path: Path) -> tuple[list[tuple[str, object]], object]:
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
        ("noise", f"sigma about {sensor.noise_sigma:.3g} (sensor units)"),
        ("trained on", ", ".join(frame["name"] for frame in manifest.training.get("frames", []))),
        ("strength", manifest.method.get("strength")),
    ]
    for model in manifest.models:
        star = " (default)" if model.id == manifest.default else ""
        facts = f"{model.parameters:,} parameters, stride {model.stride}, receptive radius {model.receptive_radius}"
        rows.append((model.id + star, f"{facts}, {', '.join(record.name for record in model.files.values())}"))
    if not manifest.models:
        rows.append(("models", f"none exported yet; run: zsn2m-deploy export {path}"))
    return rows, manifest.model_dump(mode="json")


def _frame_facts(path: Path) -> tuple[list[tuple[str, object]], object]:
    from zsn2m_runtime.files import open_image
    from zsn2m_runtime.image import check_finite
    from zsn2m_runtime.noise import estimate_sigma, value_span

    with open_image(path) as image:
        frame, pages = image.read(), image.page_count
    check_finite(frame, str(path))
    low, high = value_span([frame.pixels])
    facts = {
        "file": str(path),
        "dtype": frame.dtype,
        "height": frame.pixels.shape[0],
        "width": frame.pixels.shape[1],
        "channels": frame.channels,
        "alpha": frame.alpha is not None,
        "pages": pages,
        "minimum": float(frame.pixels.min()),
        "maximum": float(frame.pixels.max()),
        "values_in_use": [low, high],
        "noise_sigma": estimate_sigma(frame.pixels),
    }
    return list(facts.items()), facts
