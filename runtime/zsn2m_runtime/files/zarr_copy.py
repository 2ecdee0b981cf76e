"""All that an OME-Zarr group holds beside the chunks of its image: metadata, labels, other arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsn2m_runtime.files.zarr_image import Multiscale

METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


def copy_all_but_chunks(image: Multiscale, folder: Path) -> tuple[str, ...]:
    """Copy keys of the group's store, byte for byte, into a folder.

    Returns:
        sentences on what could not be copied
    """
    import zarr
    from zarr.core.sync import sync

    return tuple(sync(_copy(image, zarr.storage.LocalStore(folder))))


async def _copy(image: Multiscale, target: Any) -> list[str]:
    from zarr.core.buffer import default_buffer_prototype

    source, prototype = image.group.store_path, default_buffer_prototype()
    notes: list[str] = []

    async def copy(key: str) -> bool:
        value = await source.store.get(_joined(source.path, key), prototype)
        if value is not None:
            await target.set(key, value)
        return value is not None

    async def listed(folder: str) -> list[str]:
        try:
            names = source.store.list_dir(_joined(source.path, folder))
            return [_joined(folder, name.rstrip("/")) async for name in names]
        except Exception:  # of servers that list nothing, each in its way
            notes.append("what else is in its group, such as labels, is left out, for the server does not list it")
            return []

    async def copy_below(folder: str) -> None:
        for key in await listed(folder):
            if key not in image.paths and not await copy(key):  # chunks of the image may be millions
                await copy_below(key)

    parents = {path.rpartition("/")[0] for path in image.paths}
    for folder in sorted({"", *parents, *image.paths}):
        for name in METADATA:
            await copy(_joined(folder, name))
    await copy_below("")
    return notes[:1]


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
