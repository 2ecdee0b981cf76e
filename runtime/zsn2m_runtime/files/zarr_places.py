"""Which paths are Zarr groups, on this machine or at an address that fsspec reads."""

from __future__ import annotations

import os
import re
from pathlib import Path

from zsn2m_runtime.suffixes import ZARR

GROUP_MARKS = ("zarr.json", ".zgroup")  # Zarr 3 and 2; what a result may replace has one
_MARKS = (*GROUP_MARKS, ".zarray")
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE)


def address_of(path: Path) -> str | None:
    """The address that a path was made of, such as s3://bucket/a.zarr: a Path has one slash where that has two.

    None: it is a path of this machine.
    """
    found = _ADDRESS.fullmatch(str(path))
    if found is None or path.exists():
        return None
    slashes = ":///" if found[1] == "file" else "://"
    return f"{found[1]}{slashes}{found[2]}"


def is_zarr(path: Path) -> bool:
    """Whether a path is that of a Zarr group or array: by its suffix, what is in it, or the suffix of a part of it.

    Images inside of a group, such as the field A/1/0 of a plate, have no suffix.
    """
    if path.suffix.lower() == ZARR:
        return True
    if address_of(path):
        return any(parent.suffix.lower() == ZARR for parent in path.parents)
    return any(os.path.isfile(path / mark) for mark in _MARKS)  # noqa: PTH113 - see path_kinds
