"""docs/api.md, from the docstrings of what `import zsn2m_deploy` offers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import zsn2m_deploy
from zsn2m_deploy.config.networks import GrdConfig, MbdConfig, ScheduleConfig, SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_runtime import errors

HEAD = """# Python

Made by `python -m scripts.docs` from the docstrings. `import zsn2m_deploy as zsn2m` gives the names below; they load on
first use, so that inference never loads torch. Frames are `(h, w)` grey or `(h, w, 3)` RGB arrays in the sensor's own
values.
"""
NOTHING = (inspect.Signature.empty, None, "None")
CONFIGURATIONS = (TrainConfig, SensorConfig, MbdConfig, GrdConfig, ScheduleConfig)


def page() -> str:
    """The text of the page."""
    names = [_entry(name, getattr(zsn2m_deploy, name)) for name in zsn2m_deploy.__all__ if name != "Zsn2mError"]
    return "\n".join([HEAD, *names, _errors(), _fields()])


def _entry(name: str, value: Any) -> str:
    kind = "class " if inspect.isclass(value) else ""
    parts = [f"## {name}\n"]
    if not (inspect.isclass(value) and issubclass(value, BaseModel)):
        parts.append(f"```python\n{kind}{name}{_signature(value)}\n```\n")
    parts.append(f"```text\n{inspect.getdoc(value)}\n```\n")
    if inspect.isclass(value) and not issubclass(value, BaseModel):
        parts += [f"### {name}.{method}\n\n{_method(found)}" for method, found in _methods(value)]
    return "\n".join(parts)


def _methods(value: type) -> Iterator[tuple[str, Any]]:
    for name, found in vars(value).items():
        if inspect.isfunction(found) and (name == "__call__" or not name.startswith("_")):
            yield name, found


def _method(found: Any) -> str:
    return f"```python\n{_signature(found)}\n```\n\n```text\n{inspect.getdoc(found)}\n```\n"


def _signature(value: Any) -> str:
    signature = inspect.signature(value)
    parameters = [part for part in signature.parameters.values() if part.name != "self"]
    lines = "".join(f"\n    {_parameter(part)}," for part in parameters)
    returned = "" if signature.return_annotation in NOTHING else f" -> {_plain(signature.return_annotation)}"
    return f"({lines}\n){returned}" if lines else f"(){returned}"


def _parameter(part: inspect.Parameter) -> str:
    stars = "**" if part.kind is inspect.Parameter.VAR_KEYWORD else ""
    default = "" if part.default is inspect.Parameter.empty else f" = {part.default!r}"
    return f"{stars}{part.name}: {_plain(part.annotation)}{default}"


def _plain(annotation: Any) -> str:
    return str(annotation).strip("'")


def _errors() -> str:
    found = [
        value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, errors.Zsn2mError)
    ]
    rows = [f"| `{value.__name__}` | {value.exit_code} | {_line(inspect.getdoc(value))} |" for value in found]
    return "\n".join(
        [
            "## Errors\n",
            "All are `Zsn2mError`s, in `zsn2m_runtime.errors`. The message says what was expected, what came, and what",
            "to do; the command line ends with the exit code.\n",
            "| class | exit code | |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _fields() -> str:
    parts = ["## Configuration\n", "The fields of `TrainConfig` and its parts, for `--config FILE` and from Python.\n"]
    for model in CONFIGURATIONS:
        rows = [
            f"| `{name}` | {_default(info)} | {_line(info.description)} |" for name, info in model.model_fields.items()
        ]
        parts += [f"### {model.__name__}\n", "| field | default | |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(parts)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        choices = [str(choice) for choice in get_args(info.annotation) if isinstance(choice, str)]
        return " ".join(choices)
    value = info.get_default(call_default_factory=True, validated_data={})
    return "below" if isinstance(value, BaseModel) else f"`{value!r}`"


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
