"""Following links in a path that may be invalid."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def resolved(path: Path) -> Path:
    """The absolute path with links followed; parts that do not exist stay as they are.

    Raises:
        OSError: links form a ring, or the name contains a NUL.
    """
    try:
        return path.resolve()
    except RuntimeError as error:  # pathlib, for a ring of links, before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    except ValueError as error:
        raise OSError(errno.EINVAL, "a NUL is in the name", str(path)) from error


class Places:
    """Absolute paths with links followed, of many files in few folders, each of which is looked up once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def of(self, path: Path) -> str:
        """As `resolved`.

        Raises:
            OSError: links form a ring, or the name contains a NUL.
        """
        folder, name = os.path.split(path)
        if name in ("", os.pardir) or os.path.islink(path):  # noqa: PTH114 - of a million paths
            return str(resolved(path))
        if folder not in self._folders:
            self._folders[folder] = str(resolved(Path(folder)))
        return os.path.join(self._folders[folder], name)  # noqa: PTH118 - the same
