"""export: models of a bundle's weights, further precisions and forms, a C++ project, a web page, packages."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zsn2m_deploy.cli.completion import bundles
from zsn2m_deploy.cli.summary import show_bundle, use_of
from zsn2m_deploy.cli.terminal import JsonOption, remark, show, show_json, show_lines, table, training_progress

if TYPE_CHECKING:
    from zsn2m_export.cpp_project import BackEndName
    from zsn2m_export.packages import Program
    from zsn2m_runtime.bundle import Bundle
    from zsn2m_runtime.model_record import ModelEntry

_TAKEN_BY: dict[Program, str] = {
    "bioimageio": "programs that read models of bioimage.io take it, as DeepImageJ in Fiji, ilastik and QuPath do",
    "darktable": "in darktable: preferences, AI, import from file",
}
ONNXRUNTIME_WEB = Path("node_modules/onnxruntime-web")  # where `npm install onnxruntime-web` puts it

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
    typer.Option("--cpp", metavar="FOLDER", help="Write a C++ project around the models instead."),
]
CppBackEnd = Annotated[
    Literal["libtorch", "onnxruntime"] | None,
    typer.Option(help="What the C++ project runs: libtorch (the default) the .ts files, onnxruntime the .onnx files."),
]
To = Annotated[
    Literal["bioimageio", "darktable"] | None,
    typer.Option(help="Write the default model as a package instead: bioimageio for Fiji, ilastik, QuPath, napari."),
]
PackageFile = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Of --to. Default: beside the bundle, .bioimageio.zip or .dtmodel."
    ),
]
WebFolder = Annotated[
    Path | None,
    typer.Option("--web", metavar="FOLDER", help="Write a web page that runs the models instead."),
]
OnnxruntimeWeb = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help=f"What npm installed, for --web. Default: {ONNXRUNTIME_WEB}."),
]
OverwriteWhole = Annotated[
    bool, typer.Option("--overwrite", help="Replace what --cpp, --web or --to wrote before, with all that is in it.")
]
OneModel = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="sensor|mbd|grd", help="Add to this model only, as where another fails. Default: each."
    ),
]


_TORCHSCRIPT_RUNS = (
    "the project's .ts files are programs, which LibTorch runs with your rights: build and run it only if you trust "
    "whoever made the bundle"
)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("export")(export)


def export(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="Bundle folder with trained weights.", autocompletion=bundles)
    ],
    precision: ExportPrecision = "fp32",
    io: Io = "sensor",
    calibrate: Calibrate = None,
    model: OneModel = None,
    cpp: CppFolder = None,
    cpp_back_end: CppBackEnd = None,
    web: WebFolder = None,
    onnxruntime_web: OnnxruntimeWeb = None,
    to: To = None,
    output: PackageFile = None,
    overwrite: OverwriteWhole = False,
    as_json: JsonOption = False,
) -> None:
    """Export a bundle's weights (again), or add to it.

    Plain: TorchScript and ONNX models replace those that are there, once they are shown to give the same pixels.
    With --precision or --io: further ONNX models are added, all or none; the default model stays what it is.
    """
    from zsn2m_deploy.requirements import require_training
    from zsn2m_runtime.errors import UsageError
    from zsn2m_runtime.path_kinds import check_bundle_first, check_outside_bundles

    check_bundle_first("export {bundle} --calibrate {rest}", bundle, [calibrate] if calibrate else [])
    whole = {"--cpp": cpp, "--web": web, "--to": to}  # of the bundle: each stands alone
    named = [f"{option} {value}" for option, value in whole.items() if value]
    if named and ((precision, io, calibrate, model) != ("fp32", "sensor", None, None) or len(named) > 1):
        raise UsageError(f"expected {named[0]} without other options that say what to export; leave them out")
    if cpp_back_end and not cpp:
        raise UsageError("expected --cpp-back-end with --cpp FOLDER, but got it alone; name the project's folder")
    if output and not to:
        raise UsageError(f"expected -o with --to, but got -o {output} alone; leave it out: models go into the bundle")
    if overwrite and not named:
        raise UsageError("expected --overwrite with --cpp, --web or --to, but got it alone; models are always replaced")
    if onnxruntime_web and not web:
        raise UsageError("expected --onnxruntime-web with --web FOLDER, but got it alone; name the page's folder")
    if cpp:  # needs no torch: it copies what was exported
        check_outside_bundles(cpp)
        _export_cpp(bundle, cpp, cpp_back_end or "libtorch", overwrite, as_json)
        return
    if web:  # likewise
        check_outside_bundles(web)
        _export_web(bundle, web, onnxruntime_web or ONNXRUNTIME_WEB, overwrite, as_json)
        return
    require_training()
    if to:
        _export_package(bundle, to, output, overwrite, as_json)
        return
    from zsn2m_deploy.bundle import export as exporting

    with training_progress(as_json) as progress:
        exported = exporting.export(bundle, precision, io, calibrate, model, progress)
    if as_json or (precision, io) == ("fp32", "sensor"):
        show_bundle(exported, as_json)
    else:
        _show_added(exported, precision, io)


def _export_cpp(bundle: Path, folder: Path, back_end: BackEndName, overwrite: bool, as_json: bool) -> None:
    from zsn2m_export.cpp_project import write_cpp_project
    from zsn2m_runtime.bundle import load_bundle

    write_cpp_project(load_bundle(bundle), folder, back_end, overwrite)
    if back_end == "libtorch":
        remark(f"warning: {_TORCHSCRIPT_RUNS}")
    if as_json:
        show_json({"project": str(folder)})
    else:
        show(f"wrote {folder}; {folder / 'README.md'} says how to build it")


def _export_web(bundle: Path, folder: Path, onnxruntime_web: Path, overwrite: bool, as_json: bool) -> None:
    from zsn2m_export.web.web_page import write_web_page
    from zsn2m_runtime.bundle import load_bundle

    write_web_page(load_bundle(bundle), folder, onnxruntime_web, overwrite)
    if as_json:
        show_json({"page": str(folder)})
    else:
        show(f"wrote {folder}; to see it: python -m http.server --bind 127.0.0.1 -d {shlex.quote(str(folder))}")
        show("and open http://127.0.0.1:8000")


def _export_package(bundle: Path, program: Program, output: Path | None, overwrite: bool, as_json: bool) -> None:
    from zsn2m_export.packages import write_package
    from zsn2m_runtime.bundle import load_bundle
    from zsn2m_runtime.path_kinds import check_outside_bundles

    loaded = load_bundle(bundle)
    check_outside_bundles(output or loaded.path)
    written = write_package(loaded, program, output, overwrite)
    if as_json:
        show_json({"package": str(written)})
    else:
        show(f"wrote {written}; {_TAKEN_BY[program]}")


def _show_added(bundle: Bundle, precision: str, io: str) -> None:
    added = [model for model in bundle.manifest.models if (model.precision, model.io) == (precision, io)]
    rows: list[tuple[str, object]] = []
    for model in added:
        rows += [(model.id, bundle.file(model.files["onnx"])), ("", _proof(model))]
    show_lines(f"{table(rows)}\n")
    if io == "sensor":
        show(f"Next: {'; or: '.join(use_of(bundle.path, model.id) for model in added)}")
    else:
        arrays = "float32 (n, c, h, w) from 0 to 1" if io == "unit" else f"uint{io[1:]} (n, h, w, c) in sensor units"
        show(f"For other programs: input noisy, output denoised, both {arrays}")


def _proof(model: ModelEntry) -> str:
    """What the gate found."""
    if model.parity is None:
        assert model.fidelity is not None
        frame, noise, gate = model.fidelity.psnr_frame, model.fidelity.psnr_noise, model.fidelity.gate
        return f"{frame:.1f} dB to fp32 on the frame, {noise:.1f} on noise (at least {gate:g}; peak: the values in use)"
    if model.parity.levels_off is not None:
        return f"the pixels of its model; {model.parity.levels_off} samples rounded to the level beside"
    return f"the pixels of its model within {model.parity.onnxruntime:.1g} of the range in use"
