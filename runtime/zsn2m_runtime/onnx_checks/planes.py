"""Rules of what works on planes of pixels: windows, padding, scaling, and 8 bits.

Source: the operators' definitions, onnx/docs/Operators.md, opset 13 to 25.
"""

from __future__ import annotations

import numpy as np

from zsn2m_runtime.onnx_checks.arguments import Rule, attribute, axis_of, given, optional
from zsn2m_runtime.onnx_checks.graph import Node
from zsn2m_runtime.onnx_checks.values import Made, UnknownError


def _quantized(node: Node, inputs: list[Made | None]) -> Made:
    zero = optional(inputs, 2)
    return Made(given(inputs, 0).shape, zero.kind if zero is not None else 2)


def _dequantized(node: Node, inputs: list[Made | None]) -> Made:
    return Made(given(inputs, 0).shape, given(inputs, 1).kind)


def _pad(node: Node, inputs: list[Made | None]) -> Made:
    first, pads, axes = given(inputs, 0), given(inputs, 1).listed("pads"), optional(inputs, 3)
    places = list(range(len(first.shape))) if axes is None else axes.listed("axes")
    shape = list(first.shape)
    for before, after, place in zip(pads[: len(places)], pads[len(places) :], places, strict=True):
        shape[axis_of(place, len(shape))] += before + after
    return Made(tuple(shape), first.kind)


def _resize(node: Node, inputs: list[Made | None]) -> Made:
    first, scales, sizes = given(inputs, 0), optional(inputs, 2), optional(inputs, 3)
    if "axes" in node.attributes or attribute(node, "keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("attributes that no export has")
    if sizes is not None:
        lengths = sizes.listed("sizes")
    elif scales is not None and scales.values is not None:
        if scales.values.shape != (len(first.shape),):
            raise ValueError("another number of scales")
        lengths = [int(length) for length in np.array(first.shape, np.float32) * scales.values]  # rounded as float32 is
    else:
        raise UnknownError("scales that depend on the pixels")
    if len(lengths) != len(first.shape):
        raise ValueError("another number of sizes")
    return Made(tuple(lengths), first.kind)


def _depth_to_space(node: Node, inputs: list[Made | None]) -> Made:
    n, c, h, w = given(inputs, 0).shape
    block = attribute(node, "blocksize", 0)
    if block < 1 or c % block**2:
        raise ValueError("channels do not fit the block")
    return Made((n, c // block**2, h * block, w * block), given(inputs, 0).kind)


def _conv(node: Node, inputs: list[Made | None]) -> Made:
    first, kernel = given(inputs, 0), given(inputs, 1)
    n, c = first.shape[:2]
    if len(first.shape) != len(kernel.shape) or kernel.shape[1] * attribute(node, "group", 1) != c:
        raise ValueError("channels do not fit the kernels")
    return Made((n, kernel.shape[0], *_windows(node, first.shape[2:], kernel.shape[2:])), first.kind)


def _max_pool(node: Node, inputs: list[Made | None]) -> Made:
    first = given(inputs, 0)
    sides = attribute(node, "kernel_shape", ())
    if len(first.shape) != len(sides) + 2 or len(node.outputs) > 1:
        raise ValueError("a window of another rank, or a second output")
    return Made((*first.shape[:2], *_windows(node, first.shape[2:], sides)), first.kind)


def _windows(node: Node, lengths: tuple[int, ...], sides: tuple[int, ...]) -> list[int]:
    """How many windows fit along each axis."""
    rank = len(lengths)
    pads, ones = attribute(node, "pads", (0,) * 2 * rank), (1,) * rank
    strides, dilations = attribute(node, "strides", ones), attribute(node, "dilations", ones)
    if min(pads, default=0) < 0 or min(strides + dilations + sides, default=1) < 1:
        raise ValueError("windows that are none")
    automatic, upwards = attribute(node, "auto_pad", "NOTSET"), attribute(node, "ceil_mode", 0)
    found = []
    around = zip(lengths, sides, pads[:rank], pads[rank:], strides, dilations, strict=True)
    for length, side, before, after, stride, dilation in around:
        if automatic.startswith("SAME"):
            found.append(-(-length // stride))
            continue
        room = length - dilation * (side - 1) - 1 + (0 if automatic == "VALID" else before + after)
        if room < 0:
            raise ValueError("a window that does not fit")
        count = (-(-room // stride) if upwards else room // stride) + 1
        found.append(count - (upwards and (count - 1) * stride >= length + before))  # none begins in the padding behind
    return found


RULES: dict[str, Rule] = {
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _dequantized,
    "Pad": _pad,
    "Resize": _resize,
    "DepthToSpace": _depth_to_space,
    "Conv": _conv,
    "MaxPool": _max_pool,
}
