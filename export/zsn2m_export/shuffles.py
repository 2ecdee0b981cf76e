"""Pixel shuffles of an ONNX graph as moves of one axis each, which onnxruntime's CPU provider is quicker at.

Its DepthToSpace moves all axes at once, sample by sample on one thread: a fifth of SensorNet's time, where these
take a seventeenth (docs/decisions/pixel-shuffles.md).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

_SHUFFLE = "DepthToSpace"


def unrolled(model: onnx.ModelProto) -> None:
    """Replace each DepthToSpace of a model by moves that give the same bits; sizes stay dynamic."""
    shuffles = [node for node in model.graph.node if node.op_type == _SHUFFLE]
    if not shuffles:
        return
    channels = _channels(model)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        nodes += _moves(model.graph, node, channels[node.input[0]]) if node.op_type == _SHUFFLE else [node]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)


def _channels(model: onnx.ModelProto) -> dict[str, int]:
    """Of each value of four axes."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = [*graph.input, *graph.output, *graph.value_info]
    shapes = {value.name: value.type.tensor_type.shape.dim for value in values}
    return {name: shape[1].dim_value for name, shape in shapes.items() if len(shape) == 4}


def _moves(graph: onnx.GraphProto, node: onnx.NodeProto, channels: int) -> list[onnx.NodeProto]:
    """(n, c b b, h, w) -> (n, c b b, h, w b) after the columns, (n, c, h b, w b) after the rows.

    A side that Reshape shall keep must stand at the same place before and after it; hence the axes of length 1.
    """
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    block, rows_first = given["blocksize"], given.get("mode", b"DCR") == b"CRD"
    name, kept = node.name or node.output[0], channels // block**2
    if not rows_first:
        raise ValueError(f"{name}: expected the order of channels that torch's pixel_shuffle has, but got DCR")
    made: list[onnx.NodeProto] = []
    value = node.input[0]

    def add(operator: str, constant: list[int] | None = None, perm: list[int] | None = None) -> None:
        nonlocal value
        step = f"{name}_{len(made)}"
        inputs = [value]
        if constant is not None:
            graph.initializer.append(numpy_helper.from_array(np.array(constant, np.int64), f"{step}_shape"))
            inputs.append(f"{step}_shape")
        made.append(helper.make_node(operator, inputs, [f"{step}_out"], name=step))
        if perm is not None:
            made[-1].attribute.append(helper.make_attribute("perm", perm))
        value = f"{step}_out"

    add("Unsqueeze", [2])
    add("Reshape", [0, kept * block, block, 0, 0])
    add("Transpose", perm=[0, 1, 3, 4, 2])
    add("Reshape", [0, 0, 0, -1])
    add("Unsqueeze", [2])
    add("Reshape", [0, kept, block, 0, 0])
    add("Transpose", perm=[0, 1, 3, 2, 4])
    add("Reshape", [0, 0, -1, 1, 0])
    add("Squeeze", [3])
    made[-1].output[0] = node.output[0]
    return made
