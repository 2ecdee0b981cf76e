"""What an ONNX file may hold before onnxruntime sees it: the operators that the exporter writes, and no other file.

A model is data, but not all data is harmless: tensors can lie in other files, which no hash of this one covers, and
loops can run for ever. The runtime has no onnx package, so the few fields that matter are read from the wire format.

Source: onnx/onnx.proto (field numbers).
"""

from __future__ import annotations

from collections.abc import Iterator

from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.onnx_checks.graph import Attribute, Graph, Node, Port, Tensor
from zsn2m_runtime.onnx_checks.wire_format import (
    DamagedError,
    Message,
    Value,
    fields,
    message,
    number,
    numbers,
    real,
    text,
)

# Of the default domain. Exports of this and of older versions hold no others; none of them takes a graph.
OPERATORS_IN_USE = (
    "Abs Add And Cast Clip Concat Constant ConstantOfShape Conv DepthToSpace DequantizeLinear Div Equal Expand "
    "Gather Greater GreaterOrEqual Identity LeakyRelu Less LessOrEqual Max MaxPool Min Mod Mul Neg Not Or Pad "
    "QuantizeLinear Range Reciprocal ReduceMean Relu Reshape Resize Round Shape Sigmoid Slice Sqrt Squeeze Sub "
    "Transpose Unsqueeze Where "
)
OPERATORS = frozenset(OPERATORS_IN_USE.split())
DOMAINS = ("", "ai.onnx")
OPSETS = range(13, 26)  # exports have 17; in these the operators take what is read of them here in the same places
MOST_NODES = 5000  # an export with every correction has 410
MOST_DIMENSIONS = 8  # of a tensor; exports have 4
MOST_FIELDS = 1000  # of one tensor; exports have 10
MOST_DESCRIBED = 4 * 2**20  # bytes besides weights, whose fields are read one by one; the largest export has 60 kB

MODEL_GRAPH, MODEL_OPSET, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 20, 25
OPSET_DOMAIN, OPSET_VERSION = 1, 2
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_SPARSE = 1, 5, 11, 12, 15
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_TEXT, ATTRIBUTE_INTS = 1, 2, 3, 4, 8
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE = (22, 23)
TENSOR_DIMENSION, TENSOR_TYPE, TENSOR_NAME, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 2, 8, 13, 14
TENSOR_DATA = {4: "float_data", 5: "int32_data", 7: "int64_data", 9: "raw_data", 10: "double_data", 11: "uint64_data"}
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TENSOR_TYPE_KIND, TENSOR_TYPE_SHAPE, SHAPE_SIDE, SIDE_LENGTH = 1, 1, 2, 1, 1


def read_onnx(content: bytes, name: str) -> Graph:
    """The graph of an ONNX file that holds nothing but the exporter's operators.

    Raises:
        BundleError: tensors in other files, other operators, subgraphs, functions, too many nodes, or no ONNX file.
    """
    graph = Graph(name)
    graphs = 0
    try:
        for key, value in _described(memoryview(content), MODEL_GRAPH, graph):
            if key in (MODEL_TRAINING, MODEL_FUNCTIONS):
                graph.refuse("functions or training code of its own")
            elif key == MODEL_OPSET:
                _check_opset(message(value), graph)
            elif key == MODEL_GRAPH:
                graphs += 1
                _read_graph(message(value), graph)
    except DamagedError as error:
        raise BundleError(f"{name}: expected an ONNX model, but it is damaged ({error}); export again") from error
    if not graphs:
        raise BundleError(f"{name}: expected an ONNX model, but it holds no graph; export again")
    if graphs > 1:
        graph.refuse(f"{graphs} graphs")
    return graph


def _described(of: Message, large: int, graph: Graph) -> Iterator[tuple[int, Value]]:
    """The fields of a message, at most MOST_DESCRIBED bytes of them without the field that holds the weights."""
    described = 0
    for key, value in fields(of):
        described += 1 if isinstance(value, int) or key == large else 1 + len(value)
        if described > MOST_DESCRIBED:
            graph.refuse(f"more than {MOST_DESCRIBED:,} bytes that are no weights")
        yield key, value


def _check_opset(opset: Message, graph: Graph) -> None:
    found = dict(fields(opset))
    domain, version = found.get(OPSET_DOMAIN), number(found.get(OPSET_VERSION, 0))
    if (domain is None or text(domain) in DOMAINS) and version not in OPSETS:
        graph.refuse(f"operators of version {version} (opset; {OPSETS[0]} to {OPSETS[-1]} are known)")


def _read_graph(of: Message, graph: Graph) -> None:
    for key, value in _described(of, GRAPH_INITIALIZER, graph):
        if key == GRAPH_NODE:
            graph.nodes.append(_node(bytes(message(value)), graph))
            if len(graph.nodes) > MOST_NODES:
                graph.refuse(f"more than {MOST_NODES} nodes")
        elif key == GRAPH_INITIALIZER:
            tensor = _tensor(message(value), graph)
            if tensor.name in graph.tensors:
                raise DamagedError(f"two tensors {tensor.name[:40]!r}")
            graph.tensors[tensor.name] = tensor
        elif key in (GRAPH_INPUT, GRAPH_OUTPUT):
            (graph.inputs if key == GRAPH_INPUT else graph.outputs).append(_port(message(value)))
        elif key == GRAPH_SPARSE:
            graph.refuse("sparse tensors")


def _port(of: Message) -> Port:
    port = Port()
    for key, value in fields(of):
        if key == VALUE_NAME:
            port.name = text(value)
        elif key == VALUE_TYPE:
            for tensor in _inside(message(value), TYPE_TENSOR):
                for place, inner in fields(tensor):
                    if place == TENSOR_TYPE_KIND:
                        port.kind = number(inner)
                    elif place == TENSOR_TYPE_SHAPE:
                        port.shape += tuple(map(_length, _inside(message(inner), SHAPE_SIDE)))
    return port


def _length(side: Message) -> int | None:
    found = dict(fields(side)).get(SIDE_LENGTH)
    return None if found is None else number(found)


def _inside(of: Message, wanted: int) -> list[Message]:
    return [message(value) for key, value in fields(of) if key == wanted]


def _node(of: Message, graph: Graph) -> Node:
    node = Node()
    for key, value in fields(of):
        if key == NODE_INPUT:
            node.inputs.append(text(value))
        elif key == NODE_OUTPUT:
            node.outputs.append(text(value))
        elif key == NODE_OPERATOR:
            node.operator = _operator(text(value), graph)
        elif key == NODE_DOMAIN and (domain := text(value)) not in DOMAINS:
            graph.refuse(f"operators of the domain {domain[:40]!r}")
        elif key == NODE_ATTRIBUTE:
            part = message(value)
            known = graph.attributes.get(part)
            if known is None:
                known = graph.attributes[part] = _attribute(part, graph)
            name, found = known
            if name in node.attributes:
                raise DamagedError(f"two values of the attribute {name[:40]!r}")
            node.attributes[name] = found
    _operator(node.operator, graph)  # there may be none
    return node


def _operator(name: str, graph: Graph) -> str:
    if name not in OPERATORS:
        graph.refuse(f"the operator {name[:40]!r}")
    return name


def _attribute(of: Message, graph: Graph) -> tuple[str, Attribute]:
    """The only value of a field; two are refused, as onnxruntime may take the other one."""
    name, found = "", list[Attribute]()
    listed: list[int] = []
    for key, value in fields(of):
        if key == ATTRIBUTE_NAME:
            name = text(value)
        elif key in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            graph.refuse("a graph inside of a node")
        elif key in ATTRIBUTE_SPARSE:
            graph.refuse("sparse tensors")
        elif key in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            found.append(_tensor(message(value), graph))
        elif key == ATTRIBUTE_INT:
            found.append(number(value))
        elif key == ATTRIBUTE_FLOAT:
            found.append(real(value))
        elif key == ATTRIBUTE_TEXT:
            found.append(text(value))
        elif key == ATTRIBUTE_INTS:
            listed += numbers(value)
    if len(found) + bool(listed) > 1:
        raise DamagedError(f"two values of the attribute {name[:40]!r}")
    return name, found[0] if found else tuple(listed)


def _tensor(of: Message, graph: Graph) -> Tensor:
    tensor, shape = Tensor(), list[int]()
    for count, (key, value) in enumerate(fields(of)):
        if count > MOST_FIELDS:
            graph.refuse(f"a tensor of more than {MOST_FIELDS} fields")
        if key == TENSOR_EXTERNAL or (key == TENSOR_LOCATION and value != 0):
            graph.refuse("tensors in another file, which its hash does not cover")
        elif key == TENSOR_DIMENSION:
            shape += numbers(value)
        elif key == TENSOR_TYPE:
            tensor.kind = number(value)
        elif key == TENSOR_NAME:
            tensor.name = text(value)
        elif key in TENSOR_DATA:
            tensor.data.setdefault(TENSOR_DATA[key], []).append(value)
    if len(tensor.data) > 1:
        raise DamagedError("two kinds of values in one tensor")
    if len(shape) > MOST_DIMENSIONS or min(shape, default=0) < 0:
        graph.refuse(f"a tensor of shape {shape[: MOST_DIMENSIONS + 1]}")
    tensor.shape = tuple(shape)
    if not tensor.is_few:  # or the whole file would be kept with its views
        tensor.data.clear()
    return tensor
