"""What is installed on this machine, what is wrong with it, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.inference.providers import starting_providers
from zsn2m_runtime.machine.installation import (
    doubled_advice,
    import_onnxruntime,
    installed_onnxruntimes,
    installed_version,
)

PACKAGES = (
    "zsn2m-deploy",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "pydantic",
    "av",
    "torch",
    "onnx",
    "onnxscript",
    "safetensors",
)
ALWAYS = ("pillow", "pydantic", "tifffile")  # what besides is always needed is imported to see whether it works
FOR_TRAINING = ("torch", "onnx", "onnxscript", "safetensors")

# Distributions by which pip brings CUDA: their versions are those that torch and onnxruntime-gpu find.
_CUDA_PACKAGE = re.compile(r"nvidia-(cuda-runtime|cudnn)(-cu\d+)?")
_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_PATIENCE = 10.0  # seconds that nvidia-smi gets; a driver in trouble lets it hang


@dataclass(frozen=True)
class Diagnosis:
    """`packages` holds None for what is not installed; `problems` stop inference, `remarks` do not.

    `providers` are those that onnxruntime was built with: None for one that really starts, else why it does not.
    """

    python: str
    platform: str
    packages: dict[str, str | None]
    nvidia_driver: str | None
    providers: dict[str, str | None]
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def diagnose() -> Diagnosis:
    """Look at the installation; never raises."""
    packages: dict[str, str | None] = {name: installed_version(name) for name in PACKAGES}
    runtimes = installed_onnxruntimes()
    packages |= runtimes | _cuda_packages()
    problems = [doubled_advice(runtimes)] if len(runtimes) > 1 else []
    providers: dict[str, str | None] = {}
    try:
        providers = starting_providers(import_onnxruntime())
    except UnavailableError as error:
        problems.append(str(error))
    problems += _opencv_problems() + _av_problems() + _missing(packages)
    return Diagnosis(
        platform.python_version(),
        platform.platform(),
        packages,
        nvidia_driver(),
        providers,
        problems,
        _remarks(packages, providers),
    )


def nvidia_driver() -> str | None:
    """Version of the NVIDIA driver and names of its GPUs, None where there is none."""
    command = shutil.which("nvidia-smi")
    if command:
        query = [command, "--query-gpu=driver_version,name", "--format=csv,noheader"]
        try:
            said = subprocess.run(query, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
            return "; ".join(said.split("\n")).strip("; ") or None
        except (OSError, subprocess.SubprocessError):
            pass  # the driver's file still tells its version
    if _DRIVER_FILE.is_file():
        found = re.search(r"\d+\.\d+(\.\d+)?", _DRIVER_FILE.read_text(encoding="ascii", errors="replace"))
        return found[0] if found else None
    return None


def _cuda_packages() -> dict[str, str]:
    installed = {distribution.name: distribution.version for distribution in importlib.metadata.distributions()}
    return {name: version for name, version in sorted(installed.items()) if _CUDA_PACKAGE.fullmatch(name)}


def _opencv_problems() -> list[str]:
    try:
        import cv2

        cv2.merge  # noqa: B018 - absent when one of two doubled packages was uninstalled
    except (ImportError, AttributeError) as error:
        found = [name for name in ("opencv-python", "opencv-python-headless") if installed_version(name)]
        remove = f"pip uninstall -y {' '.join(found)} && " if found else ""
        return [
            f"expected OpenCV, but it cannot be imported ({error}); run: {remove}pip install opencv-python-headless"
        ]
    return []


def _av_problems() -> list[str]:
    try:
        import av  # noqa: F401
    except ImportError as error:
        return [f"expected PyAV, but it cannot be imported ({error}); run: pip install --force-reinstall av"]
    return []


def _missing(packages: dict[str, str | None]) -> list[str]:
    missing = [name for name in ALWAYS if packages[name] is None]
    if not missing:
        return []
    return [f"expected the package(s) {', '.join(missing)}, but got none; run: pip install {' '.join(missing)}"]


def _remarks(packages: dict[str, str | None], providers: dict[str, str | None]) -> list[str]:
    remarks = []
    missing = [name for name in FOR_TRAINING if packages[name] is None]
    if missing:
        remarks.append(
            f"training and export need {', '.join(missing)}; run: pip install 'zsn2m-deploy[cpu,train]' "
            f"(denoise, stream, verify and inspect work without)"
        )
    if providers.get("cuda"):
        remarks.append(
            "onnxruntime-gpu does not find CUDA, see above; with an NVIDIA driver of the machine, run: "
            "pip install 'onnxruntime-gpu[cuda,cudnn]'"
        )
    return remarks
