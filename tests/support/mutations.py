"""What strangers may make of a file: hypothesis' strategies for changed JSON and changed bytes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

# What people, other programs and attackers write where a value is expected.
ODD_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63), 10**40, 1e-320, 1e300, -1e300, 0.5,
    "", "a", "0", "../x", "x" * 5000, "\x00", "\x1b[31m", "[red]", "\u202e",
    "NaN", [], [[]], {}, {"": []}, [0], [1, 2, 3], ["a"], [None],
]  # fmt: skip


def deep(levels: int) -> list[Any]:
    """Lists in lists."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


json_values = st.one_of(
    st.sampled_from(ODD_VALUES).map(copy.deepcopy),  # as they are changed further
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.integers(1, 100).map(deep),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
)


@st.composite
def changed_json(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """A document with one to three of its values replaced, removed, doubled or added to."""
    document = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        parent, key = draw(st.sampled_from(list(_places(document))))
        action = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add", "double"]))
        if action == "replace":
            parent[key] = draw(json_values)
        elif action == "remove":
            del parent[key]
        elif isinstance(parent, dict):
            parent[draw(st.text(max_size=5))] = draw(json_values)
        elif action == "double":
            parent.append(parent[key])
        if not document:
            return document
    return document


def _places(value: Any, levels: int = 12) -> Any:
    if not levels:  # within what is nested deeply, one place is as good as another
        return
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key], levels - 1)


@dataclass(frozen=True)
class Whole:
    """A file's bytes, which hypothesis shall not print."""

    content: bytes = field(repr=False)


@st.composite
def changed_bytes(draw: st.DrawFn, whole: Whole, head: int = 4096) -> bytes:
    """A file with some bytes replaced, removed or added, most of them near its start or its end; or cut."""
    content = bytearray(whole.content)
    for _ in range(draw(st.integers(1, 4))):
        if not content:
            break
        last = len(content) - 1
        place = draw(
            st.one_of(st.integers(0, min(head, last)), st.integers(max(0, last - head), last), st.integers(0, last))
        )
        action = draw(st.sampled_from(["set", "set", "flip", "insert", "remove", "cut", "copy"]))
        if action == "set":
            content[place] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
        elif action == "flip":
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif action == "insert":
            content[place:place] = draw(st.binary(min_size=1, max_size=12))
        elif action == "remove":
            del content[place : place + draw(st.integers(1, 40))]
        elif action == "cut":
            del content[place:]
        else:
            other = draw(st.integers(0, last))
            content[place:place] = content[other : other + draw(st.integers(1, 60))]
    return bytes(content)
