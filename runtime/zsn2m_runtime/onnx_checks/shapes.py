"""The shape of what a step of a graph makes, from what goes in, by the rule of its operator."""

from __future__ import annotations

from zsn2m_runtime.onnx_checks import arithmetic, layout, planes
from zsn2m_runtime.onnx_checks.graph import Node
from zsn2m_runtime.onnx_checks.values import Made, UnknownError

_RULES = arithmetic.RULES | layout.RULES | planes.RULES


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
