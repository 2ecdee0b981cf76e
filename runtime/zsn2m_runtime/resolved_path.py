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
