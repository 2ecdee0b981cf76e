"""The skeletons of SensorNet: as the exporter writes them now, and filled as it would write the whole."""

from __future__ import annotations

import onnx
import pytest
import torch

from zsn2m_deploy.bundle.networks import exportable
from zsn2m_deploy.config.networks import MbdConfig
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.paper.networks import MbdNet
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.skeletons import FACTS, made, marked_sensors, skeleton_of
from zsn2m_export.graph import SensorGraph
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_export.onnx_model import traced
from zsn2m_export.onnx_skeleton import filled
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.mosaic_record import MosaicRecord

SENSORS = marked_sensors()
MOSAIC = Sensor(dtype="uint16", channels=1, range=(64.0, 4095.0), noise_sigma=3, mosaic=MosaicRecord(pattern="GBRG"))
# Not from 0: the exporter would hold that number once, with others that are 0.
COLOUR = Sensor(dtype="uint8", channels=3, range=(16.0, 235.0), noise_sigma=3)


def content(model: onnx.ModelProto) -> bytes:
    model.producer_version = ""  # ends in what torch was built for
    return model.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    "sensor",
    [pytest.param(sensor, marks=[] if place == 1 else [pytest.mark.slow]) for place, sensor in enumerate(SENSORS)],
    ids=[skeleton_of(sensor).stem for sensor in SENSORS],
)
def test_the_exporter_writes_the_skeleton_that_is_held(sensor: Sensor) -> None:
    assert content(made(sensor)) == content(onnx.load(skeleton_of(sensor)))


@pytest.mark.parametrize("sensor", [COLOUR, pytest.param(MOSAIC, marks=pytest.mark.slow)], ids=["colour", "mosaic"])
def test_a_filled_skeleton_is_what_the_exporter_writes(sensor: Sensor) -> None:
    torch.manual_seed(1)
    model = exportable("sensor", SensorNet(sensor.planes), sensor)
    graph: SensorGraph | MosaicGraph = SensorGraph(
        model.network, model.stride, sensor, Normalisation(offset=-1.25, scale=211.3)
    )
    if sensor.mosaic:
        graph = MosaicGraph(graph, sensor.mosaic.pattern)
    assert model.skeleton is not None
    assert content(filled(model.skeleton, graph)) == content(traced(graph, FACTS, sensor.channels))


def test_only_a_sensornet_without_corrections_has_a_skeleton() -> None:
    corrected = SensorNet(3)
    corrected.impulse_correction = ImpulseCorrection(3)
    assert exportable("sensor", corrected, COLOUR).skeleton is None
    assert exportable("mbd", MbdNet(3, MbdConfig()), COLOUR).skeleton is None


def test_a_folded_network_gives_the_same() -> None:
    torch.manual_seed(2)
    network, frame = SensorNet(3), torch.rand(1, 3, 16, 24)
    folded = network.folded().folded()
    torch.testing.assert_close(folded(frame), network(frame))
    assert not torch.equal(folded.first.weight, network.first.weight)
