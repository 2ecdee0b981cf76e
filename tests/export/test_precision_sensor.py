"""int8 of the default network, which fails the gate at first and is tried again with more layers in float."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from support.bundles import noisy_planes

import zsn2m_deploy as zsn2m
from zsn2m_deploy.config import TrainConfig
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_export.fidelity import GATES
from zsn2m_export.layers import frame_layers, with_neighbours
from zsn2m_export.quantising import quantised
from zsn2m_runtime.bundle import load_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = TrainConfig(precision="fp32").updated({"sensor": {"scenes": 2, "schedule": {"iterations": 2}}})
    noisy, _ = next(iter(sample_frames(SampleConfig(width=128, height=96))))
    path = tmp_path_factory.mktemp("sensor") / "cam.zsn2m"
    zsn2m.train_and_export(noisy.as_array(), path, config)
    return path


def test_int8_passes_its_gate(bundle: Path) -> None:
    zsn2m.export(bundle, "int8")
    fidelity = load_bundle(bundle).model("sensor.int8").fidelity
    assert fidelity is not None
    assert min(fidelity.psnr_frame, fidelity.psnr_noise) >= GATES["int8"]


def test_neighbours_are_the_second_and_the_last_but_one_convolution(bundle: Path) -> None:
    model = onnx.load(bundle / "sensor.onnx")
    outer = frame_layers(model.graph, 3)
    added = [node for node in model.graph.node if node.name in with_neighbours(model.graph, outer) - outer]
    assert [node.op_type for node in added] == ["Conv", "LeakyRelu", "Concat", "Conv"]
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    assert [convolutions.index(node.name) for node in added if node.op_type == "Conv"] == [1, len(convolutions) - 2]


def test_careful_leaves_more_in_float(bundle: Path) -> None:
    model = onnx.load(bundle / "sensor.onnx")
    frames = [noisy_planes(3, 48, 48, 255.0)]
    kept = [
        sum(node.op_type == "Conv" and node.input[1] in weights for node in graph.node)
        for careful in (False, True)
        for graph in [quantised(model, 3, frames, careful).graph]
        for weights in [{tensor.name for tensor in graph.initializer}]
    ]
    assert kept == [2, 4]
