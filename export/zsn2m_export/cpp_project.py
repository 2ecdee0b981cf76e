"""A CMake project around a bundle: the C++ library, a program, and the bundle's TorchScript models."""

from __future__ import annotations

import shutil
from pathlib import Path

from zsn2m_export.manifest_file import write_manifest
from zsn2m_runtime.atomic import atomic_folder
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import BundleError, OutputError
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.training_record import TrainingRecord

TEMPLATE = Path(__file__).with_name("cpp_template")
PROGRAM = ("CMakeLists.txt", "main.cpp", "README.md", "zsn2m/examples/pnm.cpp", "zsn2m/examples/pnm.h")
LIBRARY = ("CMakeLists.txt", "cmake", "include", "src")
MODEL = "model.zsn2m"


def write_cpp_project(bundle: Bundle, folder: Path) -> None:
    """Write a folder that CMake builds into a program around the bundle's TorchScript models.

    Raises:
        BundleError: the bundle has no TorchScript model, or none of its default one.
        OutputError: the folder exists, or cannot be written.
    """
    if folder.exists():
        raise OutputError(f"{folder}: expected a new folder, but it exists; choose another path")
    manifest = _with_torchscript_only(bundle)
    with atomic_folder(folder, overwrite=False) as project:
        for name in PROGRAM:
            shutil.copyfile(TEMPLATE / name, project / Path(name).name)
        (project / "zsn2m").mkdir()
        for name in LIBRARY:
            source, target = TEMPLATE / "zsn2m" / name, project / "zsn2m" / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        (project / MODEL).mkdir()
        for record in manifest.file_records():
            (project / MODEL / record.name).write_bytes(bundle.content(record))
        write_manifest(project / MODEL, manifest)


def _with_torchscript_only(bundle: Bundle) -> Manifest:
    models = tuple(
        model.model_copy(update={"files": {"torchscript": model.files["torchscript"]}})
        for model in bundle.manifest.models
        if "torchscript" in model.files
    )
    if not models:
        raise BundleError(
            f"{bundle.path}: expected a TorchScript model, but there is none; run: zsn2m-deploy export {bundle.path}"
        )
    if bundle.manifest.default not in {model.id for model in models}:
        raise BundleError(
            f"{bundle.path}: expected a TorchScript file of the default model {bundle.manifest.default}, but there is "
            f"none; run: zsn2m-deploy export {bundle.path}"
        )
    return bundle.manifest.model_copy(
        update={"models": models, "weights": None, "extras": (), "training": TrainingRecord()}
    )
