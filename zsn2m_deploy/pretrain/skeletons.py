"""The ONNX skeletons of SensorNet that the package holds; `python -m zsn2m_deploy.pretrain.skeletons` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import onnx

from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_export.graph import SensorGraph
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_export.onnx_model import traced
from zsn2m_export.onnx_skeleton import MARKED_NORMALISATION, MARKED_RANGE, emptied
from zsn2m_runtime.manifest import ModelFacts, SampleType, Sensor
from zsn2m_runtime.mosaic_record import BayerPattern, MosaicRecord, is_turned
from zsn2m_runtime.sample_types import is_whole

FACTS = ModelFacts(
    id="sensor", role="sensor", precision="fp32", stride=SensorNet.stride, receptive_radius=0, parameters=0
)
FOLDER = Path(__file__).parent / "skeletons"
_CHANNELS: tuple[Literal[1, 3], ...] = (1, 3)
_TYPES: tuple[SampleType, ...] = ("uint8", "float32")
_PATTERNS: tuple[BayerPattern, ...] = ("RGGB", "GRBG")


def skeleton_of(sensor: Sensor) -> Path:
    """The skeleton of a SensorNet without corrections, exported for a sensor."""
    frames = f"{sensor.planes}" if sensor.mosaic is None or not is_turned(sensor.mosaic.pattern) else "4_turned"
    return FOLDER / f"sensor_{frames}_{'whole' if is_whole(sensor.dtype) else 'float'}.onnx"


def marked_sensors() -> list[Sensor]:
    """One sensor for each skeleton."""
    mosaics = [(1, MosaicRecord(pattern=pattern)) for pattern in _PATTERNS]
    return [
        Sensor(dtype=dtype, channels=channels, range=MARKED_RANGE, noise_sigma=0, mosaic=mosaic)
        for dtype in _TYPES
        for channels, mosaic in [*((channels, None) for channels in _CHANNELS), *mosaics]
    ]


def made(sensor: Sensor) -> onnx.ModelProto:
    """The skeleton for a sensor, made anew."""
    network = SensorNet(sensor.planes).folded()
    graph: SensorGraph | MosaicGraph = SensorGraph(network, network.stride, sensor, MARKED_NORMALISATION)
    if sensor.mosaic:
        graph = MosaicGraph(graph, sensor.mosaic.pattern)
    return emptied(traced(graph, FACTS, sensor.channels), graph)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for _sensor in marked_sensors():
        onnx.save(made(_sensor), skeleton_of(_sensor))
