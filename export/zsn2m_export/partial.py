"""A bundle with some of another's models, for programs that run no more than those."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from zsn2m_export.manifest_file import write_manifest
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.commands import export_command
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.model_record import ModelEntry, ModelFormat
from zsn2m_runtime.training_record import TrainingRecord

IN_WORDS: dict[ModelFormat, str] = {"torchscript": "TorchScript files", "onnx": "ONNX files"}


def partial_manifest(
    bundle: Bundle, kind: ModelFormat, wanted: Callable[[ModelEntry], bool] = lambda _: True
) -> Manifest:
    """The bundle's manifest with those of its models that take sensor units, and one kind of file of each.

    Nothing on the training is in it, and neither are weights, report and previews.

    Args:
        wanted: which of those models
    Raises:
        BundleError: the default model is not among them.
    """
    models = tuple(
        model.model_copy(update={"files": {kind: model.files[kind]}})
        for model in bundle.manifest.models
        if kind in model.files and model.io == "sensor" and wanted(model)
    )
    if bundle.manifest.default not in {model.id for model in models}:
        raise BundleError(
            f"{bundle.path}: expected {IN_WORDS[kind]} of its models, the default one among them, but there are none; "
            f"run: {export_command(bundle.path)}"
        )
    return bundle.manifest.model_copy(
        update={"models": models, "weights": None, "extras": (), "training": TrainingRecord()}
    )


def write_partial(bundle: Bundle, manifest: Manifest, folder: Path) -> None:
    """Make a folder of the files that such a manifest names, each checked as it is read.

    Raises:
        BundleError: a file that is missing or damaged.
    """
    folder.mkdir()
    for record in manifest.file_records():
        (folder / record.name).write_bytes(bundle.content(record))
    write_manifest(folder, manifest)


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder, or a file; the first error ends it, where shutil.copytree would hide that the disk is full.

    Raises:
        OSError: what cannot be copied.
    """
    if not source.is_dir():
        shutil.copyfile(source, target)
        return
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        copy_files(entry, target / entry.name)
