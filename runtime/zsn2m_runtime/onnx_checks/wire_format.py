"""Protobuf's wire format, read only: the fields of a message, without the package that compiles its definition.

Source: protobuf's encoding guide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_FIXED_LENGTHS = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 70  # bits
_SIGN, _WRAP = 1 << 63, 1 << 64


class DamagedError(Exception):
    """The bytes are no message."""


@dataclass(slots=True)  # not frozen, which would take three times as long to make
class Span:
    """A part of a file: text, a message or a packed list, where it lies. Nothing is copied."""

    content: bytes
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def raw(self) -> bytes:
        """The bytes themselves."""
        return self.content[self.start : self.end]

    def text(self) -> str:
        """As UTF-8.

        Raises:
            DamagedError: it is none.
        """
        try:
            return self.content[self.start : self.end].decode()
        except UnicodeDecodeError as error:
            raise DamagedError("text that is no UTF-8") from error


Value = int | Span


def fields(message: Span) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message: a whole number, or where its bytes lie.

    Raises:
        DamagedError: it is no message.
    """
    content, position, end = message.content, message.start, message.end
    while position < end:
        key = content[position]
        position += 1
        if key >= 0x80:
            key, position = _varint(content, position - 1, end)
        kind = key & 7
        if kind in (BYTES, VARINT):
            if position >= end:
                raise DamagedError("it ends too early")
            value = content[position]
            position += 1
            if value >= 0x80:
                value, position = _varint(content, position - 1, end)
            if kind == VARINT:
                yield key >> 3, value
                continue
            length = value
        elif kind in _FIXED_LENGTHS:
            length = _FIXED_LENGTHS[kind]
        else:
            raise DamagedError(f"wire type {kind}")
        if position + length > end:
            raise DamagedError("it ends too early")
        yield key >> 3, Span(content, position, position + length)
        position += length


def span(value: Value) -> Span:
    """A field's value as what must be bytes.

    Raises:
        DamagedError: it is a number.
    """
    if isinstance(value, int):
        raise DamagedError("a number where a message belongs")
    return value


def number(value: Value) -> int:
    """A field's value as what must be a whole number with a sign.

    Raises:
        DamagedError: it is bytes.
    """
    if not isinstance(value, int):
        raise DamagedError("bytes where a number belongs")
    value %= _WRAP
    return value - _WRAP if value >= _SIGN else value


def numbers(value: Value) -> list[int]:
    """The whole numbers of one field of a list: one, or several packed.

    Raises:
        DamagedError: the list is damaged.
    """
    if isinstance(value, int):
        return [number(value)]
    found, position = [], value.start
    while position < value.end:
        one, position = _varint(value.content, position, value.end)
        found.append(number(one))
    return found


def real(value: Value) -> float:
    """A field's value as a float of 32 bits.

    Raises:
        DamagedError: it is none.
    """
    raw = span(value).raw()
    if len(raw) != _FIXED_LENGTHS[FIXED32]:
        raise DamagedError("a float of another size")
    return float(struct.unpack("<f", raw)[0])


def _varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while shift < _LONGEST_VARINT:
        if position >= end:
            raise DamagedError("it ends too early")
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise DamagedError("a number is too long")
