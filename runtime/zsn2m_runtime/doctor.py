"""What is installed on this machine, what is wrong with it, and the command that mends it."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field

from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.session import doubled_advice, import_onnxruntime, installed_onnxruntimes, installed_version

PACKAGES = (
    "zsn2m-deploy",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "pydantic",
    "torch",
    "onnx",
    "onnxscript",
    "safetensors",
)
FOR_TRAINING = ("torch", "onnx", "onnxscript", "safetensors")


@dataclass(frozen=True)
class Diagnosis:
    """`packages` holds None for what is not installed; `problems` stop inference, `remarks` do not."""

    python: str
    platform: str
    packages: dict[str, str | None]
    providers: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def diagnose() -> Diagnosis:
    """Look at the installation; never raises."""
    packages: dict[str, str | None] = {name: installed_version(name) for name in PACKAGES}
    runtimes = installed_onnxruntimes()
    packages |= runtimes
    problems: list[str] = []
    providers: tuple[str, ...] = ()
    if len(runtimes) > 1:
        problems.append(doubled_advice(runtimes))
    try:
        providers = tuple(import_onnxruntime().get_available_providers())
    except UnavailableError as error:
        problems.append(str(error))
    missing = [name for name in FOR_TRAINING if packages[name] is None]
    remarks = []
    if missing:
        remarks.append(
            f"training and export need {', '.join(missing)}; run: pip install 'zsn2m-deploy[cpu,train]' "
            f"(denoise, verify and inspect work without)"
        )
    return Diagnosis(platform.python_version(), platform.platform(), packages, providers, problems, remarks)
