"""int8 of the default network, which fails the gate at first and is tried again with more layers in float."""

from __future__ import annotations

from pathlib import Path

import onnx
from support.bundles import noisy_planes

from zsn2m_export.layers import frame_layers, with_neighbours
from zsn2m_export.quantising import quantised


def test_neighbours_are_the_second_and_the_last_but_one_convolution(lower: dict[str, Path]) -> None:
    model = onnx.load(lower["sensor"] / "sensor.onnx")
    outer = frame_layers(model.graph)
    added = [node for node in model.graph.node if node.name in with_neighbours(model.graph, outer) - outer]
    assert [node.op_type for node in added] == ["Conv", "LeakyRelu", "Concat", "Conv"]
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    assert [convolutions.index(node.name) for node in added if node.op_type == "Conv"] == [1, len(convolutions) - 2]


def test_careful_leaves_more_in_float(lower: dict[str, Path]) -> None:
    model = onnx.load(lower["sensor"] / "sensor.onnx")
    feeds = [{"noisy": noisy_planes(3, 48, 48, 255.0)}]
    kept = [
        sum(node.op_type == "Conv" and node.input[1] in weights for node in graph.node)
        for careful in (False, True)
        for graph in [quantised(model, feeds, careful).graph]
        for weights in [{tensor.name for tensor in graph.initializer}]
    ]
    assert kept == [2, 4]
