"""The models that a bundle lacks: other precisions of its networks, and other networks."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from zsn2m_runtime.bundle import Bundle

PRECISIONS = {"int8": "faster on CPUs", "fp16": "for CUDA and TensorRT"}
# By role: the method that trains the network, and its use. Times: docs/results/speed.md#costs, 512 x 512.
NETWORKS = {
    "sensor": ("adapt", "the default network"),
    "video": ("adapt", "for videos: it sees the previous result"),
    "mbd": ("mbd", "a fifth of the default's time"),
    "grd": ("full", "the paper's second network, slower than the default"),
}


@dataclass(frozen=True)
class FurtherModel:
    """A model that a bundle lacks, its use, and the command that makes it."""

    id: str
    precision: str
    use: str
    command: str


def further_models(bundle: Bundle) -> list[FurtherModel]:
    """The precisions and the networks that a bundle lacks."""
    models = [model for model in bundle.manifest.models if model.io == "sensor"]
    present, path = {model.id for model in models}, shlex.quote(str(bundle.path))
    found = []
    for precision, use in PRECISIONS.items():
        made_from = [model for model in models if model.precision == "fp32" and "onnx" in model.files]
        lacking = [model for model in made_from if f"{model.id}.{precision}" not in present]
        for model in lacking:
            only = f" --model {model.role}" if len(lacking) < len(made_from) else ""
            command = f"zsn2m-deploy export {path} --precision {precision}{only}"
            found.append(FurtherModel(f"{model.id}.{precision}", precision, use, command))
    roles = {model.role for model in models}
    for role, (method, use) in NETWORKS.items():
        if role not in roles and not (role == "video" and bundle.manifest.sensor.mosaic):
            command = f"zsn2m-deploy train-and-export FRAME... --method {method} -o OTHER.zsn2m"
            found.append(FurtherModel(role, "fp32", use, command))
    return found
