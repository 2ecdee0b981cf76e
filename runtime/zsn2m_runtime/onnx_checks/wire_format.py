"""Protobuf's wire format, read only: the fields of a message, without the package that compiles its definition.

Source: protobuf's encoding guide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
_FIXED_LENGTHS = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 70  # bits: ten bytes of seven, as protobuf has it
_MOST_KEY = 1 << 32  # readers in C++ drop the bits beyond, and would read another field
_SIGN, _WRAP = 1 << 63, 1 << 64

# A part of a file: text, a message or a packed list. Of bytes the parts are copies, which are read faster; of a view
# they are views, so that large ones are not copied.
Message = bytes | memoryview
Value = int | Message


class DamagedError(Exception):
    """The bytes are no message."""


def fields(message: Message) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message: a whole number, or bytes.

    Raises:
        DamagedError: it is no message.
    """
    position, end = 0, len(message)
    try:
        while position < end:
            key = message[position]
            position += 1
            if key >= 0x80:
                key, position = _varint(message, position - 1)
                if key >= _MOST_KEY:
                    raise DamagedError("a field's number is too long")
            kind = key & 7
            if kind in (BYTES, VARINT):
                length = message[position]
                position += 1
                if length >= 0x80:
                    length, position = _varint(message, position - 1)
                if kind == VARINT:
                    yield key >> 3, length
                    continue
            elif kind in _FIXED_LENGTHS:
                length = _FIXED_LENGTHS[kind]
            else:
                raise DamagedError(f"wire type {kind}")
            start, position = position, position + length
            if position > end:
                raise DamagedError("it ends too early")
            yield key >> 3, message[start:position]
    except IndexError as error:
        raise DamagedError("it ends too early") from error


def message(value: Value) -> Message:
    """A field's value as what must be bytes.

    Raises:
        DamagedError: it is a number.
    """
    if isinstance(value, int):
        raise DamagedError("a number where a message belongs")
    return value


def text(value: Value) -> str:
    """A field's value as what must be UTF-8.

    Raises:
        DamagedError: it is none.
    """
    try:
        return str(value, "utf-8")  # type: ignore[arg-type]
    except (TypeError, UnicodeDecodeError) as error:
        raise DamagedError("text that is no UTF-8") from error


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
    found, position = [], 0
    try:
        while position < len(value):
            one, position = _varint(value, position)
            found.append(number(one))
    except IndexError as error:
        raise DamagedError("it ends too early") from error
    return found


def real(value: Value) -> float:
    """A field's value as a float of 32 bits.

    Raises:
        DamagedError: it is none.
    """
    raw = message(value)
    if len(raw) != _FIXED_LENGTHS[FIXED32]:
        raise DamagedError("a float of another size")
    return float(struct.unpack("<f", raw)[0])


def _varint(content: Message, position: int) -> tuple[int, int]:
    """A whole number and where the next field begins.

    Raises:
        IndexError: the bytes end within it.
        DamagedError: it has more bits than there are.
    """
    value = shift = 0
    while shift < _LONGEST_VARINT:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise DamagedError("a number is too long")
