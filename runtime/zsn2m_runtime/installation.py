"""Which packages are installed, and the onnxruntime among them."""

from __future__ import annotations

import importlib.metadata
from types import ModuleType

from zsn2m_runtime.errors import UnavailableError

# Every distribution that brings a module called onnxruntime, and what pip installs it by: two of them overwrite each
# other's files. The first is part of what the others can do.
ONNXRUNTIME_DISTRIBUTIONS = {
    "onnxruntime": "'zsn2m-deploy[cpu]'",
    "onnxruntime-gpu": "'zsn2m-deploy[gpu]'",
    "onnxruntime-openvino": "'zsn2m-deploy[openvino]'",
    "onnxruntime-directml": "onnxruntime-directml",
}


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
    kept, *others = [ONNXRUNTIME_DISTRIBUTIONS[name] for name in found if name != "onnxruntime"]
    choice = f" (or {' or '.join(others)}, never two)" if others else ""
    return (
        f"expected exactly one onnxruntime package, but got {', '.join(found)}: they overwrite each other's files; "
        f"run: pip uninstall -y {names} && pip install {kept}{choice}"
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
