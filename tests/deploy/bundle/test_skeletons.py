"""The skeletons of SensorNet and VideoNet: as the exporter writes them now, and filled as it would write the whole."""

from __future__ import annotations

import onnx
import pytest
import torch

from zsn2m_deploy.bundle.networks import exportable
from zsn2m_deploy.bundle.skeletons import FACTS, Case, cases, facts_of, graph_of, made, skeleton_of
from zsn2m_deploy.config.networks import MbdConfig
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.paper.networks import MbdNet
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.video.network import VideoNet
from zsn2m_export.onnx_model import traced
from zsn2m_export.onnx_skeleton import filled
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.mosaic_record import MosaicRecord

CASES = list(enumerate(cases()))
MOSAIC = Sensor(dtype="uint16", channels=1, range=(64.0, 4095.0), noise_sigma=3, mosaic=MosaicRecord(pattern="GBRG"))
# Not from 0: the exporter would hold that number once, with others that are 0.
COLOUR = Sensor(dtype="uint8", channels=3, range=(16.0, 235.0), noise_sigma=3)


def content(model: onnx.ModelProto) -> bytes:
    model.producer_version = ""  # ends in what torch was built for
    return model.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if place in (1, len(CASES) - 1) else [pytest.mark.slow]) for place, case in CASES],
    ids=[f"{case.network.__name__}-{case.sensor.planes}-{case.sensor.dtype}-{case.offset}" for _, case in CASES],
)
def test_the_exporter_writes_the_skeleton_that_is_held(case: Case) -> None:
    held = skeleton_of(case.network(case.sensor.planes), case.sensor, case.offset)
    assert held
    assert content(made(case)) == content(onnx.load(held))


@pytest.mark.parametrize("sensor", [COLOUR, pytest.param(MOSAIC, marks=pytest.mark.slow)], ids=["colour", "mosaic"])
def test_a_filled_skeleton_is_what_the_exporter_writes(sensor: Sensor) -> None:
    torch.manual_seed(1)
    check_filled(SensorNet(sensor.planes), sensor, -1.25)


@pytest.mark.parametrize("offset", [0.0, pytest.param(-1.25, marks=pytest.mark.slow)])
def test_a_filled_skeleton_of_videos_is_what_the_exporter_writes(offset: float) -> None:
    torch.manual_seed(1)
    network = VideoNet(3)
    network.line.copy_(torch.tensor([0.01, 0.002, 0.0003]))
    check_filled(network, COLOUR, offset)


def check_filled(network: FrameNetwork, sensor: Sensor, offset: float) -> None:
    """Compare both ways to a file."""
    model = exportable("x", network, sensor, offset)
    assert isinstance(model.network, FrameNetwork)
    graph = graph_of(model.network, sensor, Normalisation(offset=offset, scale=211.3))
    facts = facts_of(type(network)) if isinstance(network, (SensorNet, VideoNet)) else FACTS
    assert model.skeleton is not None
    assert content(filled(model.skeleton, graph)) == content(traced(graph, facts, sensor.channels))


def test_networks_with_corrections_and_others_have_no_skeleton() -> None:
    for network in (SensorNet(3), VideoNet(3)):
        assert exportable("x", network, COLOUR, 0.0).skeleton is not None
        network.impulse_correction = ImpulseCorrection(3)
        assert exportable("x", network, COLOUR, 0.0).skeleton is None
    assert exportable("mbd", MbdNet(3, MbdConfig()), COLOUR, 0.0).skeleton is None
