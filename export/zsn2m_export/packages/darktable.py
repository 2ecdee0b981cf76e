"""A package (.dtmodel) for darktable's neural restore, from darktable 5.6 on.

Format: src/ai/README.md of darktable, and darktable_ai/package.py and validate.py of darktable-ai: a ZIP file of one
folder, named like the model, with config.json and model.onnx.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx

from zsn2m_export.packages.archive import CITATION, LICENCE, lowered, packaged_model, plain_name, write_archive
from zsn2m_export.twins import INTEGER_DTYPES, as_twin
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.commands import denoise_command
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.known_frames import PRETRAINED
from zsn2m_runtime.model_record import ModelEntry

OVERLAP = 64  # pixels that darktable's tiles of 256 to 2,048 see beyond what is kept: OVERLAP_DENOISE of its restore.c
_INPUT, _OUTPUT = "input", "output"
_HEIGHT, _WIDTH = "height", "width"  # darktable gives these axes the size of its tiles


def write_darktable(bundle: Bundle, path: Path) -> None:
    """Write a bundle's default model as a package of darktable: one RGB picture, sRGB from 0 to 1, in and out.

    Raises:
        UsageError: a bundle whose values are no sRGB colours from 0 to 1, or whose network looks beyond a tile.
        BundleError: a damaged bundle.
        OutputError: the package cannot be written.
    """
    model = packaged_model(bundle)
    _check(bundle, model)
    graph = as_twin(lowered(bundle, model), "unit", bundle.manifest.sensor)
    onnx.helper.set_model_props(graph, {})  # the card is of other names, and of another model
    _rename(graph.graph, {model.input: _INPUT, model.output: _OUTPUT})
    for value in (graph.graph.input[0], graph.graph.output[0]):
        axes = value.type.tensor_type.shape.dim
        axes[0].dim_value = 1
        axes[2].dim_param, axes[3].dim_param = _HEIGHT, _WIDTH
    onnx.checker.check_model(graph, full_check=True)
    name = f"denoise-{plain_name(bundle)}"
    files = {
        "config.json": json.dumps(_config(bundle, model, name), indent=4).encode(),
        "model.onnx": graph.SerializeToString(),
    }
    write_archive(path, {f"{name}/{file}": content for file, content in files.items()})


def _check(bundle: Bundle, model: ModelEntry) -> None:
    sensor = bundle.manifest.sensor
    if sensor.channels != 3 or sensor.dtype not in INTEGER_DTYPES.values():
        kind = "grey" if sensor.channels == 1 else "colour"
        raise UsageError(
            f"{bundle.path}: expected a bundle of colour frames of 8 or 16 bits, whose values are sRGB as darktable "
            f"gives them, but got {kind} {sensor.dtype}; train on a picture that darktable exported without denoising"
        )
    if model.receptive_radius > OVERLAP or bundle.manifest.row_noise:
        sees = "whole rows" if bundle.manifest.row_noise else f"{model.receptive_radius}"
        raise UsageError(
            f"{bundle.path}: expected a network that sees at most {OVERLAP} pixels, as far as darktable's tiles "
            f"overlap, but this one sees {sees}; denoise its frames with: {denoise_command(bundle.path)}"
        )


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Give inputs and outputs of the graph other names."""
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for ends in (node.input, node.output):
            for place, name in enumerate(ends):
                ends[place] = names.get(name, name)


def _config(bundle: Bundle, model: ModelEntry, name: str) -> dict[str, Any]:
    sensor = bundle.manifest.sensor
    drawn = "drawn shapes with drawn noise; then " if model.role in PRETRAINED else ""
    return {
        "id": name,
        "name": name.replace("-", " "),
        "description": "Removes the noise of one camera at one gain, learned from its noisy pictures",
        "task": "denoise",
        "arch": model.role,
        "backend": "onnx",
        "version": "1.0",
        "tiling": True,
        "num_inputs": 1,
        "model_card": {
            "long_description": f"For pictures like the {sensor.dtype} frames that it was trained on, in sRGB",
            "scope": "single-image denoising of one camera at one gain",
            "source": "zsn2m-deploy",
            "paper": CITATION,
            "license": LICENCE,
            "training_data": f"{drawn}noisy pictures of the user",
        },
    }
