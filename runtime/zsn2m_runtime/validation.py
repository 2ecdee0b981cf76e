"""pydantic's errors as messages that say what was expected and what came."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

_LONGEST_SHOWN = 60  # characters; the rest of a value is cut off
# By pydantic's type of error; the names in braces are in the error's context.
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "literal_error": "{expected}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "too_short": "at least {min_length} value(s)",
    "too_long": "at most {max_length} value(s)",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table of fields",
    "model_type": "a table of fields",
    "model_attributes_type": "a table of fields",
    "missing": "a value",
    "extra_forbidden": "no such field",
    "string_pattern_mismatch": "text of the form {pattern}",
}


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The dotted name of the first field with a fault, and what was expected and what came.

    The text of a ValueError from this project's own validators is used as it is.
    """
    fault = error.errors()[0]
    name, context = ".".join(str(part) for part in fault["loc"]), fault.get("ctx", {})
    if fault["type"] in ("value_error", "assertion_error"):
        return name, str(context["error"])
    expected = _EXPECTED.get(fault["type"], "").format(**context) or _plain(fault["msg"])
    got = "none" if fault["type"] == "missing" else _shown(fault["input"])
    return name, f"expected {expected}, but got {got}"


def fault_in_words(error: ValidationError) -> str:
    """The first fault as one sentence, with its field if it has one."""
    return ": ".join(filter(None, first_fault(error)))


def _plain(message: str) -> str:
    return message.removeprefix("Input should be ").removeprefix("Value error, ")


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or endless nesting
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
