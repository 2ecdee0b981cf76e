"""The diagnosis of whole, incomplete and doubled installations."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from support.stand_ins import CPU, CUDA, StandInRuntime, install

from zsn2m_runtime import doctor
from zsn2m_runtime.doctor import FOR_TRAINING, PACKAGES, diagnose, nvidia_driver


def test_a_whole_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, *PACKAGES, "onnxruntime")
    found = diagnose()
    assert (found.problems, found.remarks, set(found.commands.values())) == ([], [], {None})
    assert found.packages == dict.fromkeys((*PACKAGES, "onnxruntime"), "9.8.7")
    assert found.providers["cpu"] is None
    assert found.python == platform.python_version()
    assert platform.machine() in found.platform


def test_this_installation_tells_its_real_versions() -> None:
    found = diagnose()
    assert found.packages["numpy"] == importlib.metadata.version("numpy")
    assert found.packages["torch"] == importlib.metadata.version("torch")


def test_an_installation_for_inference_only_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, *(set(PACKAGES) - set(FOR_TRAINING)), "onnxruntime")
    found = diagnose()
    assert (found.problems, found.packages["torch"]) == ([], None)
    lacking = {name: words for name, words in found.commands.items() if words}
    assert set(lacking) == {"train-and-export", "train-and-export VIDEO", "train-and-export RAW", "export"}
    for words in lacking.values():
        assert "torch, onnx, onnxscript, safetensors; run: pip install 'zsn2m-deploy[cpu,train]'" in words


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
    assert found.providers == {}
    [problem] = found.problems
    assert "run: pip install 'zsn2m-deploy[cpu]'" in problem
    assert {name for name, lacking in found.commands.items() if not lacking} == {
        "export --cpp", "inspect", "inspect VIDEO", "inspect RAW", "sample",
    }  # fmt: skip


def test_providers_that_do_not_start_are_told_from_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "import_onnxruntime", lambda: StandInRuntime(absent=(CUDA,)))
    install(monkeypatch, *PACKAGES, "onnxruntime-gpu")
    found = diagnose()
    assert found.providers == {"cpu": None, "cuda": f"asked for, but onnxruntime runs {CPU}"}
    assert found.problems == []
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]'" in found.remarks[0]


def test_cuda_packages_of_pip_are_listed_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = ("nvidia-cuda-runtime-cu12", "nvidia-cudnn-cu13", "nvidia-cuda-runtime")
    install(monkeypatch, *PACKAGES, "onnxruntime", *brought, "nvidia-nccl-cu12", "my-nvidia-cudnn")
    assert set(diagnose().packages) == {*PACKAGES, "onnxruntime", *brought}


def test_a_package_that_is_always_needed_is_a_problem_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, *(set(PACKAGES) - {"pillow", "tifffile"}), "onnxruntime")
    found = diagnose()
    [problem] = found.problems
    assert "pip install pillow tifffile" in problem
    assert set(found.commands.values()) == {problem}


@pytest.mark.parametrize(("kind", "module"), [("VIDEO", "av"), ("RAW", "rawpy")])
@pytest.mark.parametrize("is_there", [False, True])
def test_an_extra_that_cannot_be_imported_is_told_to_its_commands_alone(
    monkeypatch: pytest.MonkeyPatch, kind: str, module: str, is_there: bool
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    install(monkeypatch, *(set(PACKAGES) - (set() if is_there else {module})), "onnxruntime")
    command = f"pip install --force-reinstall {module}" if is_there else f"pip install 'zsn2m-deploy[{kind.lower()}]'"
    found = diagnose()
    assert found.problems == []
    for name, lacking in found.commands.items():
        assert (command in (lacking or "")) == (kind in name)


def test_opencv_that_cannot_be_imported_is_a_problem_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    install(monkeypatch, *(set(PACKAGES) - {"opencv-python-headless"}), "opencv-python", "onnxruntime")
    [problem] = diagnose().problems
    assert "run: pip uninstall -y opencv-python && pip install opencv-python-headless" in problem


def test_the_driver_as_nvidia_smi_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = subprocess.CompletedProcess([], 0, "580.65.06, NVIDIA H200\n580.65.06, NVIDIA H200\n")
    monkeypatch.setattr(doctor.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: said)
    assert nvidia_driver() == "580.65.06, NVIDIA H200; 580.65.06, NVIDIA H200"


@pytest.mark.parametrize("smi", [None, subprocess.TimeoutExpired("nvidia-smi", 10), OSError("not executable")])
def test_the_driver_as_its_file_tells_it(
    smi: Exception | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        assert smi is not None
        raise smi

    monkeypatch.setattr(doctor.shutil, "which", lambda _: "/usr/bin/nvidia-smi" if smi else None)
    monkeypatch.setattr(doctor.subprocess, "run", fail)
    monkeypatch.setattr(doctor, "_DRIVER_FILE", tmp_path / "version")
    assert nvidia_driver() is None
    line = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
    (tmp_path / "version").write_text(line + "GCC version:  gcc version 12.3.0\n")
    assert nvidia_driver() == "550.54.15"
