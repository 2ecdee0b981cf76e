"""Memory and work of a graph, computed from its shapes before anything runs.

The operators that exports hold can still ask for all memory there is (Expand, Resize again and again) or run for hours.
So each step's shape is computed for the frame's size, and a graph that needs far more than a network is refused.
"""

from __future__ import annotations

import math
from typing import NoReturn

from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.onnx_checks.graph import Graph, Node, Port
from zsn2m_runtime.onnx_checks.reading import read_onnx
from zsn2m_runtime.onnx_checks.shapes import shape_of
from zsn2m_runtime.onnx_checks.values import DTYPES, FLOAT, Made, UnknownError, of_file
from zsn2m_runtime.onnx_checks.wire_format import DamagedError

# For each pixel of the frame. SensorNet holds 250 values and takes 190,000 products, GRD-Net 230 and 110,000; measured,
# docs/decisions/bundle-limits.md.
MOST_VALUES = 8_192
MOST_PRODUCTS = 4_000_000
SMALL_FRAME = 64 * 64  # pixels that smaller frames count as: padding outweighs them
SIDES = (61, 67)  # pixels of the frame that a file is checked with when it is opened: multiples of no stride
ANY_CHANNELS = 3  # of that frame, where the file leaves them open
AXES = 4  # (n, c, h, w) or (n, h, w, c)
FRAME_KINDS = (1, 2, 4)  # float32, uint8, uint16


class OnnxLimits:
    """What a model file takes and gives, and the frames that it may run on.

    Attributes:
        input, output: what the model takes and gives
        strength: the input that has a default, one number or a number a pixel; None: there is none
    Raises:
        BundleError: what `read_onnx` refuses; other inputs than these, or not one output, of a type and shape that
            frames have; sizes that depend on pixels; a graph that takes too much.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self._graph = read_onnx(content, name)
        tensors = self._graph.tensors
        self.input = self._only("input", [port for port in self._graph.inputs if port.name not in tensors])
        self.output = self._only("output", self._graph.outputs)
        self.strength = self._map([port for port in self._graph.inputs if port.name in tensors])
        self._last_uses = _last_uses(self._graph)
        self._passed: tuple[int, ...] | None = None
        try:
            self._constants = {name: of_file(tensor) for name, tensor in tensors.items()}
        except UnknownError as error:
            self._graph.refuse(str(error))
        if self.strength:  # the caller's may be another one than the file's
            self._constants[self.strength.name] = Made((1,) * AXES, FLOAT)
        sides = iter(SIDES)
        lengths = self.input.shape
        self.check(
            (lengths[0] or 1, *(next(sides, ANY_CHANNELS) if length is None else length for length in lengths[1:]))
        )

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse frames of a shape that would need too much; the shape of the last call passes without computing.

        Raises:
            BundleError: it would, or frames of this shape do not fit the graph.
        """
        if shape == self._passed:
            return
        if (
            len(shape) != AXES
            or min(shape) < 1
            or any(length not in (None, got) for length, got in zip(self.input.shape, shape, strict=True))
        ):
            self._refuse_on(shape, f"one for frames of shape {self.input.shape}")
        try:
            held, products = self._follow(Made(shape, self.input.kind))
        except (UnknownError, DamagedError) as error:
            self._refuse_on(shape, str(error))
        pixels = max(SMALL_FRAME, math.prod(shape) // min(shape[1], shape[-1]))
        for what, count, most in (("values held", held, MOST_VALUES), ("products", products, MOST_PRODUCTS)):
            if count > most * pixels:
                self._graph.refuse(f"one of {count / pixels:.3g} {what} for each pixel (at most {most:,})")
        self._passed = shape

    def _only(self, what: str, ports: list[Port]) -> Port:
        if len(ports) != 1:
            self._graph.refuse(f"{len(ports)} {what}s")
        (port,) = ports
        if (
            port.kind not in FRAME_KINDS
            or len(port.shape) != AXES
            or any(side is not None and side < 1 for side in port.shape)
        ):
            self._graph.refuse(f"an {what} of element type {DTYPES.get(port.kind, port.kind)} and shape {port.shape}")
        return port

    def _map(self, ports: list[Port]) -> Port | None:
        if ports and [(port.kind, port.shape) for port in ports] != [(FLOAT, (1, 1, None, None))]:
            self._graph.refuse("inputs with a default other than one map")
        return ports[0] if ports else None

    def _refuse_on(self, shape: tuple[int, ...], got: str) -> NoReturn:
        raise BundleError(
            f"{self._graph.name}: expected a graph that denoises frames of shape {shape}, but got {got}; export again"
        )

    def _follow(self, frame: Made) -> tuple[int, int]:
        """The most values held at a time, and the products of all convolutions and pools."""
        there: dict[str, Made | None] = {**self._constants, self.input.name: frame, "": None}
        sizes = {self.input.name: frame.size}  # of what the steps make
        held, most, products = frame.size, frame.size, 0
        for node, last_uses in zip(self._graph.nodes, self._last_uses, strict=True):
            try:
                inputs = [there[name] for name in node.inputs]
            except KeyError as error:
                raise UnknownError(f"a value {error.args[0][:40]!r} that no step makes before") from error
            result = shape_of(node, inputs)
            if min(result.shape, default=0) < 0:
                raise UnknownError(f"sizes below zero, of {node.operator}")
            size = result.size
            for name in node.outputs[:1]:
                if name in there:
                    raise UnknownError(f"two values of the name {name[:40]!r}")
                there[name], sizes[name] = result, size
            held += size
            products += _products(node, inputs, size)
            most = max(most, held)
            for name in last_uses:
                held -= sizes[name]
        result = there.get(self.output.name) or Made((), 0)
        if (result.shape, result.kind) != (frame.shape, self.output.kind):
            raise UnknownError(f"one that gives {DTYPES.get(result.kind)} of shape {result.shape}")
        return most, products


def _last_uses(graph: Graph) -> list[list[str]]:
    """For each node the values that no later one reads; weights are always kept."""
    kept, found = {*(port.name for port in graph.outputs), *graph.tensors}, list[list[str]]()
    for node in reversed(graph.nodes):
        found.append([name for name in dict.fromkeys([*node.inputs, *node.outputs[:1]]) if name and name not in kept])
        kept.update(found[-1])
    return found[::-1]


def _products(node: Node, inputs: list[Made | None], size: int) -> int:
    kernel = inputs[1] if node.operator == "Conv" else None
    if kernel is not None:
        return size * math.prod(kernel.shape[1:])
    window = node.attributes.get("kernel_shape", ()) if node.operator == "MaxPool" else ()
    return size * math.prod(window) if isinstance(window, tuple) else size
