"""Exporting trained networks into a bundle's folder."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zsn2m_deploy.bundle.skeletons import skeleton_of
from zsn2m_deploy.fit.fitter import Progress, ProgressCallback
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.video.network import VideoNet
from zsn2m_export.writer import ExportableModel, write_models
from zsn2m_runtime.machine.installation import installed_version
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import ModelEntry
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
    with exporting(folder, networks, sensor, normalisation, probe, progress) as (_, others):
        return others()


@contextmanager
def exporting(
    folder: Path,
    networks: Mapping[str, FrameNetwork],
    sensor: Sensor,
    normalisation: Normalisation,
    probe: Nchw,
    progress: ProgressCallback | None,
) -> Iterator[tuple[ModelEntry, Callable[[], ExportedNetworks]]]:
    """Export networks, as `export_networks`: the default model, with which one can go on while a thread exports others.

    Gives the default model, and what waits for the others and gives all.
    """
    default = next(model_id for model_id in PREFERENCE if model_id in networks)

    def each() -> Iterator[tuple[ModelEntry, float]]:
        for done, (model_id, network) in enumerate(networks.items()):
            tell(progress, done, len(networks))
            started = time.perf_counter()
            model = exportable(model_id, network, sensor, normalisation.offset)
            (entry,) = write_models(folder, [model], sensor, normalisation, probe)
            yield entry, time.perf_counter() - started
        tell(progress, len(networks), len(networks))

    models = each()
    made: list[tuple[ModelEntry, float]] = []
    while not made or made[-1][0].id != default:
        made.append(next(models))
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(list, models)

        def exported() -> ExportedNetworks:
            entries, seconds = zip(*made, *others.result(), strict=True)
            return ExportedNetworks(entries, default, sum(seconds))

        yield made[-1][0], exported


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
