"""inspect: what a bundle holds, or what a frame or video is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsn2m_deploy.cli.inspect_noise import change_in_words, estimated, sharing_in_words
from zsn2m_deploy.cli.summary import channel_row, findings
from zsn2m_deploy.cli.terminal import JsonOption, MaxPixels, show_json, show_lines, table

if TYPE_CHECKING:
    from zsn2m_runtime.noise.facts import NoiseFacts


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
    from zsn2m_runtime.files.path_kinds import is_model_file
    from zsn2m_runtime.files.videos import VIDEO_SUFFIXES

    refuse_foreign(path)
    is_folder = os.path.isdir(path)  # noqa: PTH112 - unlike Path's, False for what is too long to be a path
    if is_folder or is_model_file(path) or path.name == "manifest.json":
        text, content = _bundle_facts(path)
    elif path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
        text, content = _video_facts(path, max_pixels)
    else:
        text, content = _frame_facts(path, max_pixels)
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
        *channel_row(manifest),
        ("noise", f"sigma about {sensor.noise_sigma:.3g} (sensor units)"),
        ("trained on", ", ".join(frame.name for frame in manifest.training.frames)),
        ("strength", manifest.method.strength),
    ]
    rows += findings(manifest)
    for model in manifest.models:
        star = " (default)" if model.id == manifest.default else ""
        facts = f"{model.parameters:,} parameters, stride {model.stride}, receptive radius {model.receptive_radius}"
        rows.append((model.id + star, f"{facts}, {', '.join(record.name for record in model.files.values())}"))
    if not manifest.models:
        rows.append(("models", f"none exported yet; run: zsn2m-deploy export {path}"))
    rows += [
        (Path(record.name).stem, path / record.name) for record in manifest.extras if record.name.endswith(".html")
    ]
    return table(rows), manifest.model_dump(mode="json")


def _video_facts(path: Path, max_pixels: int | None) -> tuple[str, object]:
    from zsn2m_deploy.cli.inspect_video import read_video
    from zsn2m_runtime.blank.areas import filled

    frame, rows, content = read_video(path, max_pixels)
    noise, reason = estimated(filled(frame.pixels, frame.blank), frame.blank)
    content["noise"] = noise.as_json() if noise else None
    if noise is None:
        return table([*rows, ("noise", reason)]), content
    return f"{table(rows)}\n\nthe first frame\n{_with_noise([], noise)}", content


def _frame_facts(path: Path, max_pixels: int | None) -> tuple[str, object]:
    from zsn2m_deploy.cli.inspect_stack import stack_facts
    from zsn2m_deploy.frames.value_range import bits_in_use
    from zsn2m_runtime.blank.areas import filled, largest_scene, present
    from zsn2m_runtime.blank.facts import blank_facts
    from zsn2m_runtime.files import open_image
    from zsn2m_runtime.image import check_computable, check_finite
    from zsn2m_runtime.noise.level import estimate_sigma, value_span
    from zsn2m_runtime.patterns import find_patterns, patterns_in_words

    with open_image(path, max_pixels) as image:
        frame, pages, stated = image.read(), image.page_count, image.value_range
        stack_rows, stack = stack_facts(image)
    check_finite(frame, str(path))
    check_computable(frame, str(path))
    blank, height, width = blank_facts(frame), *frame.pixels.shape[:2]
    pixels = filled(frame.pixels, frame.blank)
    seen = present(pixels, frame.blank)
    low, high = value_span([seen])
    least, most = float(seen.min()), float(seen.max())
    noise, reason = estimated(pixels, frame.blank)
    content = {
        "file": str(path),
        "dtype": frame.dtype,
        "height": height,
        "width": width,
        "channels": frame.channels,
        "alpha": frame.alpha is not None,
        "pages": pages,
        "minimum": least,
        "maximum": most,
        "values_in_use": [low, high],
        "blank": blank.as_json() if blank else None,
        "noise_sigma": noise.sigma if noise else estimate_sigma(pixels),
        "noise": noise.as_json() if noise else None,
        "stack": stack,
    }
    shown = f"{pages} page(s)" + (", this is the first" if pages > 1 else "")
    alpha = ", with alpha" if frame.alpha is not None else ""
    rows: list[tuple[str, object]] = [
        ("file", path),
        (
            "frame",
            f"{frame.dtype}, {width} x {height} (width x height), {frame.channels} channel(s){alpha}, {shown}",
        ),
        *stack_rows,
        ("values", f"{least:.6g} to {most:.6g}; 99.8 % of them {low:.6g} to {high:.6g}"),
    ]
    if blank:
        rows.append(("blank", f"{blank.in_words()}; kept, and not looked at"))
    if stated:
        rows.append(("range", f"{stated[0]:g} to {stated[1]:g}, as the file says"))
    elif frame.pixels.dtype.kind == "f":
        rows.append(("range", "floats state none; to train, name their black and white: --range LOW HIGH"))
    elif depth := bits_in_use(frame.dtype, least, most):
        rows.append(("bit depth", f"all values fit {depth} bits; if the sensor has no more: --bit-depth {depth}"))
    patterns = find_patterns(largest_scene(frame.pixels, frame.blank))
    content["patterns"] = patterns.as_json()
    rows += patterns_in_words(patterns).items()
    if noise is None:
        return table([*rows, ("noise", reason)]), content
    return _with_noise(rows, noise), content


def _with_noise(rows: list[tuple[str, object]], noise: NoiseFacts) -> str:
    from zsn2m_runtime.noise.facts import noise_plot

    clip = noise.clipping
    shares = (
        f"{100 * clip.low_share:.3g} % of samples at {clip.low:.6g}, {100 * clip.high_share:.3g} % at {clip.high:.6g}"
    )
    rows = [
        *rows,
        ("extremes", shares),
        ("noise", f"standard deviation about {noise.sigma:.3g} (sensor units), {change_in_words(noise)}"),
        ("neighbours", f"{sharing_in_words(noise)}: correlation {noise.beside:.2f} beside, {noise.below:.2f} below"),
    ]
    if len(noise.slope) > 1:
        rows.append(("channels", f"correlation {noise.channels:.2f}"))
    return f"{table(rows)}\n\nnoise against brightness (sensor units)\n{noise_plot(noise)}"
