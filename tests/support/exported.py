"""A graph as it is, as TorchScript and in onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

from zsn2m_export.graph import SensorGraph
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_export.onnx_model import export_onnx
from zsn2m_export.torchscript import export_torchscript, load_torchscript
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import MOST_REACH, ModelFacts


def grey_graph(correction: nn.Module) -> SensorGraph:
    """A correction, and a network that changes nothing."""
    sensor = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=1.0)
    network = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(network.weight)
    return SensorGraph(network, 1, sensor, Normalisation(offset=0, scale=1), correction)


def three_ways(graph: SensorGraph | MosaicGraph, stride: int, folder: Path) -> list[Callable[[Tensor], Tensor]]:
    """Itself, its TorchScript and its ONNX file."""
    facts = ModelFacts(id="a", role="a", precision="fp32", stride=stride, receptive_radius=MOST_REACH, parameters=1)
    export_onnx(graph, folder / "a.onnx", facts, 1, "{}")
    export_torchscript(graph, folder / "a.ts", "{}")
    session = onnxruntime.InferenceSession(folder / "a.onnx")
    return [
        graph,
        load_torchscript(folder / "a.ts"),
        lambda noisy: torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0]),
    ]
