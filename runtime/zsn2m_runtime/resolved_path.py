"""Where a path really leads, of a name that may be any."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def resolved(path: Path) -> Path:
    """The path without links; what is not there stays as it is named.

    Raises:
        OSError: it cannot be a path: a ring of links, or a NUL in it.
    """
    try:
        return path.resolve()
    except RuntimeError as error:  # pathlib's, of links, before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    except ValueError as error:
        raise OSError(errno.EINVAL, "a NUL is in the name", str(path)) from error
