"""Rules of what moves values without changing them: sides, order, parts; and of Shape, which tells them.

Source: the operators' definitions, onnx/docs/Operators.md, opset 13 to 25.
"""

from __future__ import annotations

import math

import numpy as np

from zsn2m_runtime.onnx_checks.arguments import Rule, all_followed, attribute, axis_of, given, optional
from zsn2m_runtime.onnx_checks.graph import FEW, Node
from zsn2m_runtime.onnx_checks.values import Made, made


def _concat(node: Node, inputs: list[Made | None]) -> Made:
    parts = [given(inputs, place) for place in range(len(inputs))]
    axis = axis_of(attribute(node, "axis", 0), len(parts[0].shape))
    around = {part.shape[:axis] + part.shape[axis + 1 :] for part in parts}
    if len(around) > 1:
        raise ValueError("shapes do not fit")
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    values = [] if math.prod(shape) > FEW else all_followed(parts)
    return Made(tuple(shape), parts[0].kind, np.concatenate(values, axis) if values else None)


def _gather(node: Node, inputs: list[Made | None]) -> Made:
    data, places = given(inputs, 0), given(inputs, 1)
    axis = axis_of(attribute(node, "axis", 0), len(data.shape))
    shape = data.shape[:axis] + places.shape + data.shape[axis + 1 :]
    values = [] if math.prod(shape) > FEW else all_followed([data, places])
    return Made(shape, data.kind, np.take(values[0], values[1], axis) if values else None)


def _reshape(node: Node, inputs: list[Made | None]) -> Made:
    first, wanted = given(inputs, 0), given(inputs, 1).listed("sizes")
    if attribute(node, "allowzero", 0) == 0:
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
    lengths = given(inputs, 0).shape
    end = node.attributes.get("end")
    part = slice(attribute(node, "start", 0), end if isinstance(end, int) else None)
    return made(np.array(lengths[part], np.int64))


def _slice(node: Node, inputs: list[Made | None]) -> Made:
    first = given(inputs, 0)
    starts, ends = (given(inputs, place).listed("places") for place in (1, 2))
    axes, steps = (
        part.listed("places") if (part := optional(inputs, place)) is not None else otherwise
        for place, otherwise in ((3, list(range(len(starts)))), (4, [1] * len(starts)))
    )
    parts = [slice(None)] * len(first.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = axis_of(axis, len(parts))
        if step < 0:  # ONNX reads what lies before the front as the front, and as an end as what lies beyond it
            before = -first.shape[place]
            parts[place] = slice(0 if start < before else start, None if end < before else end, step)
        else:
            parts[place] = slice(start, end, step)
    shape = tuple(len(range(*part.indices(length))) for part, length in zip(parts, first.shape, strict=True))
    values = first.followed
    return Made(shape, first.kind, None if values is None else values[tuple(parts)])


def _squeeze(node: Node, inputs: list[Made | None]) -> Made:
    first, axes = given(inputs, 0), optional(inputs, 1)
    gone = (
        {place for place, length in enumerate(first.shape) if length == 1}
        if axes is None
        else {axis_of(axis, len(first.shape)) for axis in axes.listed("axes")}
    )
    if any(first.shape[place] != 1 for place in gone):
        raise ValueError("a side that is longer than 1")
    shape = tuple(length for place, length in enumerate(first.shape) if place not in gone)
    return _reshaped(first, shape)


def _unsqueeze(node: Node, inputs: list[Made | None]) -> Made:
    first, axes = given(inputs, 0), given(inputs, 1).listed("axes")
    rank = len(first.shape) + len(axes)
    added, rest = {axis_of(axis, rank) for axis in axes}, iter(first.shape)
    shape = tuple(1 if place in added else next(rest) for place in range(rank))
    return _reshaped(first, shape)


def _transpose(node: Node, inputs: list[Made | None]) -> Made:
    first = given(inputs, 0)
    order = attribute(node, "perm", tuple(reversed(range(len(first.shape)))))
    if sorted(order) != list(range(len(first.shape))):
        raise ValueError("no order of the axes")
    values = first.followed
    shape = tuple(first.shape[place] for place in order)
    return Made(shape, first.kind, None if values is None else values.transpose(order))


RULES: dict[str, Rule] = {
    "Concat": _concat,
    "Gather": _gather,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
}
