"""The models that a bundle lacks: other precisions of its networks, and other networks."""

from __future__ import annotations

from dataclasses import dataclass

from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.commands import export_command

PRECISIONS = {"int8": "faster on CPUs", "fp16": "for CUDA and TensorRT"}
# By role, the quickest first: the method that trains the network, and its use. Times: docs/results/speed.md#costs,
# 512 x 512, and docs/results/video.md#video.
NETWORKS = {
    "video": ("adapt", "for videos: an eighth of the default's time"),
    "mbd": ("mbd", "a fifth of the default's time"),
    "sensor": ("adapt", "the default network"),
    "grd": ("full", "the paper's second network, slower than the default"),
}


@dataclass(frozen=True)
class FurtherModel:
    """A model that a bundle lacks, its use, and the command that makes it."""

    id: str
    role: str
    precision: str
    use: str
    command: str


def further_models(bundle: Bundle) -> list[FurtherModel]:
    """The precisions and the networks that a bundle lacks."""
    models = [model for model in bundle.manifest.models if model.io == "sensor"]
    present, export = {model.id for model in models}, export_command(bundle.path)
    found = []
    for precision, use in PRECISIONS.items():
        made_from = [model for model in models if model.precision == "fp32" and "onnx" in model.files]
        for model in made_from:
            is_no_faster = precision == "int8" and model.strength  # docs/decisions/int8-video.md
            if f"{model.id}.{precision}" in present or is_no_faster:
                continue
            only = f" --model {model.role}" if len(made_from) > 1 else ""
            command = f"{export} --precision {precision}{only}"
            found.append(FurtherModel(f"{model.id}.{precision}", model.role, precision, use, command))
    roles = {model.role for model in models}
    for role, (method, use) in NETWORKS.items():
        if role not in roles and not (role == "video" and bundle.manifest.sensor.mosaic):
            command = f"zsn2m-deploy train-and-export FRAME... --method {method} -o OTHER.zsn2m"
            found.append(FurtherModel(role, role, "fp32", use, command))
    return found
