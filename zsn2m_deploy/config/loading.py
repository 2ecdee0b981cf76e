"""The configuration of a training: a preset of a method, a file over it, options over both."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from zsn2m_deploy.config.tables import read_toml
from zsn2m_deploy.config.training import STAGES, Method, Preset, TrainConfig
from zsn2m_runtime.errors import UsageError


def load_config(path: Path | None, preset: str | None = None, method: str | None = None, **options: Any) -> TrainConfig:
    """A preset of a method, then a TOML file over it, then options that are not None over both.

    Raises:
        UsageError: file missing or no TOML, unknown field, value out of range, a name of former versions.
    """
    values = read_toml(path) if path is not None else {}
    source = str(path or "options")
    for given in (values, {"stage": options.pop("stage", None), "preset": preset}):
        _refuse_former_names(source, given)
    chosen: dict[str, Any] = {
        "preset": _one_of(Preset, "presets", preset or values.get("preset", "default"), source),
        "method": _one_of(Method, "methods", method or values.get("method", "adapt"), source),
    }
    config = TrainConfig.from_preset(**chosen).updated(values | chosen, source)
    return config.updated({name: value for name, value in options.items() if value is not None})


def _refuse_former_names(source: str, values: dict[str, Any]) -> None:
    """Refuse what had another name before, with the one that it has now."""
    stage = values.get("stage")
    if stage is not None:
        now = next((method for method, its in STAGES.items() if its == stage), "adapt, mbd, full or paper")
        raise UsageError(f"{source}: expected method {now}, but got stage {stage!r}, its former name; change it")
    if values.get("preset") == "paper":
        raise UsageError(f"{source}: expected method paper, but got preset paper, its former name; change it")


def _one_of(kind: Any, plural: str, value: Any, source: str) -> Any:
    if value not in get_args(kind):
        expected = ", ".join(get_args(kind))
        raise UsageError(f"{source}: expected one of the {plural} {expected}, but got {value!r}; choose one")
    return value
