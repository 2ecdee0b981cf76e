"""A graph with its layers in float16, and float32 where the sensor's own precision counts."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zsn2m_export.layers import network_layers

# Inputs from here on are no planes: scale factors stay float32, places and lengths int64.
_PLANES_ONLY = {"Resize": 1, "Reshape": 1, "Unsqueeze": 1, "Squeeze": 1}


def halved(model: onnx.ModelProto, scale: float = 1.0) -> onnx.ModelProto:
    """The graph with its layers in float16; normalisation, padding, residual sums and clamp stay in float32.

    So do inputs and outputs: sensor units reach 65,535, and float16 ends at 65,504.

    Args:
        scale: planes are divided by it before the layers, and multiplied after them; for a graph whose layers work in
            sensor units, and give so many times as much where their input is
    """
    half = copy.deepcopy(model)
    layers = {node.name for node in network_layers(half.graph)}
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in half.graph.initializer}
    outside = {name for node in half.graph.node if node.name not in layers for name in node.input}
    halves: dict[str, str] = {}  # by the name of the float32 value
    nodes: list[onnx.NodeProto] = []
    for node in half.graph.node:
        if node.name not in layers:
            nodes.append(node)
            continue
        for position, name in enumerate(node.input[: _PLANES_ONLY.get(node.op_type)]):
            if name not in halves:
                halves[name] = f"{name}_half"
                if name in weights:
                    tensor = numpy_helper.from_array(weights[name].astype(np.float16), halves[name])
                    half.graph.initializer.append(tensor)
                else:
                    nodes += _times(half.graph, name, f"{name}_divided", 1 / scale)
                    nodes.append(_cast(nodes[-1].output[0] if scale != 1 else name, halves[name], TensorProto.FLOAT16))
            node.input[position] = halves[name]
        (name,) = node.output
        node.output[0] = halves[name] = f"{name}_half"
        nodes.append(node)
        if name in outside:
            single = name if scale == 1 else f"{name}_single"
            nodes.append(_cast(halves[name], single, TensorProto.FLOAT))
            nodes += _times(half.graph, single, name, scale)
    _replace_nodes(half.graph, nodes)
    return half


def _cast(source: str, target: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=to)


def _times(graph: onnx.GraphProto, source: str, target: str, factor: float) -> list[onnx.NodeProto]:
    """The product with a constant; no node where that is 1."""
    if factor == 1:
        return []
    graph.initializer.append(numpy_helper.from_array(np.array(factor, np.float32), f"{target}_factor"))
    return [helper.make_node("Mul", [source, f"{target}_factor"], [target], name=f"times_{target}")]


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    used = {name for node in nodes for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, values in (("node", nodes), ("initializer", weights), ("value_info", [])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
