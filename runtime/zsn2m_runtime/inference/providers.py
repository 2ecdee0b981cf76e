"""The execution providers of onnxruntime: their names, their options, and the proof that one really runs a model."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from zsn2m_runtime.errors import BundleError, UnavailableError, UsageError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
AUTO_ORDER = ("cuda", "cpu")  # what "auto" tries; the others run by name only (docs/providers.md)

# The providers on which several threads may call one session, and memory patterns stay on, as onnxruntime promises it.
# Its page on DirectML allows neither: onnxruntime.ai/docs/execution-providers/DirectML-ExecutionProvider.html; Core ML
# never ran here. A provider that is not listed gets one call at a time: slower at worst.
CONCURRENT = frozenset({"cpu", "cuda", "tensorrt", "openvino"})

# Options unless the user gives others: the providers' own defaults may be TF32 and fp16, which are less than float32.
ACCURATE = {"cuda": {"use_tf32": "0"}, "openvino": {"precision": "ACCURACY"}}

MOST_THREADS = 1024  # more than any machine has cores; 100,000 took minutes to start
_RECORD_NODES = "session.record_ep_graph_assignment_info"
_FATAL = 4  # onnxruntime's log severity; its errors come as exceptions, which are reported here
_SIDE = 61  # pixels, a multiple of no stride: padding and cropping stay in the graph

# One 1 x 1 convolution of weight 2 over (1, 1, 4, 4): onnx.helper.make_node("Conv", ["x", "w"], ["y"], name="conv"),
# opset 18, IR 10, serialised. The runtime has no onnx to make it.
_PROBE = (
    b'\x08\n:m\n\x15\n\x01x\n\x01w\x12\x01y\x1a\x04conv"\x04Conv\x12\x05probe*\x13\x08\x01\x08\x01\x08\x01\x08\x01'
    b"\x10\x01B\x01wJ\x04\x00\x00\x00@Z\x1b\n\x01x\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02"
    b"\x08\x04\n\x02\x08\x04b\x1b\n\x01y\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x04\n"
    b"\x02\x08\x04B\x04\n\x00\x10\x12"
)


@dataclass(frozen=True)
class Provider:
    """A provider by its short name, and the options that go through to it."""

    name: str
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Threads:
    """Of the CPU: how many (0: one per core), and whether they wait busily for more work.

    Raises:
        UsageError: for more than any machine has.
    """

    count: int = 0
    spinning: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.count <= MOST_THREADS:
            raise UsageError(f"expected threads from 1 to {MOST_THREADS}, or 0 for one per core, but got {self.count}")


def parse_provider(text: str) -> tuple[Provider, ...]:
    """The providers to try, in order, from `NAME[:option=value[,option=value...]]`; several for `auto`.

    A comma belongs to the value unless `option=` follows it.

    Raises:
        UsageError: unknown name, an option without a value, options where none are taken.
    """
    name, colon, listed = text.partition(":")
    if name != "auto" and name not in PROVIDERS:
        raise UsageError(f"expected provider auto, {', '.join(PROVIDERS)}, but got {name!r}")
    options: dict[str, str] = {}
    for item in re.split(r",(?=\w+=)", listed) if colon else ():
        option, _, value = item.partition("=")
        if not option or not value:
            raise UsageError(f"expected --provider {name}:option=value[,option=value...], but got {text!r}")
        options[option] = value
    if options and name in ("auto", "cpu"):
        raise UsageError(f"expected no options for provider {name}, but got {listed!r}; name another, as cuda:{listed}")
    return tuple(map(Provider, AUTO_ORDER)) if name == "auto" else (Provider(name, options),)


def open_first(
    runtime: ModuleType, model: bytes, name: str, candidates: tuple[Provider, ...], threads: Threads
) -> tuple[str, Any]:
    """The short name and the session of the first candidate that really runs the model; `name`: the file's.

    Raises:
        UnavailableError: none does; with the reason of each.
        BundleError: the file is no model that onnxruntime can load.
    """
    available = runtime.get_available_providers()
    reasons = []
    for provider in candidates:
        if PROVIDERS[provider.name] not in available:
            reasons.append(f"{provider.name}: not in this onnxruntime ({', '.join(available)})")
            continue
        try:
            return provider.name, open_proven(runtime, model, provider, threads)
        except UnavailableError as error:
            if provider.name == "cpu":
                raise BundleError(f"{name}: expected an ONNX model, but {error}; export again") from error
            reasons.append(f"{provider.name}: {error}")
    raise UnavailableError(
        f"expected provider {' or '.join(provider.name for provider in candidates)}, but it does not run here "
        f"({'; '.join(reasons)}); use --provider cpu, or see: zsn2m-deploy doctor"
    )


def open_proven(runtime: ModuleType, model: bytes, provider: Provider, threads: Threads) -> Any:
    """A session of onnxruntime in which every node that works on pixels runs on the provider.

    Raises:
        UnavailableError: why it does not.
    """
    if provider.name == "cpu":
        return _open(runtime, model, provider, _session_options(runtime, threads))
    said = _load_cuda(runtime) if provider.name in ("cuda", "tensorrt") else ""
    strict = _session_options(runtime, threads, "session.disable_cpu_ep_fallback")
    try:
        session = _open(runtime, model, provider, strict)
        _require_active(session, provider, said)
    except UnavailableError as refusal:
        recording = _session_options(runtime, threads, _RECORD_NODES)
        session = _open(runtime, model, provider, recording)
        _require_active(session, provider, said)
        strays = _pixel_nodes_on_cpu(runtime, model, session)
        if strays:
            listed = f"{', '.join(strays[:3])}{', ...' if len(strays) > 3 else ''}"
            raise UnavailableError(f"asked for, but the CPU would compute {len(strays)} node(s): {listed}") from refusal
    return session


def starting_providers(runtime: ModuleType) -> dict[str, str | None]:
    """For each provider that this onnxruntime was built with: None where it really starts here, else why not.

    Proof is a convolution that it computes; a built-in list would promise CUDA on a machine without a GPU.
    """
    available = runtime.get_available_providers()
    return {name: _reason_not_to_start(runtime, name) for name in PROVIDERS if PROVIDERS[name] in available}


def _reason_not_to_start(runtime: ModuleType, name: str) -> str | None:
    frame = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    try:
        result = open_proven(runtime, _PROBE, Provider(name), Threads(1)).run(None, {"x": frame})[0]
    except Exception as error:  # onnxruntime has no common base class of its errors
        return _one_line(error)
    return None if np.array_equal(result, frame * 2) else "it starts, but computes a convolution wrongly"


def _session_options(runtime: ModuleType, threads: Threads, *switched_on: str) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads.count
    options.log_severity_level = _FATAL
    if not threads.spinning:
        for pool in ("intra_op", "inter_op"):
            options.add_session_config_entry(f"session.{pool}.allow_spinning", "0")
    for entry in switched_on:
        options.add_session_config_entry(entry, "1")
    return options


def _open(runtime: ModuleType, model: bytes, provider: Provider, options: Any) -> Any:
    """A session without onnxruntime's own retry on the CPU, at the start and in `run`."""
    passed = ACCURATE.get(provider.name, {})
    if provider.name == "openvino" and options.intra_op_num_threads:  # it has threads of its own
        passed = passed | {"num_of_threads": str(options.intra_op_num_threads)}
    if provider.name not in CONCURRENT:
        options.enable_mem_pattern = False
    providers = [(PROVIDERS[provider.name], passed | provider.options)]
    try:
        return runtime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime has no common base class of its errors
        raise UnavailableError(f"onnxruntime says: {_one_line(error)}") from error


def _load_cuda(runtime: ModuleType) -> str:
    """Load the CUDA libraries that pip installed, which are on no search path; returns what is wrong with them."""
    said = io.StringIO()
    if hasattr(runtime, "preload_dlls"):  # onnxruntime-gpu from 1.21 on
        with contextlib.redirect_stdout(said):  # it prints, and stdout may carry frames
            runtime.preload_dlls()
    return " ".join(said.getvalue().split())


def _require_active(session: Any, provider: Provider, said: str) -> None:
    active = session.get_providers()
    if active[:1] != [PROVIDERS[provider.name]]:
        raise UnavailableError(f"asked for, but onnxruntime runs {', '.join(active)}. {said}".rstrip(". "))


def _pixel_nodes_on_cpu(runtime: ModuleType, model: bytes, session: Any) -> list[str]:
    """The nodes on the CPU, less those known to compute sizes only (of the padding), where providers leave them.

    Those are in the CPU's own graph, and vanish from it once the frame's size is fixed.
    """
    options, fixed = (_session_options(runtime, Threads(1), _RECORD_NODES) for _ in range(2))
    for side in session.get_inputs()[0].shape:
        if isinstance(side, str):
            fixed.add_free_dimension_override_by_name(side, _SIDE)
    graphs = [_nodes_on_cpu(_open(runtime, model, Provider("cpu"), chosen)) for chosen in (options, fixed)]
    on_sizes = graphs[0].keys() - graphs[1].keys() - {""}  # a node without a name is any node
    return [f"{kind} ({name})" for name, kind in _nodes_on_cpu(session).items() if name not in on_sizes]


def _nodes_on_cpu(session: Any) -> dict[str, str]:
    """Names and types of the nodes on the CPU, of a session that records them."""
    return {
        node.name: node.op_type
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name == PROVIDERS["cpu"]
        for node in part.get_nodes()
    }


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
