"""All that an OME-Zarr group holds beside the chunks of its image: metadata, labels, other arrays."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.zarr_image import Multiscale
from zsn2m_runtime.plain_text import one_line

METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


def copy_all_but_chunks(image: Multiscale, folder: Path) -> tuple[str, ...]:
    """Copy keys of the group's store, byte for byte, into a folder.

    Links are not followed, for they may lead out of the group, or round in a ring; pipes would wait for a writer.

    Returns:
        sentences on what could not be copied
    Raises:
        InputError: metadata of the image are a link.
    """
    import zarr
    from zarr.core.sync import sync  # zarr's own: stores at addresses work in its loop alone, and it has no public door

    return tuple(sync(_copy(image, zarr.storage.LocalStore(folder))))


async def _copy(image: Multiscale, target: Any) -> list[str]:
    from zarr.buffer import default_buffer_prototype

    source, prototype = image.group.store_path, default_buffer_prototype()
    root = Path(source.store.root, source.path) if isinstance(source.store, type(target)) else None
    notes: list[str] = []

    async def copy(key: str) -> bool:
        value = await source.store.get(_joined(source.path, key), prototype)
        if value is not None:
            await target.set(key, value)
        return value is not None

    async def listed(folder: str) -> list[str]:
        try:
            names = source.store.list_dir(_joined(source.path, folder))
            return [_joined(folder, name) async for name in names if root or _is_name(name.removesuffix("/"))]
        except Exception:  # of servers that list nothing, each in its way
            notes.append("what else is in its group, such as labels, is left out, for the server does not list it")
            return []

    async def copy_below(folder: str) -> None:
        for name in await listed(folder):
            key = name.rstrip("/")
            # A web server shows the list of a folder where its content is asked for; it ends names of folders so.
            is_folder = name.endswith("/") or (root is not None and (root / key).is_dir())
            if key in image.paths:  # their chunks may be millions
                continue
            if not _is_plain(root, key):
                notes.append(f"{one_line(key)} of its group is a link or no file, and left out")
            elif is_folder or not await copy(key):
                await copy_below(key)

    parents = {path.rpartition("/")[0] for path in image.paths}
    for folder in sorted({"", *parents, *image.paths}):
        for name in METADATA:
            key = _joined(folder, name)
            _check_no_link(root, key)
            await copy(key)
    await copy_below("")
    return list(dict.fromkeys(notes))


def _is_name(name: str) -> bool:
    """Whether a server's word is the name of an entry: its page may link to anything, and a key ../x leads out."""
    return name not in ("", ".", "..") and not set(name) & set("/\\?#")


def _is_plain(root: Path | None, key: str) -> bool:
    """Whether it is a file or a folder in the group itself; of servers always."""
    mode = (root / key).lstat().st_mode if root else stat.S_IFREG
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _check_no_link(root: Path | None, key: str) -> None:
    if root and (root / key).is_symlink():
        raise InputError(
            f"{root}: expected files with its metadata, but {one_line(key)} is a link, which may lead anywhere; make a "
            f"copy without links: cp -rL"
        )


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
