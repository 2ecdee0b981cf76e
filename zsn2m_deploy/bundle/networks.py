"""Exporting trained networks into a bundle's folder."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zsn2m_deploy.bundle.skeletons import skeleton_of
from zsn2m_deploy.fit.fitter import Progress, ProgressCallback
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.video.network import VideoNet
from zsn2m_export.writer import ExportableModel, write_models
from zsn2m_runtime.machine.installation import installed_version
from zsn2m_runtime.manifest import ModelEntry, Normalisation, Sensor
from zsn2m_runtime.sample_types import Nchw

PREFERENCE = ("sensor", "grd", "mbd")  # the default model is the first of these in the bundle: the one trained last
_VERSIONED = ("zsn2m-deploy", "torch", "onnx", "onnxscript", "onnxruntime", "onnxruntime-gpu", "numpy")


@dataclass(frozen=True)
class ExportedNetworks:
    """Networks as they were exported.

    models: the manifest's entries; default: id of the default model; seconds: the export took
    """

    models: tuple[ModelEntry, ...]
    default: str
    seconds: float


def export_networks(
    folder: Path,
    networks: Mapping[str, FrameNetwork],
    sensor: Sensor,
    normalisation: Normalisation,
    probe: Nchw,
    progress: ProgressCallback | None,
) -> ExportedNetworks:
    """Export every network in fp32 into a folder that holds the self-test input.

    Args:
        networks: by model id, on the CPU
    Shape:
        probe: (1, c, h, w) sensor units, the frame that the parity gate compares on
    Raises:
        CheckFailedError: a network's exported files give other pixels than the network.
    """
    started = time.perf_counter()
    entries: list[ModelEntry] = []
    for done, (model_id, network) in enumerate(networks.items()):
        tell(progress, done, len(networks))
        model = exportable(model_id, network, sensor, normalisation.offset)
        entries += write_models(folder, [model], sensor, normalisation, probe)
    tell(progress, len(networks), len(networks))
    default = next(model_id for model_id in PREFERENCE if model_id in networks)
    return ExportedNetworks(tuple(entries), default, time.perf_counter() - started)


def exportable(model_id: str, network: FrameNetwork, sensor: Sensor, offset: float) -> ExportableModel:
    """A network as it is exported for a sensor.

    Args:
        offset: of the normalisation
    """
    network = network.folded()
    before = network.before_padding()
    line = network.line if isinstance(network, VideoNet) else None
    skeleton = skeleton_of(network, sensor, offset)
    return ExportableModel(model_id, model_id, network, network.stride, before, network.whole_frames, line, skeleton)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a bundle is made with."""
    found = {name: installed_version(name) for name in _VERSIONED}
    return {"python": platform.python_version()} | {name: version for name, version in found.items() if version}


def tell(progress: ProgressCallback | None, done: int, count: int) -> None:
    """Tell a progress callback that `done` of `count` models are exported."""
    if progress:
        progress(Progress("export", done, count, None))
