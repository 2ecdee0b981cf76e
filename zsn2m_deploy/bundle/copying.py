"""Copying a bundle's folder, which may come from a stranger."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.model_record import MOST_BUNDLE
from zsn2m_runtime.plain_file import open_plain

DEEPEST_FOLDER = 16  # levels; exports make none, so a user's own folders fit and recursion is bounded


def copy_folder(source: Path, folder: Path, room: int = MOST_BUNDLE, depth: int = DEEPEST_FOLDER) -> int:
    """Copy everything in a bundle's folder, with any files that the user added.

    A link is replaced by a copy of its target, so that a later export cannot write through it.

    Args:
        room: bytes that may be copied
        depth: levels of folders that may be copied
    Returns:
        bytes that are left of `room`
    Raises:
        BundleError: something other than files and folders, too many bytes, or folders too deep.
    """
    if depth == 0:
        raise BundleError(
            f"{str(source)[:80]}...: expected folders at most {DEEPEST_FOLDER} deep in a bundle, but got more; move "
            f"what is not of the bundle elsewhere"
        )
    for path in sorted(source.iterdir()):
        target = folder / path.name
        if path.is_dir() and not path.is_symlink():
            target.mkdir(exist_ok=True)
            room = copy_folder(path, target, room, depth - 1)
            continue
        with open_plain(path) as stream:
            room -= os.fstat(stream.fileno()).st_size
            if room < 0:
                raise BundleError(
                    f"{source}: expected files of at most {MOST_BUNDLE:,} bytes together in a bundle's folder, but got "
                    f"more; move what is not of the bundle elsewhere"
                )
            with target.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
        shutil.copystat(path, target)
    return room
