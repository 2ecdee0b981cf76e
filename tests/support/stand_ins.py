"""An onnxruntime and an installation that are what a test says, for providers and packages that are not here."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
STRICT = "session.disable_cpu_ep_fallback"
RECORDING = "session.record_ep_graph_assignment_info"
SIZE_NODE, UNNAMED, PIXEL_NODE = "node_mod", "", "node_conv"  # the last stays once sizes are fixed, others vanish
REFUSAL = "nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled"


class Options:
    """SessionOptions that can be looked at."""

    def __init__(self) -> None:
        self.enable_mem_pattern = True
        self.entries: dict[str, str] = {}
        self.sizes: dict[str, int] = {}

    def add_session_config_entry(self, name: str, value: str) -> None:
        self.entries[name] = value

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        self.sizes[name] = size


@dataclass
class Opened:
    """How a session was asked for."""

    provider: str
    passed: dict[str, str]
    options: Any
    falls_back: list[str]  # when onnxruntime would go on with the CPU


@dataclass
class StandInRuntime:
    """An onnxruntime: what it was built with, what does not start, and which nodes providers leave to the CPU.

    `absent` providers are left out silently, as onnxruntime does it; `failing` ones raise.
    """

    compiled: tuple[str, ...] = (CUDA, CPU)
    absent: tuple[str, ...] = ()
    failing: dict[str, str] = field(default_factory=dict)
    left_to_cpu: tuple[str, ...] = ()
    gain: float = 2.0  # of every model
    opened: list[Opened] = field(default_factory=list)

    SessionOptions = Options

    def get_available_providers(self) -> list[str]:
        return list(self.compiled)

    def InferenceSession(  # noqa: N802 - onnxruntime's name
        self, model: str | bytes, options: Options, providers: list[tuple[str, dict[str, str]]], enable_fallback: int
    ) -> StandInSession:
        [(name, passed)] = providers
        self.opened.append(Opened(name, passed, options, ["start", "run"] * bool(enable_fallback)))
        return StandInSession(self, name, options)


class StandInSession:
    """A session of it."""

    def __init__(self, runtime: StandInRuntime, name: str, options: Options) -> None:
        if name in runtime.failing:
            raise RuntimeError(runtime.failing[name])
        self.active = [CPU] if name in (CPU, *runtime.absent) else [name, CPU]
        self.on_cpu = (SIZE_NODE, UNNAMED, PIXEL_NODE) if self.active == [CPU] else runtime.left_to_cpu
        if self.on_cpu and options.entries.get(STRICT) == "1":
            raise RuntimeError(REFUSAL)
        self.gain, self.options = runtime.gain, options

    def get_providers(self) -> list[str]:
        return self.active

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        assert self.options.entries.get(RECORDING) == "1"
        names = [name for name in self.on_cpu if name == PIXEL_NODE or not self.options.sizes]
        nodes = [SimpleNamespace(name=name, op_type=name.removeprefix("node_").title()) for name in names]
        return [SimpleNamespace(ep_name=CPU, get_nodes=lambda: nodes)]

    def get_modelmeta(self) -> SimpleNamespace:
        return SimpleNamespace(custom_metadata_map={})

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="noisy", shape=["n", 3, "h", "w"])]

    get_outputs = get_inputs

    def run(self, names: list[str] | None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [frame * np.float32(self.gain) for frame in given.values()]


def install(monkeypatch: pytest.MonkeyPatch, *names: str, version: str = "9.8.7") -> None:
    """Make importlib.metadata see these distributions and no others."""

    def version_of(name: str) -> str:
        if name in names:
            return version
        raise importlib.metadata.PackageNotFoundError(name)

    found = [SimpleNamespace(name=name, version=version) for name in names]
    monkeypatch.setattr(importlib.metadata, "version", version_of)
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: found)
