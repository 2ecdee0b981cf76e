"""Whether what training needs is installed; inference alone runs without it."""

from __future__ import annotations

import importlib.util

from zsn2m_runtime.doctor import FOR_TRAINING
from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.machine.installation import import_onnxruntime


def require_training() -> None:
    """Refuse to start a training that could not end in a bundle.

    Raises:
        UnavailableError: if a package is missing, with the command that installs it.
    """
    missing = [name for name in FOR_TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"expected {', '.join(missing)} for training and export, but not installed; "
            f"run: pip install 'zsn2m-deploy[cpu,train]' (gpu instead of cpu for CUDA)"
        )
    import_onnxruntime()
