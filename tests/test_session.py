"""Providers: the one asked for runs, or an error with the command that mends it."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import BundleMaker

from zsn2m_runtime import session
from zsn2m_runtime.errors import BundleError, UnavailableError, UsageError
from zsn2m_runtime.manifest import CARD_KEY
from zsn2m_runtime.session import Session, doubled_advice, import_onnxruntime, installed_onnxruntimes

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture
def model(make_bundle: BundleMaker) -> Path:
    """The ONNX file of a colour MBD-Net."""
    return make_bundle() / "mbd.onnx"


def use_stand_in(monkeypatch: pytest.MonkeyPatch, active: list[str], failing: tuple[str, ...] = ()) -> list[str]:
    """An onnxruntime with CUDA compiled in whose sessions run `active`; returns the providers asked for, in order."""
    asked: list[str] = []

    class StandIn:
        def __init__(self, path: str, options: Any, providers: list[str]) -> None:
            asked.extend(providers)
            if providers[0] in failing:
                raise RuntimeError("libcudnn.so.9: cannot open shared object file")
            self.providers = [provider for provider in active if provider in (*providers, CPU)]

        def get_providers(self) -> list[str]:
            return self.providers

        def get_modelmeta(self) -> SimpleNamespace:
            return SimpleNamespace(custom_metadata_map={})

        def get_inputs(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="noisy")]

        get_outputs = get_inputs

    module = SimpleNamespace(
        InferenceSession=StandIn, SessionOptions=SimpleNamespace, get_available_providers=lambda: [CUDA, CPU]
    )
    monkeypatch.setattr(session, "import_onnxruntime", lambda: module)
    return asked


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make importlib.metadata see these distributions of onnxruntime and no others."""

    def version(name: str) -> str:
        if name in names:
            return "1.20.0"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


@pytest.mark.parametrize("provider", ["auto", "cpu"])
def test_cpu_runs_here(model: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "AUTO_ORDER", ("openvino", "cpu"))  # one that is absent first, on any machine
    opened = Session(model, provider, threads=1)
    assert opened.provider == "cpu"
    assert CARD_KEY in opened.metadata
    assert opened.run(np.zeros((1, 3, 4, 5), np.float32)).shape == (1, 3, 4, 5)


@pytest.mark.parametrize("provider", ["gpu", "CPU", "", CPU])
def test_unknown_provider_is_a_usage_error(model: Path, provider: str) -> None:
    with pytest.raises(UsageError, match=r"expected provider auto, cpu, cuda, .* but got"):
        Session(model, provider)


def test_absent_provider_is_unavailable_never_replaced(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match=r"directml: not in this onnxruntime .*CPUExecutionProvider") as caught:
        Session(model, "directml")
    assert caught.value.exit_code == 4
    assert "--provider cpu" in str(caught.value)


def test_silent_fall_back_to_the_cpu_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use_stand_in(monkeypatch, active=[CPU])
    with pytest.raises(UnavailableError, match=f"cuda: asked for, but onnxruntime runs {CPU}"):
        Session(model, "cuda")
    assert asked == [CUDA]


def test_a_provider_that_really_runs_is_accepted(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_stand_in(monkeypatch, active=[CUDA, CPU])
    assert Session(model, "cuda").provider == "cuda"
    assert Session(model, "auto").provider == "cuda"
    assert Session(model, "cpu").provider == "cpu"  # the same stand-in: CUDA only where it is asked for


@pytest.mark.parametrize("failing", [(), (CUDA,)])
def test_auto_goes_on_to_the_cpu(model: Path, failing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use_stand_in(monkeypatch, active=[CPU], failing=failing)
    assert Session(model, "auto").provider == "cpu"
    assert asked == [CUDA, CPU]


def test_a_provider_that_does_not_start_says_why(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_stand_in(monkeypatch, active=[CPU], failing=(CUDA,))
    with pytest.raises(UnavailableError, match=r"cuda.*libcudnn.so.9.*--provider cpu"):
        Session(model, "cuda")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x0a" * 40])
def test_no_onnx_file_is_a_bundle_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"mbd\.onnx: expected an ONNX model, but onnxruntime says"):
        Session(path, "cpu")


def test_truncated_onnx_is_a_bundle_error(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes(model.read_bytes()[:-5000])
    with pytest.raises(BundleError, match=r"mbd\.onnx"):
        Session(path, "auto")


def test_missing_file_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onnx: expected an ONNX file, but there is none"):
        Session(tmp_path / "none.onnx")


def test_doubled_onnxruntimes_are_warned_of_with_the_command(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    with caplog.at_level(logging.WARNING), pytest.raises(BundleError):
        Session(Path("none.onnx"))
    assert "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'zsn2m-deploy[gpu]'" in caplog.text


def test_doubled_advice_keeps_the_cpu_build_where_no_gpu_build_is() -> None:
    advice = doubled_advice({"onnxruntime": "1.20", "onnxruntime-openvino": "1.20"})
    assert "pip uninstall -y onnxruntime onnxruntime-openvino && pip install 'zsn2m-deploy[cpu]'" in advice


def test_one_onnxruntime_is_not_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    install(monkeypatch, "onnxruntime")
    assert installed_onnxruntimes() == {"onnxruntime": "1.20.0"}
    import_onnxruntime()
    assert not caplog.text


@pytest.mark.parametrize("module", [None, SimpleNamespace()])  # not installed; gutted by uninstalling its double
def test_missing_onnxruntime_names_the_pip_command(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    install(monkeypatch)
    with pytest.raises(UnavailableError, match=r"run: pip install 'zsn2m-deploy\[cpu\]'") as caught:
        import_onnxruntime()
    assert caught.value.exit_code == 4


def test_gutted_onnxruntime_is_to_be_removed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    install(monkeypatch, "onnxruntime")
    with pytest.raises(UnavailableError, match=r"run: pip uninstall -y onnxruntime && pip install"):
        import_onnxruntime()
