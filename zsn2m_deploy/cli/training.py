"""train-and-export, train, export."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zsn2m_deploy.cli.terminal import JsonOption, show, show_json, table, training_progress

if TYPE_CHECKING:
    from zsn2m_runtime.bundle import Bundle
    from zsn2m_runtime.manifest import ModelEntry

Frames = Annotated[
    list[str], typer.Argument(metavar="FRAME", help="Noisy frames of one sensor: files, folders, globs.")
]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="Bundle folder to write; default: FRAME.zsn2m here.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file with any field of the configuration.")]
Preset = Annotated[
    Literal["default", "fast", "best", "paper"] | None,
    typer.Option(help="fast, default, best: a quarter, once, four times the iterations; paper: its losses alone."),
]
Stage = Annotated[
    Literal["sensor", "mbd", "full"] | None,
    typer.Option(
        help="sensor: the pretrained network, adapted (default); mbd, full: the paper's, of one stage or both."
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(
        help="Larger is smoother; default 10. Stage sensor: 1 to 10 as the noise asks. mbd, full: 1 if it is synthetic."
    ),
]
Seed = Annotated[int | None, typer.Option(help="Of initialisation, crops and masks. Default: 0.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ... Default: auto.")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"] | None,
    typer.Option(help="Of the convolutions in training. Default: auto."),
]
BitDepth = Annotated[int | None, typer.Option(help="Bits in use of 16-bit samples: 10, 12, 14 or 16.")]
Range = Annotated[
    tuple[float, float] | None,
    typer.Option("--range", metavar="LOW HIGH", help="Black and white of the sensor; needed for float frames."),
]
Pages = Annotated[str, typer.Option(help="Pages of a stack to train on, from 1: 1 or 1,3-5 or all.")]
ExportPrecision = Annotated[
    Literal["fp32", "fp16", "int8"],
    typer.Option(help="int8: faster on CPUs; fp16: for CUDA and TensorRT. Added as MODEL.int8, MODEL.fp16."),
]
Io = Annotated[
    Literal["sensor", "unit", "u8", "u16"],
    typer.Option(help="For other programs: planes from 0 to 1 (unit), or integers with channels last (u8, u16)."),
]
Calibrate = Annotated[
    Path | None,
    typer.Option(metavar="FRAME", help="Frame to measure int8's ranges on. Default: the training frame's centre."),
]
CppFolder = Annotated[
    Path | None,
    typer.Option("--cpp", metavar="FOLDER", help="Write a C++ project around the TorchScript models instead; new."),
]
OneModel = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="sensor|mbd|grd", help="Add to this model only, as where another fails. Default: each."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing bundle.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("train-and-export")(train_and_export)
    app.command("train")(train)
    app.command("export")(export)


def train_and_export(
    frames: Frames,
    output: Out = None,
    config: ConfigFile = None,
    preset: Preset = None,
    stage: Stage = None,
    strength: Strength = None,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    bit_depth: BitDepth = None,
    value_range: Range = None,
    pages: Pages = "1",
    overwrite: Overwrite = False,
    as_json: JsonOption = False,
) -> None:
    """Train on noisy frames, write a proven bundle.

    The bundle holds TorchScript and ONNX models that were shown to give the same pixels.
    """
    options = {"stage": stage, "strength": strength, "seed": seed, "device": device, "precision": precision}
    bundle = _run(
        "train_and_export",
        frames,
        output,
        (config, preset, options),
        (bit_depth, value_range, pages),
        overwrite,
        as_json,
    )
    _report(bundle, as_json)


def train(
    frames: Frames,
    output: Annotated[Path, typer.Option("--output", "-o", help="Bundle folder to write.")],
    config: ConfigFile = None,
    preset: Preset = None,
    stage: Stage = None,
    strength: Strength = None,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    bit_depth: BitDepth = None,
    value_range: Range = None,
    pages: Pages = "1",
    overwrite: Overwrite = False,
    as_json: JsonOption = False,
) -> None:
    """Train on noisy frames, write weights only.

    `zsn2m-deploy export` adds the models to the bundle later.
    """
    options = {"stage": stage, "strength": strength, "seed": seed, "device": device, "precision": precision}
    bundle = _run(
        "train",
        frames,
        output,
        (config, preset, options),
        (bit_depth, value_range, pages),
        overwrite,
        as_json,
    )
    _report(bundle, as_json)


def export(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle folder with trained weights.")],
    precision: ExportPrecision = "fp32",
    io: Io = "sensor",
    calibrate: Calibrate = None,
    model: OneModel = None,
    cpp: CppFolder = None,
    as_json: JsonOption = False,
) -> None:
    """Export a bundle's weights (again), or add to it.

    Plain: TorchScript and ONNX models replace those that are there, once they are shown to give the same pixels.
    With --precision or --io: further ONNX models are added, all or none; the default model stays what it is.
    """
    from zsn2m_deploy.requirements import require_training
    from zsn2m_runtime.errors import UsageError

    require_training()
    if cpp:
        if (precision, io, calibrate, model) != ("fp32", "sensor", None, None):
            raise UsageError("expected --cpp without --precision, --io, --calibrate and --model; leave them out")
        _export_cpp(bundle, cpp, as_json)
        return
    from zsn2m_deploy import exporting

    with training_progress(as_json) as progress:
        exported = exporting.export(bundle, precision, io, calibrate, model, progress)
    if as_json or (precision, io) == ("fp32", "sensor"):
        _report(exported, as_json)
    else:
        _report_added(exported, precision, io)


def _export_cpp(bundle: Path, folder: Path, as_json: bool) -> None:
    from zsn2m_export.cpp_project import write_cpp_project
    from zsn2m_runtime.bundle import load_bundle

    write_cpp_project(load_bundle(bundle), folder)
    if as_json:
        show_json({"project": str(folder)})
    else:
        show(f"wrote {folder}; {folder / 'README.md'} says how to build it")


def _run(
    action: Literal["train", "train_and_export"],
    frames: list[str],
    output: Path | None,
    method: tuple[Path | None, Literal["default", "fast", "best", "paper"] | None, dict[str, Any]],
    sensor: tuple[int | None, tuple[float, float] | None, str],
    overwrite: bool,
    quiet: bool,
) -> Bundle:
    from zsn2m_deploy.requirements import require_training

    require_training()
    from zsn2m_deploy import api
    from zsn2m_deploy.config import load_config
    from zsn2m_deploy.sensor import SensorOptions, is_video
    from zsn2m_runtime.files import list_inputs

    config_file, preset, options = method
    config = load_config(config_file, preset, **options)
    listed = (([Path(name)] if is_video(Path(name)) else list_inputs([name])) for name in frames)
    sources = list(dict.fromkeys(itertools.chain.from_iterable(listed)))
    target = output or Path(f"{sources[0].stem}.zsn2m")
    with training_progress(quiet) as progress:
        make = getattr(api, action)
        bundle: Bundle = make(sources, target, config, SensorOptions(*sensor), overwrite, progress)
    return bundle


def _report(bundle: Bundle, as_json: bool) -> None:
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
    if "chosen" in manifest.training:
        rows.append(("chosen", manifest.training["chosen"]))
    rows += [(f"{stage['stage']} trained", f"{stage['seconds']:.1f} s") for stage in manifest.training["stages"]]
    rows += [("warning", warning) for warning in manifest.training["warnings"]]
    show(table(rows))
    next_command = f"denoise {bundle.path} FRAME... -o OUT" if manifest.models else f"export {bundle.path}"
    show(f"\nNext: zsn2m-deploy {next_command}")


def _report_added(bundle: Bundle, precision: str, io: str) -> None:
    added = [model for model in bundle.manifest.models if (model.precision, model.io) == (precision, io)]
    rows: list[tuple[str, object]] = []
    for model in added:
        rows += [(model.id, bundle.file(model.files["onnx"])), ("", _proof(model))]
    show(table(rows))
    if io == "sensor":
        show(f"\nNext: zsn2m-deploy denoise {bundle.path} FRAME... -o OUT --model {added[-1].id}")
    else:
        arrays = "float32 (n, c, h, w) from 0 to 1" if io == "unit" else f"uint{io[1:]} (n, h, w, c) in sensor units"
        show(f"\nFor other programs: input noisy, output denoised, both {arrays}")


def _proof(model: ModelEntry) -> str:
    """What the gate found."""
    if model.parity is None:
        assert model.fidelity is not None
        frame, noise, gate = model.fidelity.psnr_frame, model.fidelity.psnr_noise, model.fidelity.gate
        return f"{frame:.1f} dB to fp32 on the frame, {noise:.1f} dB on noise (at least {gate:g})"
    if model.parity.levels_off is not None:
        return f"the pixels of its model; {model.parity.levels_off} samples rounded to the level beside"
    return f"the pixels of its model within {model.parity.onnxruntime:.1g} of the range in use"
