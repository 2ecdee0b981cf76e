"""What is installed on this machine, which commands work with it, and what the others need."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
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
    "rawpy",
    "zarr",
    "distributed",
    "torch",
    "onnx",
    "onnxscript",
    "safetensors",
)
ALWAYS = ("pillow", "pydantic", "tifffile")  # OpenCV is needed too, and imported to see whether it works
FOR_TRAINING = ("torch", "onnx", "onnxscript", "safetensors")
EXTRAS = {"video": ("av", "PyAV"), "raw": ("rawpy", "rawpy")}  # module, which its package is called too, and its name

# What each command needs besides ALWAYS and OpenCV; the names are keys of the result of `_lacking`.
NEEDS = {
    "train-and-export": ("onnxruntime", "training"),
    "train-and-export VIDEO": ("onnxruntime", "training", "video"),
    "train-and-export RAW": ("onnxruntime", "training", "raw"),
    "export": ("onnxruntime", "training"),
    "export --cpp": (),
    "denoise": ("onnxruntime",),
    "denoise RAW": ("onnxruntime", "raw"),
    "stream": ("onnxruntime",),
    "stream VIDEO": ("onnxruntime", "video"),
    "verify": ("onnxruntime",),
    "bench": ("onnxruntime",),
    "inspect": (),
    "inspect VIDEO": ("video",),
    "inspect RAW": ("raw",),
    "sample": (),
}

# Distributions that contain CUDA and cuDNN, as torch and onnxruntime-gpu load them.
_CUDA_PACKAGE = re.compile(r"nvidia-(cuda-runtime|cudnn)(-cu\d+)?")
_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_NO_CUDA = (
    "onnxruntime-gpu does not find CUDA, see above; with an NVIDIA driver of the machine, run: "
    "pip install 'onnxruntime-gpu[cuda,cudnn]'"
)
_PATIENCE = 10.0  # seconds to wait for nvidia-smi; chosen, as it hangs with a faulty driver


@dataclass(frozen=True)
class Diagnosis:
    """The state of the installation.

    packages: version of each; None: not installed
    providers: those of the installed onnxruntime; None: it starts, else why it does not
    commands: None: it works, else what it lacks and the command that installs it
    problems: what prevents denoising
    remarks: what does not prevent it
    """

    python: str
    platform: str
    packages: dict[str, str | None]
    nvidia_driver: str | None
    providers: dict[str, str | None]
    commands: dict[str, str | None]
    problems: list[str]
    remarks: list[str]


def diagnose() -> Diagnosis:
    """Check the installation; never raises."""
    packages: dict[str, str | None] = {name: installed_version(name) for name in PACKAGES}
    runtimes = installed_onnxruntimes()
    packages |= runtimes | _cuda_packages()
    providers: dict[str, str | None] = {}
    lacking = _lacking(packages)
    try:
        providers = starting_providers(import_onnxruntime())
    except UnavailableError as error:
        lacking["onnxruntime"] = str(error)
    doubled = [doubled_advice(runtimes)] if len(runtimes) > 1 else []
    return Diagnosis(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=packages,
        nvidia_driver=nvidia_driver(),
        providers=providers,
        commands={
            command: "; ".join(lacking[need] for need in ("always", *needs) if need in lacking) or None
            for command, needs in NEEDS.items()
        },
        problems=doubled + [lacking[need] for need in ("onnxruntime", "always") if need in lacking],
        remarks=[_NO_CUDA] if providers.get("cuda") else [],
    )


def nvidia_driver() -> str | None:
    """Version of the NVIDIA driver and names of the GPUs; None if there is no driver."""
    command = shutil.which("nvidia-smi")
    if command:
        query = [command, "--query-gpu=driver_version,name", "--format=csv,noheader"]
        try:
            said = subprocess.run(query, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
            return "; ".join(said.split("\n")).strip("; ") or None
        except (OSError, subprocess.SubprocessError):
            pass  # the driver's own file may still have its version
    if _DRIVER_FILE.is_file():
        found = re.search(r"\d+\.\d+(\.\d+)?", _DRIVER_FILE.read_text(encoding="ascii", errors="replace"))
        return found[0] if found else None
    return None


def _cuda_packages() -> dict[str, str]:
    installed = {distribution.name: distribution.version for distribution in importlib.metadata.distributions()}
    return {name: version for name, version in sorted(installed.items()) if _CUDA_PACKAGE.fullmatch(name)}


def _lacking(packages: dict[str, str | None]) -> dict[str, str]:
    """What all commands, training, videos and RAW files lack, each with the command that installs it."""
    found = {}
    missing = [name for name in ALWAYS if packages[name] is None]
    of_others = f"expected {', '.join(missing)}, but not installed; run: pip install {' '.join(missing)}"
    if always := [*filter(None, [_opencv_problem()]), *([of_others] if missing else [])]:
        found["always"] = "; ".join(always)
    if missing := [name for name in FOR_TRAINING if packages[name] is None]:
        found["training"] = f"needs {', '.join(missing)}; run: pip install 'zsn2m-deploy[cpu,train]'"
    for extra, (module, name) in EXTRAS.items():
        if fault := _import_fault(module):
            found[extra] = (
                f"needs a {name} that can be imported ({fault}); run: pip install --force-reinstall {module}"
                if packages[module]
                else f"needs {name}; run: pip install 'zsn2m-deploy[{extra}]'"
            )
    return found


def _opencv_problem() -> str | None:
    fault = _import_fault("cv2", "merge")  # missing after one of two such packages was uninstalled
    if fault is None:
        return None
    found = [name for name in ("opencv-python", "opencv-python-headless") if installed_version(name)]
    remove = f"pip uninstall -y {' '.join(found)} && " if found else ""
    return f"expected OpenCV, but it cannot be imported ({fault}); run: {remove}pip install opencv-python-headless"


def _import_fault(module: str, name: str = "__name__") -> str | None:
    """Why a name cannot be imported from a module; None if it can."""
    try:
        getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        return str(error)
    return None
