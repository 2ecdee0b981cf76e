"""The rule of each operator that exports hold: the shape of what it makes, from what goes in.

Source: the operators' definitions, onnx/docs/Operators.md, opset 13 to 25.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from zsn2m_runtime.onnx_checks.graph import Attribute, Node, Tensor
from zsn2m_runtime.onnx_checks.values import (
    BOOL,
    DTYPES,
    FEW,
    FOLLOWED,
    Made,
    UnknownError,
    Values,
    made,
    of_file,
)

Rule = Callable[[Node, list[Made | None]], Made]

_SAME = ["Abs", "Clip", "Identity", "LeakyRelu", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sigmoid", "Sqrt"]
_JOINED = ["Add", "And", "Div", "Max", "Min", "Mod", "Mul", "Or", "Sub"]
_COMPARED = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]
_COMPUTED: dict[str, Callable[..., Values]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Mod": np.mod, "Max": np.maximum, "Min": np.minimum,
    "And": np.logical_and, "Or": np.logical_or, "Equal": np.equal, "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal,
}  # fmt: skip


def shape_of(node: Node, inputs: list[Made | None]) -> Made:
    """What a node makes of its inputs; None stands for an input that is left out.

    Raises:
        UnknownError: inputs that do not fit the operator, or a size that depends on pixels.
    """
    if not inputs and node.operator != "Constant":
        raise UnknownError(f"{node.operator} without inputs")
    try:
        return _RULES[node.operator](node, inputs)
    except (ValueError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise UnknownError(f"inputs that do not fit the operator {node.operator}") from error


def joined(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that several broadcast to.

    Raises:
        ValueError: they do not fit.
    """
    rank = max(len(shape) for shape in shapes)
    filled = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    lengths = []
    for along in zip(*filled, strict=True):
        others = {length for length in along if length != 1}
        if len(others) > 1:
            raise ValueError("shapes do not fit")
        lengths.append(others.pop() if others else 1)
    return tuple(lengths)


def _given(inputs: list[Made | None], place: int) -> Made:
    found = inputs[place]
    if found is None:
        raise ValueError("an input is missing")
    return found


def _optional(inputs: list[Made | None], place: int) -> Made | None:
    return inputs[place] if place < len(inputs) else None


def _integer(node: Node, name: str, otherwise: int) -> int:
    value = node.attributes.get(name, otherwise)
    if not isinstance(value, int):
        raise ValueError(f"{name} is no whole number")
    return value


def _integers(node: Node, name: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    value: Attribute = node.attributes.get(name, otherwise)
    if not isinstance(value, tuple):
        raise ValueError(f"{name} is no list")
    return value


def _text(node: Node, name: str, otherwise: str) -> str:
    value = node.attributes.get(name, otherwise)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ValueError("an axis that is not there")
    return axis % rank


def _same(node: Node, inputs: list[Made | None]) -> Made:
    first = _given(inputs, 0)
    values = first.followed if node.operator in ("Identity", "Clip") else None
    if values is not None and node.operator == "Clip":
        for limit, of in ((_optional(inputs, 1), np.maximum), (_optional(inputs, 2), np.minimum)):
            if limit is None:
                continue
            if (bound := limit.followed) is None:
                return Made(first.shape, first.kind)
            values = of(values, bound.reshape(()))
    return Made(first.shape, first.kind, values)


def _broadcast(node: Node, inputs: list[Made | None]) -> Made:
    parts = [_given(inputs, place) for place in range(len(inputs))]
    shape = joined([part.shape for part in parts])
    kind = BOOL if node.operator in _COMPARED else parts[0].kind
    if node.operator in ("Div", "Mod") and parts[0].is_whole:
        divisor = parts[1].followed
        if divisor is None or not (divisor > 0).all():  # a processor stops the program at a division by zero
            raise UnknownError(f"a {node.operator} of whole numbers by what may not be positive")
    values = [] if math.prod(shape) > FEW else _all_followed(parts)
    if not values or node.operator == "Div" or node.attributes.get("fmod"):
        return Made(shape, kind)
    found = values[0]
    for value in values[1:]:
        found = _COMPUTED[node.operator](found, value)
    return Made(shape, kind, np.broadcast_to(found, shape))


def _all_followed(parts: Sequence[Made]) -> list[Values]:
    """The values of each; empty where those of one are not known."""
    found = []
    for part in parts:
        if (values := part.followed) is None:
            return []
        found.append(values)
    return found


def _where(node: Node, inputs: list[Made | None]) -> Made:
    parts = [_given(inputs, place) for place in range(3)]
    shape = joined([part.shape for part in parts])
    values = [] if math.prod(shape) > FEW else _all_followed(parts)
    return Made(shape, parts[1].kind, np.broadcast_to(np.where(*values), shape) if values else None)


def _cast(node: Node, inputs: list[Made | None]) -> Made:
    first, kind = _given(inputs, 0), _integer(node, "to", 0)
    if kind not in DTYPES:
        raise ValueError("an element type that is not known")
    values = first.followed if kind in FOLLOWED else None
    return Made(first.shape, kind, None if values is None else values.astype(DTYPES[kind]))


def _quantized(node: Node, inputs: list[Made | None]) -> Made:
    zero = _optional(inputs, 2)
    return Made(_given(inputs, 0).shape, zero.kind if zero is not None else 2)


def _dequantized(node: Node, inputs: list[Made | None]) -> Made:
    return Made(_given(inputs, 0).shape, _given(inputs, 1).kind)


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
    return _spread(one, tuple(_given(inputs, 0).listed("sizes")))


def _expand(node: Node, inputs: list[Made | None]) -> Made:
    first = _given(inputs, 0)
    return _spread(first, joined([first.shape, tuple(_given(inputs, 1).listed("sizes"))]))


def _spread(one: Made, shape: tuple[int, ...]) -> Made:
    values = one.followed if math.prod(shape) <= FEW else None
    return Made(shape, one.kind, None if values is None else np.broadcast_to(values, shape))


def _concat(node: Node, inputs: list[Made | None]) -> Made:
    parts = [_given(inputs, place) for place in range(len(inputs))]
    axis = _axis(_integer(node, "axis", 0), len(parts[0].shape))
    around = {part.shape[:axis] + part.shape[axis + 1 :] for part in parts}
    if len(around) > 1:
        raise ValueError("shapes do not fit")
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    values = [] if math.prod(shape) > FEW else _all_followed(parts)
    return Made(tuple(shape), parts[0].kind, np.concatenate(values, axis) if values else None)


def _gather(node: Node, inputs: list[Made | None]) -> Made:
    data, places = _given(inputs, 0), _given(inputs, 1)
    axis = _axis(_integer(node, "axis", 0), len(data.shape))
    shape = data.shape[:axis] + places.shape + data.shape[axis + 1 :]
    values = [] if math.prod(shape) > FEW else _all_followed([data, places])
    return Made(shape, data.kind, np.take(values[0], values[1], axis) if values else None)


def _range(node: Node, inputs: list[Made | None]) -> Made:
    parts = [_given(inputs, place) for place in range(3)]
    start, stop, step = (part.listed("lengths")[0] for part in parts)
    length = max(0, -((start - stop) // step))
    known = length <= FEW and parts[0].kind in FOLLOWED
    values = start + step * np.arange(length, dtype=np.int64) if known else None
    return Made((length,), parts[0].kind, None if values is None else values.astype(DTYPES[parts[0].kind]))


def _reshape(node: Node, inputs: list[Made | None]) -> Made:
    first, wanted = _given(inputs, 0), _given(inputs, 1).listed("sizes")
    if _integer(node, "allowzero", 0) == 0:
        wanted = [first.shape[place] if length == 0 else length for place, length in enumerate(wanted)]
    if -1 in wanted:
        others = -math.prod(wanted)
        wanted[wanted.index(-1)] = first.size // others if others else 0
    if math.prod(wanted) != first.size or min(wanted, default=0) < 0:
        raise ValueError("another number of elements")
    return _reshaped(first, tuple(wanted))


def _reshaped(first: Made, shape: tuple[int, ...]) -> Made:
    values = first.followed
    return Made(shape, first.kind, None if values is None else values.reshape(shape))


def _shape(node: Node, inputs: list[Made | None]) -> Made:
    lengths = _given(inputs, 0).shape
    end = node.attributes.get("end")
    part = slice(_integer(node, "start", 0), end if isinstance(end, int) else None)
    return made(np.array(lengths[part], np.int64))


def _slice(node: Node, inputs: list[Made | None]) -> Made:
    first = _given(inputs, 0)
    starts, ends = (_given(inputs, place).listed("places") for place in (1, 2))
    axes, steps = (
        part.listed("places") if (part := _optional(inputs, place)) is not None else otherwise
        for place, otherwise in ((3, list(range(len(starts)))), (4, [1] * len(starts)))
    )
    parts = [slice(None)] * len(first.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # ONNX reads the far end of a backward slice as Python reads None.
        last = None if step < 0 and end < -first.shape[_axis(axis, len(parts))] else end
        parts[_axis(axis, len(parts))] = slice(start, last, step)
    shape = tuple(len(range(*part.indices(length))) for part, length in zip(parts, first.shape, strict=True))
    values = first.followed
    return Made(shape, first.kind, None if values is None else values[tuple(parts)])


def _squeeze(node: Node, inputs: list[Made | None]) -> Made:
    first, axes = _given(inputs, 0), _optional(inputs, 1)
    gone = (
        {place for place, length in enumerate(first.shape) if length == 1}
        if axes is None
        else {_axis(axis, len(first.shape)) for axis in axes.listed("axes")}
    )
    if any(first.shape[place] != 1 for place in gone):
        raise ValueError("a side that is longer than 1")
    shape = tuple(length for place, length in enumerate(first.shape) if place not in gone)
    return _reshaped(first, shape)


def _unsqueeze(node: Node, inputs: list[Made | None]) -> Made:
    first, axes = _given(inputs, 0), _given(inputs, 1).listed("axes")
    rank = len(first.shape) + len(axes)
    added, rest = {_axis(axis, rank) for axis in axes}, iter(first.shape)
    shape = tuple(1 if place in added else next(rest) for place in range(rank))
    return _reshaped(first, shape)


def _transpose(node: Node, inputs: list[Made | None]) -> Made:
    first = _given(inputs, 0)
    order = _integers(node, "perm", tuple(reversed(range(len(first.shape)))))
    if sorted(order) != list(range(len(first.shape))):
        raise ValueError("no order of the axes")
    values = first.followed
    shape = tuple(first.shape[place] for place in order)
    return Made(shape, first.kind, None if values is None else values.transpose(order))


def _pad(node: Node, inputs: list[Made | None]) -> Made:
    first, pads, axes = _given(inputs, 0), _given(inputs, 1).listed("pads"), _optional(inputs, 3)
    places = list(range(len(first.shape))) if axes is None else axes.listed("axes")
    shape = list(first.shape)
    for before, after, place in zip(pads[: len(places)], pads[len(places) :], places, strict=True):
        shape[_axis(place, len(shape))] += before + after
    return Made(tuple(shape), first.kind)


def _resize(node: Node, inputs: list[Made | None]) -> Made:
    first, scales, sizes = _given(inputs, 0), _optional(inputs, 2), _optional(inputs, 3)
    if "axes" in node.attributes or _text(node, "keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("attributes that no export has")
    if sizes is not None:
        lengths = sizes.listed("sizes")
    elif scales is not None and scales.values is not None:
        lengths = [int(length * scale) for length, scale in zip(first.shape, scales.values.tolist(), strict=True)]
    else:
        raise UnknownError("scales that depend on the pixels")
    if len(lengths) != len(first.shape):
        raise ValueError("another number of sizes")
    return Made(tuple(lengths), first.kind)


def _depth_to_space(node: Node, inputs: list[Made | None]) -> Made:
    n, c, h, w = _given(inputs, 0).shape
    block = _integer(node, "blocksize", 0)
    if block < 1 or c % block**2:
        raise ValueError("channels do not fit the block")
    return Made((n, c // block**2, h * block, w * block), _given(inputs, 0).kind)


def _conv(node: Node, inputs: list[Made | None]) -> Made:
    first, kernel = _given(inputs, 0), _given(inputs, 1)
    n, c = first.shape[:2]
    if len(first.shape) != len(kernel.shape) or kernel.shape[1] * _integer(node, "group", 1) != c:
        raise ValueError("channels do not fit the kernels")
    return Made((n, kernel.shape[0], *_windows(node, first.shape[2:], kernel.shape[2:])), first.kind)


def _max_pool(node: Node, inputs: list[Made | None]) -> Made:
    first = _given(inputs, 0)
    sides = _integers(node, "kernel_shape", ())
    if len(first.shape) != len(sides) + 2 or len(node.outputs) > 1:
        raise ValueError("a window of another rank, or a second output")
    return Made((*first.shape[:2], *_windows(node, first.shape[2:], sides)), first.kind)


def _windows(node: Node, lengths: tuple[int, ...], sides: tuple[int, ...]) -> list[int]:
    """How many windows fit along each axis."""
    rank = len(lengths)
    pads, ones = _integers(node, "pads", (0,) * 2 * rank), (1,) * rank
    strides, dilations = _integers(node, "strides", ones), _integers(node, "dilations", ones)
    if any(min(each, default=1) < least for each, least in ((pads, 0), (strides, 1), (dilations, 1), (sides, 1))):
        raise ValueError("windows that are none")
    automatic, upwards = _text(node, "auto_pad", "NOTSET"), _integer(node, "ceil_mode", 0)
    found = []
    around = zip(lengths, sides, pads[:rank], pads[rank:], strides, dilations, strict=True)
    for length, side, before, after, stride, dilation in around:
        if automatic.startswith("SAME"):
            found.append(-(-length // stride))
            continue
        room = length - dilation * (side - 1) - 1 + (0 if automatic == "VALID" else before + after)
        if room < 0:
            raise ValueError("a window that does not fit")
        found.append((-(-room // stride) if upwards else room // stride) + 1)
    return found


_RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys([*_JOINED, *_COMPARED], _broadcast),
    "Where": _where,
    "Cast": _cast,
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _dequantized,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Concat": _concat,
    "Gather": _gather,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Pad": _pad,
    "Resize": _resize,
    "DepthToSpace": _depth_to_space,
    "Conv": _conv,
    "MaxPool": _max_pool,
}
