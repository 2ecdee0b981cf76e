"""The opset of every ONNX file, and the way to it from the one that torch's exporter writes."""

from __future__ import annotations

import onnx
from onnx import numpy_helper

from zsn2m_export.errors import ExportError

OPSET = 17  # docs/decisions/opset-17.md
IR_VERSION = 8  # it and the opset are read by onnxruntime since 1.12
TRACED_OPSET = 18  # the oldest that torch's exporter writes
# Attributes that opset 18 added, with the values that give what opset 17 does.
_NEW_ATTRIBUTES: dict[str, dict[str, int | bytes]] = {
    "Resize": {"antialias": 0, "keep_aspect_ratio_policy": b"stretch"},
    "ReduceMean": {"noop_with_empty_axes": 0},
}


def lower(model: onnx.ModelProto) -> None:
    """Turn a graph of opset 18 into the same graph of opset 17: a mean gets its axes as an attribute, not an input.

    Of the operators in use only Pad, Resize and ReduceMean changed between the two.

    Raises:
        ExportError: it is of another opset, or does what opset 17 cannot.
    """
    opset = next(entry for entry in model.opset_import if entry.domain == "")
    if opset.version not in (OPSET, TRACED_OPSET):
        raise ExportError(
            f"expected opset {TRACED_OPSET}, but the exporter wrote opset {opset.version}; install the torch and onnx "
            f"of constraints.txt"
        )
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        kept = _without_new(node)
        if node.op_type == "ReduceMean" and len(node.input) > 1 and node.input[1] in weights:
            axes = numpy_helper.to_array(weights[node.input.pop()])
            kept.append(onnx.helper.make_attribute("axes", axes.tolist()))
        node.ClearField("attribute")
        node.attribute.extend(kept)
    used = {name for node in model.graph.node for name in node.input}
    model.graph.ClearField("initializer")
    model.graph.initializer.extend(tensor for name, tensor in weights.items() if name in used)
    opset.version, model.ir_version = OPSET, IR_VERSION


def _without_new(node: onnx.NodeProto) -> list[onnx.AttributeProto]:
    """The attributes that a node had before opset 18."""
    new = _NEW_ATTRIBUTES.get(node.op_type, {})
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.name in new and value != new[attribute.name]:
            raise ExportError(
                f"expected {node.op_type} as opset {OPSET} has it, but the exporter wrote {attribute.name} {value!r}; "
                f"install the torch and onnx of constraints.txt"
            )
    return [attribute for attribute in node.attribute if attribute.name not in new]
