"""What all packages share: which bundles have a place in other programs, and the ZIP file that holds a package."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import onnx

from zsn2m_export.opset import lower
from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.commands import denoise_command, export_command
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.model_record import ModelEntry

CITATION = (
    "Liu, Shi, Zhang, Li, Zhang: Zero-Shot Noise2Mean: Gap Minimization for Efficient Denoising from a Single Noisy "
    "Image. AAAI 2025. Implemented, and extended by a pretrained network, in zsn2m-deploy."
)
LICENCE = "Apache-2.0"  # of the code and of the pretrained weights


def packaged_model(bundle: Bundle) -> ModelEntry:
    """The model that goes into a package: the default one.

    Raises:
        UsageError: it takes mosaics, or the strength of the noise, for which other programs have no place.
        BundleError: there is no exported model, or one that cannot run or is unlike the manifest.
    """
    model = bundle.model()
    if bundle.manifest.sensor.mosaic:
        raise UsageError(
            f"{bundle.path}: expected a bundle of grey or colour frames, but its frames are mosaics of a Bayer sensor, "
            f"for which other programs' models have no place; denoise them with: {denoise_command(bundle.path)}"
        )
    if model.strength or "onnx" not in model.files:
        raise UsageError(
            f"{bundle.path}: expected a default model of single frames with an ONNX file, but {model.id} is none; "
            f"run: {export_command(bundle.path)}"
        )
    Denoiser(bundle.path, model.id, provider="cpu")  # refuses it, if need be
    return model


def lowered(bundle: Bundle, model: ModelEntry) -> onnx.ModelProto:
    """A model of the bundle in the opset of today, also where the bundle is older.

    Raises:
        BundleError: its file is damaged.
    """
    graph = onnx.load_model_from_string(bundle.content(model.files["onnx"]))
    lower(graph)
    return graph


def plain_name(bundle: Bundle) -> str:
    """The bundle's name in lower-case letters, digits and single hyphens, as programs allow in names of models."""
    name = bundle.path.resolve().name.removesuffix(".zsn2m").lower()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "bundle"


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a ZIP file that appears whole, or not at all; the same bytes for the same files.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
