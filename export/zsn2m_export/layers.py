"""Which nodes of an exported ONNX graph are layers of the network, and which of them touch the frame itself."""

from __future__ import annotations

import onnx

_LAYERS = frozenset({"Conv", "LeakyRelu", "MaxPool", "Resize"})
_MOVES = frozenset({"Reshape", "Transpose", "Unsqueeze", "Squeeze"})  # of planes, by constants
_BETWEEN_LAYERS = _MOVES | {"DepthToSpace", "SpaceToDepth", "Add"}  # of the network where all they read is planes
_ACTIVATION = "LeakyRelu"


def network_layers(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that compute feature planes, in order.

    Not among them: normalisation, padding, the residual sum with the frame, clamp, and the arithmetic on sizes. They
    need the sensor's own precision or are no arithmetic on pixels.
    """
    layers: list[onnx.NodeProto] = []
    planes: set[str] = set()
    for node in graph.node:
        joins = node.op_type == "Concat" and planes.intersection(node.input)
        read = node.input[:1] if node.op_type in _MOVES else node.input
        between = node.op_type in _BETWEEN_LAYERS and planes.issuperset(read)
        if node.op_type in _LAYERS or joins or between:
            layers.append(node)
            planes.update(node.output)
    return layers


def frame_layers(graph: onnx.GraphProto) -> set[str]:
    """Names of the convolutions that read or write the frame itself, and of the activations next to them."""
    layers = network_layers(graph)
    planes = {name for node in layers for name in node.output}
    readers = [node for node in layers if node.op_type == "Conv" and node.input[0] not in planes]
    writers = [node for node in layers if node.op_type == "Conv" and _leaves(graph, layers, node.output[0])]
    outer = [*readers, *writers]
    beside = {name for node in outer for name in (node.input[0], node.output[0])}
    activations = [
        node for node in graph.node if node.op_type == _ACTIVATION and beside.intersection((*node.input, *node.output))
    ]
    return {node.name for node in (*outer, *activations)}


def _leaves(graph: onnx.GraphProto, layers: list[onnx.NodeProto], planes: str) -> bool:
    """Whether something besides layers reads these planes, as they are or in another order."""
    names = {node.name for node in layers}
    return any(
        node.name not in names or (node.op_type in _BETWEEN_LAYERS and _leaves(graph, layers, node.output[0]))
        for node in graph.node
        if planes in node.input
    )


def with_neighbours(graph: onnx.GraphProto, layers: set[str]) -> set[str]:
    """The layers, and each convolution beside them with its activation and what is concatenated for it."""
    nodes = network_layers(graph)
    made_by = {name: node for node in nodes for name in node.output}
    found = set(layers)
    for node in nodes:
        if node.op_type != "Conv" or node.name in layers:
            continue
        before = made_by.get(node.input[0])
        after = next((other for other in nodes if other.op_type == _ACTIVATION and node.output[0] in other.input), None)
        read_by = {other.name for other in nodes if node.output[0] in other.input}
        if layers & read_by or (before is not None and before.name in layers):
            found.add(node.name)
            found.update(other.name for other in (after,) if other is not None)
            found.update(other.name for other in (before,) if other is not None and other.op_type == "Concat")
    return found
