"""Packages of a bundle's default model for other programs, which denoise with it as with models of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from zsn2m_export.packages.bioimageio import write_bioimageio
from zsn2m_export.packages.darktable import write_darktable
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import OutputError

Program = Literal["bioimageio", "darktable"]

_WRITERS = {"bioimageio": (write_bioimageio, ".bioimageio.zip"), "darktable": (write_darktable, ".dtmodel")}


def write_package(bundle: Bundle, program: Program, path: Path | None = None, overwrite: bool = False) -> Path:
    """Write a bundle's default model as a package for a program.

    Args:
        path: None: beside the bundle, with its name
        overwrite: replace a file that is there
    Returns:
        Where it was written.
    Raises:
        UsageError: a bundle that the program has no place for.
        BundleError: a damaged bundle.
        OutputError: the file exists, or cannot be written.
    """
    write, suffix = _WRITERS[program]
    folder = bundle.path.resolve()
    path = path or folder.with_name(folder.name.removesuffix(".zsn2m") + suffix)
    if path.is_file() and not overwrite:
        raise OutputError(
            f"{path}: expected a new file, but it exists; choose another path, or overwrite it: --overwrite, in Python "
            f"overwrite=True"
        )
    write(bundle, path)
    return path
