"""Checking that the packages for training are installed; inference does not need them."""

from __future__ import annotations

import importlib.util

from zsn2m_runtime.doctor import FOR_TRAINING
from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.machine.installation import import_onnxruntime


def require_training() -> None:
    """Refuse to train if a package that training or export needs is missing.

    Raises:
        UnavailableError: with the command that installs the package.
    """
    missing = [name for name in FOR_TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"expected {', '.join(missing)} for training and export, but not installed; "
            f"run: pip install 'zsn2m-deploy[cpu,train]' (gpu instead of cpu for CUDA)"
        )
    import_onnxruntime()
