"""Nested dictionaries of the configuration: read from TOML, laid over one another, with names that exist."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zsn2m_runtime.errors import UsageError

MOST_BYTES = 1 << 20  # every field with its description takes some 10 kB


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UsageError: file missing, not to be read, longer than MOST_BYTES, or no TOML.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)  # of a device, too
        if len(content) > MOST_BYTES:
            raise UsageError(
                f"{path}: expected a TOML configuration of at most {MOST_BYTES >> 20} MB, but got a larger file; check "
                f"the path"
            )
        return tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: expected a TOML configuration, but there is none; check the path") from error
    except RecursionError as error:
        raise UsageError(f"{path}: expected a TOML configuration file, but it is nested too deeply; mend it") from error
    except (ValueError, OSError) as error:  # among them TOML and UTF-8 that is none, and numbers of 5000 digits
        raise UsageError(f"{path}: expected a TOML configuration file, but {error}; mend it") from error


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` in the place of its own, tables within tables."""
    result = dict(base)
    for name, value in over.items():
        nested = isinstance(value, dict) and isinstance(base.get(name), dict)
        result[name] = merged(base[name], value) if nested else value
    return result


def check_names(model: type[BaseModel], values: dict[str, Any], source: str, prefix: str = "") -> None:
    """Refuse fields that a model does not have.

    Raises:
        UsageError: naming the nearest valid one.
    """
    for name, value in values.items():
        if name not in model.model_fields:
            near = difflib.get_close_matches(str(name), model.model_fields, n=1, cutoff=0.0)[0]
            raise UsageError(f"{source}: unknown field {prefix + str(name)!r}; did you mean {prefix + near!r}?")
        nested = model.model_fields[name].annotation
        if isinstance(value, dict) and isinstance(nested, type) and issubclass(nested, BaseModel):
            check_names(nested, value, source, f"{prefix}{name}.")
