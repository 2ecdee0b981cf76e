"""One onnxruntime session, and the proof that the provider that was asked for really runs it."""

from __future__ import annotations

import importlib.metadata
import logging
from pathlib import Path
from types import ModuleType
from typing import Any

from zsn2m_runtime.errors import BundleError, UnavailableError, UsageError
from zsn2m_runtime.image import Nchw

log = logging.getLogger(__name__)

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
AUTO_ORDER = ("cuda", "cpu")  # what "auto" tries; the others by name only

# Every distribution that brings a module called onnxruntime; two of them overwrite each other's files.
ONNXRUNTIME_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, None where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def installed_onnxruntimes() -> dict[str, str]:
    """Name and version of each installed distribution of onnxruntime; exactly one is right."""
    found = {name: installed_version(name) for name in ONNXRUNTIME_DISTRIBUTIONS}
    return {name: version for name, version in found.items() if version}


def doubled_advice(found: dict[str, str]) -> str:
    """What is wrong with several onnxruntimes at once, and the command that mends it."""
    names = " ".join(found)
    keep = "gpu" if "onnxruntime-gpu" in found else "cpu"
    return (
        f"expected exactly one onnxruntime package, but got {', '.join(found)}: they overwrite each other's files; "
        f"run: pip uninstall -y {names} && pip install 'zsn2m-deploy[{keep}]'"
    )


def import_onnxruntime() -> ModuleType:
    """The onnxruntime module.

    Raises:
        UnavailableError: if none is installed, or a damaged one, with the command that mends it.
    """
    found = installed_onnxruntimes()
    try:
        import onnxruntime

        onnxruntime.InferenceSession  # noqa: B018 - absent when one of two doubled packages was uninstalled
    except (ImportError, AttributeError) as error:
        remove = f"pip uninstall -y {' '.join(found)} && " if found else ""
        raise UnavailableError(
            f"expected onnxruntime, but it cannot be imported ({error}); run: {remove}pip install 'zsn2m-deploy[cpu]' "
            f"(or [gpu] for CUDA, never both)"
        ) from error
    return onnxruntime  # type: ignore[no-any-return]


class Session:
    """An ONNX model ready to run on one provider.

    Attributes:
        provider: the short name of the provider that really runs it
        metadata: the model file's metadata_props
    Raises:
        UsageError: unknown provider name.
        UnavailableError: the provider asked for does not run here.
        BundleError: the file is no model that onnxruntime can load.
    """

    def __init__(self, model: Path, provider: str = "auto", threads: int = 0) -> None:
        if provider != "auto" and provider not in PROVIDERS:
            raise UsageError(f"expected provider auto, {', '.join(PROVIDERS)}, but got {provider!r}")
        runtime = import_onnxruntime()
        found = installed_onnxruntimes()
        if len(found) > 1:
            log.warning(doubled_advice(found))
        candidates = AUTO_ORDER if provider == "auto" else (provider,)
        self.provider, self._session = _open_first(runtime, model, candidates, threads)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def run(self, noisy: Nchw) -> Nchw:
        """Denoise one batch.

        Shape:
            noisy: (n, c, h, w) float32, sensor units
            returns: the same shape
        """
        try:
            result: Nchw = self._session.run([self._output], {self._input: noisy})[0]
        except Exception as error:  # onnxruntime has no common base class of its errors
            raise UnavailableError(
                f"expected provider {self.provider} to run a frame of shape {noisy.shape}, but onnxruntime says: "
                f"{error}; free some memory, or use --provider cpu"
            ) from error
        return result


def _open_first(runtime: ModuleType, model: Path, candidates: tuple[str, ...], threads: int) -> tuple[str, Any]:
    available = runtime.get_available_providers()
    reasons = []
    for name in candidates:
        if PROVIDERS[name] not in available:
            reasons.append(f"{name}: not in this onnxruntime ({', '.join(available)})")
            continue
        try:
            session = _open(runtime, model, name, threads)
        except UnavailableError as error:
            reasons.append(f"{name}: {error}")
            continue
        active = session.get_providers()
        if active and active[0] == PROVIDERS[name]:
            return name, session
        reasons.append(f"{name}: asked for, but onnxruntime runs {', '.join(active)}")
    raise UnavailableError(
        f"expected provider {' or '.join(candidates)}, but it does not run here ({'; '.join(reasons)}); "
        f"use --provider cpu, or see: zsn2m-deploy doctor"
    )


def _open(runtime: ModuleType, model: Path, name: str, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads  # 0: one per core
    options.log_severity_level = 3  # errors; what matters is checked and reported by us
    if not model.is_file():
        raise BundleError(f"{model}: expected an ONNX file, but there is none; check the path")
    try:
        return runtime.InferenceSession(str(model), options, providers=[PROVIDERS[name]])
    except Exception as error:  # onnxruntime has no common base class of its errors
        if name != "cpu":
            raise UnavailableError(f"did not start: {error}") from error
        raise BundleError(f"{model}: expected an ONNX model, but onnxruntime says: {error}; export again") from error
