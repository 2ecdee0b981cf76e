"""Which packages are installed, and the onnxruntime among them."""

from __future__ import annotations

import importlib.metadata
import os
import re
from types import ModuleType

from zsn2m_runtime.errors import UnavailableError

# Distributions that contain the module onnxruntime, each with what to give to pip. Two at once overwrite each other's
# files. The others can do all that the first can.
ONNXRUNTIME_DISTRIBUTIONS = {
    "onnxruntime": "'zsn2m-deploy[cpu]'",
    "onnxruntime-gpu": "'zsn2m-deploy[gpu]'",
    "onnxruntime-openvino": "'zsn2m-deploy[openvino]'",
    "onnxruntime-directml": "onnxruntime-directml",
}

OLDEST_ONNXRUNTIME = (1, 24)  # as in pyproject.toml; older ones let a model read other files

# From 1.29 on, onnxruntime sends usage data and keeps an identifier in the home folder. Set to 1 before it is loaded,
# this variable stops both.
TELEMETRY_SWITCH = "ORT_DISABLE_TELEMETRY"
_TELEMETRY_WANTED = ("0", "false", "no", "off")


def refuse_telemetry() -> None:
    """Switch off the telemetry of an onnxruntime that is loaded later, here or in a child process.

    A user's own setting of the variable stays.
    """
    if not os.environ.get(TELEMETRY_SWITCH):
        os.environ[TELEMETRY_SWITCH] = "1"


def installed_version(name: str) -> str | None:
    """The version of a distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def installed_onnxruntimes() -> dict[str, str]:
    """Name and version of each installed distribution of onnxruntime; there should be exactly one."""
    found = {name: installed_version(name) for name in ONNXRUNTIME_DISTRIBUTIONS}
    return {name: version for name, version in found.items() if version}


def doubled_advice(found: dict[str, str]) -> str:
    """A message about several onnxruntimes at once, with the command that repairs it.

    Args:
        found: as `installed_onnxruntimes` returns it
    """
    names = " ".join(found)
    kept, *others = [ONNXRUNTIME_DISTRIBUTIONS[name] for name in found if name != "onnxruntime"]
    choice = f" (or {' or '.join(others)}, never two)" if others else ""
    return (
        f"expected exactly one onnxruntime package, but got {', '.join(found)}: they overwrite each other's files; "
        f"run: pip uninstall -y {names} && pip install {kept}{choice}"
    )


def _refuse_older(version: str) -> None:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_ONNXRUNTIME:
        oldest = ".".join(map(str, OLDEST_ONNXRUNTIME))
        raise UnavailableError(
            f"expected onnxruntime {oldest} or newer, as older ones let a model read other files, but got {version}; "
            f"run: pip install --upgrade {' '.join(installed_onnxruntimes()) or 'onnxruntime'}"
        )


def import_onnxruntime() -> ModuleType:
    """The onnxruntime module, without its telemetry.

    Raises:
        UnavailableError: if none is installed, or one that is damaged or too old, with the command that repairs it.
    """
    refuse_telemetry()
    try:
        import onnxruntime

        onnxruntime.InferenceSession  # noqa: B018 - missing after one of two such packages was uninstalled
        _refuse_older(onnxruntime.__version__)
    except (ImportError, AttributeError) as error:
        found = installed_onnxruntimes()
        remove = f"pip uninstall -y {' '.join(found)} && " if found else ""
        raise UnavailableError(
            f"expected onnxruntime, but it cannot be imported ({error}); run: {remove}pip install 'zsn2m-deploy[cpu]' "
            f"(or [gpu] for CUDA, never both)"
        ) from error
    if os.environ[TELEMETRY_SWITCH].lower() not in _TELEMETRY_WANTED:
        onnxruntime.disable_telemetry_events()  # for an onnxruntime that was loaded before, and Windows' event log
    return onnxruntime  # type: ignore[no-any-return]
