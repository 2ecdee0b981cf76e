"""What a step is given: its inputs and attributes, as the rules of the operators read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zsn2m_runtime.onnx_checks.graph import Attribute, Node
from zsn2m_runtime.onnx_checks.values import Made, Values

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


def integer(node: Node, name: str, otherwise: int) -> int:
    """An attribute that is a whole number.

    Raises:
        ValueError: it is something else.
    """
    value = node.attributes.get(name, otherwise)
    if not isinstance(value, int):
        raise ValueError(f"{name} is no whole number")
    return value


def integers(node: Node, name: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    """An attribute that is a list of whole numbers.

    Raises:
        ValueError: it is something else.
    """
    value: Attribute = node.attributes.get(name, otherwise)
    if not isinstance(value, tuple):
        raise ValueError(f"{name} is no list")
    return value


def text(node: Node, name: str, otherwise: str) -> str:
    """An attribute that is text.

    Raises:
        ValueError: it is something else.
    """
    value = node.attributes.get(name, otherwise)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
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
