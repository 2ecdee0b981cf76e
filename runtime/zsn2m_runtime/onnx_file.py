"""What an ONNX file may hold before onnxruntime sees it: the operators that the exporter writes, and no other file.

A model is data, but not all data is harmless: tensors can lie in other files, which no hash of this one covers, and
loops can run for ever. The runtime has no onnx package, so the few fields that matter are read from the wire format.

Source: onnx/onnx.proto (field numbers), protobuf's encoding guide (wire types).
"""

from __future__ import annotations

from collections.abc import Iterator

from zsn2m_runtime.errors import BundleError

# Of the default domain. Exports of this and of older versions hold no others; none of them takes a graph.
OPERATORS_IN_USE = (
    "Abs Add And Cast Clip Concat Constant ConstantOfShape Conv DepthToSpace DequantizeLinear Div Equal Expand "
    "Gather Greater GreaterOrEqual Identity LeakyRelu Less LessOrEqual Max MaxPool Min Mod Mul Neg Not Or Pad "
    "QuantizeLinear Range Reciprocal Relu Reshape Resize Round Shape Sigmoid Slice Sqrt Squeeze Sub Transpose "
    "Unsqueeze Where "
)
OPERATORS = frozenset(OPERATORS_IN_USE.split())
DOMAINS = (b"", b"ai.onnx")
MOST_NODES = 5000  # the largest export has 235

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
LONGEST_VARINT = 70  # bits
MODEL_GRAPH, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE = (22, 23)
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14


class _DamagedError(Exception):
    """The bytes are no message."""


def check_onnx(content: bytes, name: str) -> None:
    """Refuse an ONNX file that holds anything but a plain graph of the exporter's operators.

    Raises:
        BundleError: tensors in other files, other operators, subgraphs, functions, too many nodes, or no ONNX file.
    """
    nodes = graphs = 0
    try:
        for number, value in _fields(memoryview(content)):
            if number in (MODEL_TRAINING, MODEL_FUNCTIONS):
                _refuse(name, "functions or training code of its own")
            if number == MODEL_GRAPH:
                graphs += 1
                nodes += _check_graph(_message(value), name)
    except _DamagedError as error:
        raise BundleError(f"{name}: expected an ONNX model, but it is damaged ({error}); export again") from error
    if not graphs:
        raise BundleError(f"{name}: expected an ONNX model, but it holds no graph; export again")
    if nodes > MOST_NODES:
        _refuse(name, f"{nodes} nodes")


def _check_graph(graph: memoryview, name: str) -> int:
    """The number of nodes."""
    nodes = 0
    for number, value in _fields(graph):
        if number == GRAPH_NODE:
            nodes += 1
            _check_node(_message(value), name)
        elif number == GRAPH_INITIALIZER:
            _check_tensor(_message(value), name)
        elif number == GRAPH_SPARSE:
            _refuse(name, "sparse tensors")
    return nodes


def _check_node(node: memoryview, name: str) -> None:
    for number, value in _fields(node):
        if number == NODE_OPERATOR and (operator := _text(value)) not in OPERATORS:
            _refuse(name, f"the operator {operator[:40]!r}")
        elif number == NODE_DOMAIN and bytes(_message(value)) not in DOMAINS:
            _refuse(name, f"operators of the domain {_text(value)[:40]!r}")
        elif number == NODE_ATTRIBUTE:
            _check_attribute(_message(value), name)


def _check_attribute(attribute: memoryview, name: str) -> None:
    for number, value in _fields(attribute):
        if number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            _refuse(name, "a graph inside of a node")
        if number in ATTRIBUTE_SPARSE:
            _refuse(name, "sparse tensors")
        if number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            _check_tensor(_message(value), name)


def _check_tensor(tensor: memoryview, name: str) -> None:
    for number, value in _fields(tensor):
        if number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value != 0):
            _refuse(name, "tensors in another file, which its hash does not cover")


def _refuse(name: str, got: str) -> None:
    raise BundleError(
        f"{name}: expected a plain model as zsn2m-deploy exports it, but got {got}; do not run it, export it again"
    )


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: a whole number, or the bytes of text, messages and packed lists."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == BYTES:
            length, position = _varint(message, position)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise _DamagedError(f"wire type {kind}")
        if position + length > len(message):
            raise _DamagedError("it ends too early")
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < LONGEST_VARINT:
        if position >= len(message):
            raise _DamagedError("it ends too early")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise _DamagedError("a number is too long")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _DamagedError("a number where a message belongs")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")
