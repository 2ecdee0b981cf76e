"""What is read of an ONNX file: the steps of its graph, and what the shapes of their results depend on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NoReturn

from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.onnx_checks.wire_format import Message, Value

FEW = 64  # values, at most, of a tensor whose values are kept: sizes, pads, axes; exports have at most 16


@dataclass
class Tensor:
    """A tensor of the file: its name, its shape, and its values where they are few."""

    name: str = ""
    shape: tuple[int, ...] = ()
    kind: int = 0  # onnx's number of the element type
    data: dict[str, list[Value]] = field(default_factory=dict)

    @property
    def is_few(self) -> bool:
        """Whether its values are kept."""
        return math.prod(self.shape) <= FEW


Attribute = int | float | str | tuple[int, ...] | Tensor


@dataclass
class Node:
    """One step of a graph."""

    operator: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, Attribute] = field(default_factory=dict)


@dataclass
class Port:
    """What a graph takes or gives; a length of None is any."""

    name: str = ""
    kind: int = 0
    shape: tuple[int | None, ...] = ()


@dataclass
class Graph:
    """The graph of a model, as far as its steps and the shapes of what they make depend on it."""

    name: str
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    attributes: dict[Message, tuple[str, Attribute]] = field(default_factory=dict)  # most repeat: each is read once

    def refuse(self, got: str) -> NoReturn:
        """Raise a BundleError that says what no export holds."""
        raise BundleError(
            f"{self.name}: expected a plain model as zsn2m-deploy exports it, but got {got}; do not run it, export it "
            f"again"
        )
