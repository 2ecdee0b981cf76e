"""The diagnosis of whole, incomplete and doubled installations."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

import pytest

from zsn2m_runtime.doctor import FOR_TRAINING, PACKAGES, diagnose


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make importlib.metadata see these distributions and no others."""

    def version(name: str) -> str:
        if name in names:
            return "9.8.7"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_whole_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, *PACKAGES, "onnxruntime")
    found = diagnose()
    assert (found.problems, found.remarks) == ([], [])
    assert found.packages == dict.fromkeys((*PACKAGES, "onnxruntime"), "9.8.7")
    assert "CPUExecutionProvider" in found.providers
    assert found.python == platform.python_version()
    assert platform.machine() in found.platform


def test_this_installation_tells_its_real_versions() -> None:
    found = diagnose()
    assert found.packages["numpy"] == importlib.metadata.version("numpy")
    assert found.packages["torch"] == importlib.metadata.version("torch")


def test_an_installation_for_inference_only_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, *(set(PACKAGES) - set(FOR_TRAINING)), "onnxruntime")
    found = diagnose()
    assert found.problems == []
    assert found.packages["torch"] is None
    assert len(found.remarks) == 1
    assert "need torch, onnx, onnxscript, safetensors; run: pip install 'zsn2m-deploy[cpu,train]'" in found.remarks[0]


def test_doubled_onnxruntimes_are_a_problem_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, *PACKAGES, "onnxruntime", "onnxruntime-gpu")
    found = diagnose()
    assert found.packages["onnxruntime-gpu"] == "9.8.7"
    assert len(found.problems) == 1
    assert "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'zsn2m-deploy[gpu]'" in found.problems[0]


def test_no_onnxruntime_is_a_problem_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    install(monkeypatch, *PACKAGES)
    found = diagnose()
    assert found.providers == ()
    assert len(found.problems) == 1
    assert "run: pip install 'zsn2m-deploy[cpu]'" in found.problems[0]
