"""Twins of a graph for callers with other arrays: float planes from 0 to 1, or integer pixels with channels last."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.model_record import ModelIo
from zsn2m_runtime.sample_types import Nchw, Pixels

INTEGER_DTYPES: dict[ModelIo, str] = {"u8": "uint8", "u16": "uint16"}
_ELEMENTS: dict[ModelIo, int] = {"u8": TensorProto.UINT8, "u16": TensorProto.UINT16}
_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)

_Step = tuple[str, float | None, dict[str, Any]]  # operator, constant operand, attributes


def as_twin(model: onnx.ModelProto, io: ModelIo, sensor: Sensor) -> onnx.ModelProto:
    """The same graph between nodes that convert what comes in and goes out.

    Integer results are rounded half to even; the graph within has clamped them to the sensor's range.

    Args:
        model: takes and gives float32 (n, c, h, w) in sensor units
        io: unit, u8 or u16; the integer ones must be the sensor's own type
    """
    twin = copy.deepcopy(model)
    graph = twin.graph
    weights = {tensor.name for tensor in graph.initializer}
    (noisy,) = (value for value in graph.input if value.name not in weights)  # an input with a default is one of both
    denoised = graph.output[0]
    before, after = _unit_steps(sensor) if io == "unit" else _integer_steps(io)
    steps = list(graph.node)
    for node in graph.node:
        _rename(node.input, noisy.name, f"{noisy.name}_sensor")
        _rename(node.output, denoised.name, f"{denoised.name}_sensor")
    nodes = [
        *_chain(graph, noisy.name, f"{noisy.name}_sensor", before),
        *steps,
        *_chain(graph, f"{denoised.name}_sensor", denoised.name, after),
    ]
    for field, values in (("node", nodes), ("value_info", [])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    if io != "unit":
        for value in (noisy, denoised):
            shape = ("n", "h", "w", sensor.channels)
            value.CopyFrom(helper.make_tensor_value_info(value.name, _ELEMENTS[io], shape))
    return twin


def to_twin(noisy: Nchw, io: ModelIo, sensor: Sensor) -> Pixels:
    """Frames in the form that a twin takes.

    Shape:
        noisy: (n, c, h, w) sensor units; whole values of the sensor's type for an integer twin
        returns: (n, c, h, w) float32 from 0 to 1, or (n, h, w, c) integers
    """
    low, high = sensor.range
    if io == "unit":
        return ((noisy - low) / (high - low)).astype(np.float32)
    return np.ascontiguousarray(noisy.transpose(_TO_NHWC), dtype=INTEGER_DTYPES[io])


def from_twin(denoised: Pixels, io: ModelIo, sensor: Sensor) -> Nchw:
    """What a twin gave, as planes in sensor units.

    Shape:
        returns: (n, c, h, w) float32
    """
    low, high = sensor.range
    if io == "unit":
        return (denoised * (high - low) + low).astype(np.float32)
    return denoised.transpose(_TO_NCHW).astype(np.float32)


def _unit_steps(sensor: Sensor) -> tuple[list[_Step], list[_Step]]:
    low, high = sensor.range
    before: list[_Step] = [("Mul", high - low, {}), ("Add", low, {})]
    after: list[_Step] = [("Sub", low, {}), ("Mul", 1 / (high - low), {})]
    return before, after


def _integer_steps(io: ModelIo) -> tuple[list[_Step], list[_Step]]:
    # To float before anything else: onnxruntime's Pad, Round and Clip know no uint16, its Round no uint8.
    before: list[_Step] = [("Transpose", None, {"perm": _TO_NCHW}), ("Cast", None, {"to": TensorProto.FLOAT})]
    after: list[_Step] = [
        ("Round", None, {}),
        ("Cast", None, {"to": _ELEMENTS[io]}),
        ("Transpose", None, {"perm": _TO_NHWC}),
    ]
    return before, after


def _chain(graph: onnx.GraphProto, first: str, last: str, steps: list[_Step]) -> list[onnx.NodeProto]:
    """Nodes that lead from one value to another, their constants added to the graph."""
    nodes = []
    for number, (operator, constant, attributes) in enumerate(steps, start=1):
        inputs, output = [first], last if number == len(steps) else f"{last}_{number}"
        if constant is not None:
            inputs.append(f"{output}_operand")
            graph.initializer.append(numpy_helper.from_array(np.array(constant, np.float32), inputs[1]))
        nodes.append(helper.make_node(operator, inputs, [output], name=f"node_{output}", **attributes))
        first = output
    return nodes


def _rename(names: Any, old: str, new: str) -> None:
    for position, name in enumerate(names):
        if name == old:
            names[position] = new
