"""Shapes, element types and - of small whole numbers - values of what the steps of an ONNX graph make."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.onnx_checks.graph import FEW, Tensor
from zsn2m_runtime.onnx_checks.wire_format import Value, message, number, numbers, real

BOOL, INT32, INT64, FLOAT = 9, 6, 7, 1  # onnx's numbers of element types
DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64",
}  # fmt: skip
FOLLOWED = (BOOL, INT32, INT64)  # exact in whole numbers; floats only as they stand in the file

Values = npt.NDArray[Any]


class UnknownError(Exception):
    """A graph that cannot be followed: the message says what got in the way."""


@dataclass(slots=True)  # not frozen, which would take three times as long to make
class Made:
    """What a step makes, before it is made."""

    shape: tuple[int, ...]
    kind: int
    known: Values | Tensor | None = None  # None: too many, or they depend on pixels

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def is_whole(self) -> bool:
        """Whether elements are whole numbers, which a processor cannot divide by zero."""
        return not DTYPES[self.kind].startswith("float")

    @property
    def values(self) -> Values | None:
        """What is known of the values: few whole numbers, or what stands in the file.

        Raises:
            UnknownError: the file holds another number of values than its shape says.
        """
        if not isinstance(self.known, Tensor):
            return self.known
        values = _decoded(self.known)
        if values.size != self.size:
            raise UnknownError(f"a tensor of shape {self.shape} with {values.size} values")
        self.known = values.reshape(self.shape)
        return self.known

    @property
    def followed(self) -> Values | None:
        """The values that the steps are followed with: whole numbers, which are exact."""
        return self.values if self.kind in FOLLOWED else None

    def listed(self, what: str) -> list[int]:
        """The values as a flat list of whole numbers.

        Raises:
            UnknownError: they depend on pixels, or are no whole numbers.
        """
        values = self.followed
        if values is None:
            raise UnknownError(f"{what} that depend on the pixels")
        return [int(value) for value in values.ravel()]


def made(values: Values) -> Made:
    """Known values."""
    kind = {"bool": BOOL, "int32": INT32, "int64": INT64, "float32": FLOAT}[values.dtype.name]
    return Made(values.shape, kind, values if values.size <= FEW else None)


def of_file(tensor: Tensor) -> Made:
    """A tensor of the file; its values where they are few.

    Raises:
        UnknownError: an element type that no export has.
    """
    if tensor.kind not in DTYPES:
        raise UnknownError(f"a tensor of element type {tensor.kind}")
    few = tensor.is_few and tensor.kind in (*FOLLOWED, FLOAT)
    return Made(tensor.shape, tensor.kind, tensor if few else None)


def _decoded(tensor: Tensor) -> Values:
    dtype = np.dtype(DTYPES[tensor.kind])
    for place, parts in tensor.data.items():
        if place == "raw_data":
            raw = message(parts[-1])
            if len(raw) % dtype.itemsize:
                raise UnknownError("a tensor whose bytes are cut")
            return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)
        if place in ("int32_data", "int64_data"):
            return np.array([one for part in parts for one in numbers(part)], np.int64).astype(dtype)
        if place == "float_data":
            return np.array([one for part in parts for one in _reals(part)], dtype)
    return np.empty(0, dtype)


def _reals(part: Value) -> list[float]:
    if isinstance(part, int):
        return [float(number(part))]
    step = 4
    return [real(part[at : at + step]) for at in range(0, len(part), step)]
