"""What a step is given: its inputs and attributes, as the rules of the operators read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from zsn2m_runtime.onnx_checks.graph import Node
from zsn2m_runtime.onnx_checks.values import Made, Values

Kind = TypeVar("Kind", int, str, tuple[int, ...])
Rule = Callable[[Node, list[Made | None]], Made]


def given(inputs: list[Made | None], place: int) -> Made:
    """An input that must be there.

    Raises:
        ValueError: it is left out.
    """
    found = inputs[place]
    if found is None:
        raise ValueError("an input is missing")
    return found


def optional(inputs: list[Made | None], place: int) -> Made | None:
    """An input, None where it is left out."""
    return inputs[place] if place < len(inputs) else None


def attribute(node: Node, name: str, otherwise: Kind) -> Kind:
    """An attribute of the type of the value that it has where it is left out.

    Raises:
        ValueError: it is of another.
    """
    value = node.attributes.get(name, otherwise)
    if not isinstance(value, type(otherwise)):
        raise ValueError(f"{name} is no {type(otherwise).__name__}")
    return value


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front.

    Raises:
        ValueError: there is none of the number.
    """
    if not -rank <= axis < rank:
        raise ValueError("an axis that is not there")
    return axis % rank


def joined(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that several broadcast to.

    Raises:
        ValueError: they do not fit.
    """
    if shapes.count(shapes[0]) == len(shapes):  # nearly always
        return shapes[0]
    rank = max(map(len, shapes))
    filled = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    lengths = []
    for along in zip(*filled, strict=True):
        others = {length for length in along if length != 1}
        if len(others) > 1:
            raise ValueError("shapes do not fit")
        lengths.append(others.pop() if others else 1)
    return tuple(lengths)


def all_followed(parts: Sequence[Made]) -> list[Values]:
    """The values of each; empty where those of one are not known."""
    found = []
    for part in parts:
        if (values := part.followed) is None:
            return []
        found.append(values)
    return found
