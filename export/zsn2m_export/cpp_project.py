"""A CMake project around a bundle: the C++ library with one back end, a program, and the models that it runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zsn2m_export.manifest_file import write_manifest
from zsn2m_runtime.atomic import atomic_folder
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import BundleError, OutputError
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.training_record import TrainingRecord

TEMPLATE = Path(__file__).with_name("cpp_template")
PROGRAM = ("main.cpp", "zsn2m/examples/pnm.cpp", "zsn2m/examples/pnm.h")
FILLED_IN = ("CMakeLists.txt", "README.md")  # @NAME@ stands for a value of `_filled_in`
LIBRARY = ("CMakeLists.txt", "cmake", "include", "src")
MODEL = "model.zsn2m"

BackEndName = Literal["libtorch", "onnxruntime"]


@dataclass(frozen=True)
class _BackEnd:
    kind: Literal["onnx", "torchscript"]
    files: str
    needed: str
    configure: str  # option of the first cmake command
    trust: str


_BACK_ENDS: dict[BackEndName, _BackEnd] = {
    "libtorch": _BackEnd(
        kind="torchscript",
        files="TorchScript files",
        needed="LibTorch: that of a Python with\ntorch, or a downloaded one",
        configure="-DZSN2M_PYTHON=python3     # or -DCMAKE_PREFIX_PATH=/path/to/libtorch",
        trust="The `.ts` files are programs: run them only if you trust whoever made the bundle.",
    ),
    "onnxruntime": _BackEnd(
        kind="onnx",
        files="ONNX files",
        needed="onnxruntime: Debian 13's\n`libonnxruntime-dev`, or its release for Linux",
        configure="-DONNXRUNTIME_ROOT=/path/to/onnxruntime     # of the unpacked release",
        trust="The `.onnx` files are data; their operators are checked before onnxruntime sees them.",
    ),
}


def write_cpp_project(bundle: Bundle, folder: Path, back_end: BackEndName = "libtorch") -> None:
    """Write a folder that CMake builds into a program around the bundle's models for one back end.

    Raises:
        BundleError: the bundle has no model file for it, or none of its default model.
        OutputError: the folder exists, or cannot be written.
    """
    if folder.exists():
        raise OutputError(f"{folder}: expected a new folder, but it exists; choose another path")
    chosen = _BACK_ENDS[back_end]
    manifest = _with_files_for(chosen, bundle)
    with atomic_folder(folder, overwrite=False) as project:
        for name in PROGRAM:
            shutil.copyfile(TEMPLATE / name, project / Path(name).name)
        for name in FILLED_IN:
            (project / name).write_text(_filled_in((TEMPLATE / name).read_text(encoding="utf-8"), back_end), "utf-8")
        (project / "zsn2m").mkdir()
        for name in LIBRARY:
            source, target = TEMPLATE / "zsn2m" / name, project / "zsn2m" / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        (project / MODEL).mkdir()
        for record in manifest.file_records():
            (project / MODEL / record.name).write_bytes(bundle.content(record))
        write_manifest(project / MODEL, manifest)


def _filled_in(text: str, back_end: BackEndName) -> str:
    options = {name: "ON" if name == back_end else "OFF" for name in _BACK_ENDS}  # of CMake: ZSN2M_LIBTORCH, ...
    for name, value in ({"component": back_end} | options | vars(_BACK_ENDS[back_end])).items():
        text = text.replace(f"@{name.upper()}@", value)
    return text


def _with_files_for(back_end: _BackEnd, bundle: Bundle) -> Manifest:
    """The bundle's manifest with the models that the C++ library takes, in sensor units, and one file of each."""
    models = tuple(
        model.model_copy(update={"files": {back_end.kind: model.files[back_end.kind]}})
        for model in bundle.manifest.models
        if back_end.kind in model.files and model.io == "sensor"
    )
    if bundle.manifest.default not in {model.id for model in models}:
        raise BundleError(
            f"{bundle.path}: expected {back_end.files} of its models, the default one among them, but there are none; "
            f"run: zsn2m-deploy export {bundle.path}"
        )
    return bundle.manifest.model_copy(
        update={"models": models, "weights": None, "extras": (), "training": TrainingRecord()}
    )
