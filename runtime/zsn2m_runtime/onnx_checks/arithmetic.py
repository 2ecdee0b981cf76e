"""Rules of what works value by value, and of constants: broadcasting, and the values of small whole numbers.

Source: the operators' definitions, onnx/docs/Operators.md, opset 13 to 25.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from zsn2m_runtime.onnx_checks.arguments import Rule, all_followed, attribute, axis_of, given, joined, optional
from zsn2m_runtime.onnx_checks.graph import FEW, Node, Tensor
from zsn2m_runtime.onnx_checks.values import BOOL, DTYPES, FOLLOWED, Made, UnknownError, Values, made, of_file

_SAME = ["Abs", "Clip", "Identity", "LeakyRelu", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sigmoid", "Sqrt"]
_JOINED = ["Add", "And", "Div", "Max", "Min", "Mod", "Mul", "Or", "Sub"]
_COMPARED = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]


def _divided(dividend: Values, divisor: Values) -> Values:
    """Of whole numbers, by positive ones, towards zero."""
    return np.asarray(np.sign(dividend) * (np.abs(dividend) // divisor))


_COMPUTED: dict[str, Callable[..., Values]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divided, "Mod": np.mod,
    "Max": np.maximum, "Min": np.minimum, "And": np.logical_and, "Or": np.logical_or, "Equal": np.equal,
    "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal,
}  # fmt: skip


def _same(node: Node, inputs: list[Made | None]) -> Made:
    first = given(inputs, 0)
    values = first.followed if node.operator in ("Identity", "Clip") else None
    if values is not None and node.operator == "Clip":
        for limit, of in ((optional(inputs, 1), np.maximum), (optional(inputs, 2), np.minimum)):
            if limit is None:
                continue
            if (bound := limit.followed) is None:
                return Made(first.shape, first.kind)
            values = of(values, bound.reshape(()))
    return Made(first.shape, first.kind, values)


def _broadcast(node: Node, inputs: list[Made | None]) -> Made:
    parts = [given(inputs, place) for place in range(len(inputs))]
    shape = joined([part.shape for part in parts])
    kind = BOOL if node.operator in _COMPARED else parts[0].kind
    if node.operator in ("Div", "Mod") and parts[0].is_whole:
        divisor = parts[1].followed
        if divisor is None or not (divisor > 0).all():  # a processor stops the program at a division by zero
            raise UnknownError(f"a {node.operator} of whole numbers by what may not be positive")
    values = [] if math.prod(shape) > FEW else all_followed(parts)
    if not values or (node.operator == "Div" and not parts[0].is_whole) or node.attributes.get("fmod"):
        return Made(shape, kind)
    found = values[0]
    for value in values[1:]:
        found = _COMPUTED[node.operator](found, value)
    return Made(shape, kind, found if found.shape == shape else np.broadcast_to(found, shape))


def _where(node: Node, inputs: list[Made | None]) -> Made:
    parts = [given(inputs, place) for place in range(3)]
    shape = joined([part.shape for part in parts])
    values = [] if math.prod(shape) > FEW else all_followed(parts)
    return Made(shape, parts[1].kind, np.broadcast_to(np.where(*values), shape) if values else None)


def _reduced(node: Node, inputs: list[Made | None]) -> Made:
    """A mean along some axes, which stay with a length of 1 unless they are dropped."""
    first, axes = given(inputs, 0), optional(inputs, 1)
    places = attribute(node, "axes", ()) if axes is None else axes.listed("axes")
    if not places or attribute(node, "keepdims", 1) not in (0, 1):
        raise ValueError("a reduction of no axes, or of all")
    gone = {axis_of(place, len(first.shape)) for place in places}
    kept = attribute(node, "keepdims", 1) == 1
    sides = enumerate(first.shape)
    return Made(tuple(1 if place in gone else side for place, side in sides if kept or place not in gone), first.kind)


def _cast(node: Node, inputs: list[Made | None]) -> Made:
    first, kind = given(inputs, 0), attribute(node, "to", 0)
    if kind not in DTYPES:
        raise ValueError("an element type that is not known")
    values = first.followed if kind in FOLLOWED else None
    return Made(first.shape, kind, None if values is None else values.astype(DTYPES[kind]))


def _constant(node: Node, inputs: list[Made | None]) -> Made:
    value = node.attributes.get("value")
    if isinstance(value, Tensor):
        return of_file(value)
    for name, dtype in (("value_int", "int64"), ("value_ints", "int64"), ("value_float", "float32")):
        if isinstance(found := node.attributes.get(name), (int, float, tuple)):
            return made(np.array(found, dtype))
    raise ValueError("a constant without a value")


def _filled(node: Node, inputs: list[Made | None]) -> Made:
    value = node.attributes.get("value")
    one = of_file(value) if isinstance(value, Tensor) else made(np.zeros(1, np.float32))
    if one.size != 1:
        raise ValueError("a filling of several values")
    values = one.values
    return _spread(
        Made((), one.kind, None if values is None else values.reshape(())), tuple(given(inputs, 0).listed("sizes"))
    )


def _expand(node: Node, inputs: list[Made | None]) -> Made:
    first = given(inputs, 0)
    return _spread(first, joined([first.shape, tuple(given(inputs, 1).listed("sizes"))]))


def _spread(one: Made, shape: tuple[int, ...]) -> Made:
    values = one.followed if math.prod(shape) <= FEW else None
    return Made(shape, one.kind, None if values is None else np.broadcast_to(values, shape))


def _range(node: Node, inputs: list[Made | None]) -> Made:
    parts = [given(inputs, place) for place in range(3)]
    start, stop, step = (part.listed("lengths")[0] for part in parts)
    length = max(0, -((start - stop) // step))
    known = length <= FEW and parts[0].kind in FOLLOWED
    values = start + step * np.arange(length, dtype=np.int64) if known else None
    return Made((length,), parts[0].kind, None if values is None else values.astype(DTYPES[parts[0].kind]))


RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys([*_JOINED, *_COMPARED], _broadcast),
    "Where": _where,
    "ReduceMean": _reduced,
    "Cast": _cast,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Range": _range,
}
