"""The ONNX skeletons of SensorNet and VideoNet that the package holds.

`python -m zsn2m_deploy.bundle.skeletons` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import onnx
import torch

from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.video.network import VideoNet
from zsn2m_export.graph import SensorGraph
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_export.onnx_model import traced
from zsn2m_export.onnx_skeleton import MARKED_NORMALISATION, MARKED_RANGE, emptied
from zsn2m_export.writer import ExportableModel, plane_graph
from zsn2m_runtime.manifest import Normalisation, SampleType, Sensor
from zsn2m_runtime.model_record import ModelFacts
from zsn2m_runtime.mosaic_record import BayerPattern, MosaicRecord, is_turned
from zsn2m_runtime.sample_types import is_whole

FACTS = ModelFacts(
    id="sensor", role="sensor", precision="fp32", stride=SensorNet.stride, receptive_radius=0, parameters=0
)
FOLDER = Path(__file__).parent / "skeletons"
_CHANNELS: tuple[Literal[1, 3], ...] = (1, 3)
_TYPES: tuple[SampleType, ...] = ("uint8", "float32")
_PATTERNS: tuple[BayerPattern, ...] = ("RGGB", "GRBG")


class Case(NamedTuple):
    """What a skeleton is of; VideoNet's graph has no passes for an offset of 0."""

    network: type[SensorNet] | type[VideoNet]
    sensor: Sensor
    offset: float


def skeleton_of(network: FrameNetwork, sensor: Sensor, offset: float) -> Path | None:
    """The skeleton of a network that corrects nothing first, exported for a sensor; None: there is none.

    Args:
        offset: of the normalisation
    """
    if network.before_padding() is not None or not isinstance(network, (SensorNet, VideoNet)):
        return None
    return _path(Case(type(network), sensor, offset))


def _path(case: Case) -> Path:
    sensor = case.sensor
    frames = f"{sensor.planes}" if sensor.mosaic is None or not is_turned(sensor.mosaic.pattern) else "4_turned"
    name = f"{frames}_{'whole' if is_whole(sensor.dtype) else 'float'}"
    if issubclass(case.network, SensorNet):
        return FOLDER / f"sensor_{name}.onnx"
    return FOLDER / f"video_{name}{'_offset' if case.offset else ''}.onnx"


def cases() -> list[Case]:
    """Of each skeleton one."""
    mosaics = [(1, MosaicRecord(pattern=pattern)) for pattern in _PATTERNS]
    sensors = [
        Sensor(dtype=dtype, channels=channels, range=MARKED_RANGE, noise_sigma=0, mosaic=mosaic)
        for dtype in _TYPES
        for channels, mosaic in [*((channels, None) for channels in _CHANNELS), *mosaics]
    ]
    pictures = [sensor for sensor in sensors if not sensor.mosaic]
    offset = MARKED_NORMALISATION.offset
    return [
        *(Case(SensorNet, sensor, offset) for sensor in sensors),
        *(Case(VideoNet, sensor, each) for sensor in pictures for each in (0.0, offset)),
    ]


def graph_of(network: FrameNetwork, sensor: Sensor, normalisation: Normalisation) -> SensorGraph | MosaicGraph:
    """What is exported of a network that corrects nothing first."""
    line = network.line if isinstance(network, VideoNet) else None
    graph = plane_graph(ExportableModel("", "", network, network.stride, line=line), sensor, normalisation)
    return MosaicGraph(graph, sensor.mosaic.pattern) if sensor.mosaic else graph


def facts_of(network: type[SensorNet] | type[VideoNet]) -> ModelFacts:
    """As far as tracing needs them."""
    return FACTS if issubclass(network, SensorNet) else FACTS.model_copy(update={"strength": "strength"})


def made(case: Case) -> onnx.ModelProto:
    """A skeleton, made anew."""
    network = case.network(case.sensor.planes).folded()
    if isinstance(network, VideoNet):
        network.line.copy_(torch.tensor([0.5, 0.25, 0.125]))  # three numbers that differ: equal ones would be joined
    normalisation = Normalisation(offset=case.offset, scale=MARKED_NORMALISATION.scale)
    graph = graph_of(network, case.sensor, normalisation)
    return emptied(traced(graph, facts_of(case.network), case.sensor.channels), graph)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for _case in cases():
        onnx.save(made(_case), _path(_case))
