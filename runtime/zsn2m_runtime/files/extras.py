"""Packages that only some formats need, imported with the first such file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from zsn2m_runtime.errors import UnavailableError


def import_extra(module: str, extra: str, path: Path) -> Any:
    """A package of one of this distribution's extras.

    Raises:
        UnavailableError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnavailableError(
            f"{path}: expected {module} for {path.suffix.lower()} files, but it is not installed ({error}); "
            f"pip install 'zsn2m-deploy[{extra}]'"
        ) from error
