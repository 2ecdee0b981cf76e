"""A Zarr store in a folder that a stranger may have made; needs zarr, so it is imported once zarr is known to be there.

zarr reads whatever has the name of a chunk: a pipe waits for its writer, and a folder counts as a chunk that is not
there, which is read as the fill value.
"""

from __future__ import annotations

import stat
from typing import Any

from zarr.storage import LocalStore

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.plain_file import kind_of


class PlainStore(LocalStore):  # type: ignore[misc]  # its types are not looked at
    """A folder that is read, in which metadata and chunks are plain files, or links to such, or not there."""

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """The content of a file, or None where it is not there.

        Raises:
            InputError: it is no plain file.
            OSError: it cannot be looked at.
        """
        self._check(key)
        return await super().get(key, prototype, byte_range)

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
        """Parts of files; as `get`."""
        wanted = [*key_ranges]
        for key, _ in wanted:
            self._check(key)
        return await super().get_partial_values(prototype, wanted)

    def get_sync(self, key: str, **options: Any) -> Any:
        """As `get`; zarr since 3.1.6 has it."""
        self._check(key)
        return super().get_sync(key, **options)

    def _check(self, key: str) -> None:
        path = self.root / key
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISREG(mode):
            raise InputError(
                f"{path}: expected a plain file of an OME-Zarr image, but got {kind_of(mode)}; copy or export it again"
            )
