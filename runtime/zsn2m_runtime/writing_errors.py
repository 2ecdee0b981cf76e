"""Errors of the system while something is written, in our words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zsn2m_runtime.errors import OutputError

ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or write to another disk",
    errno.EDQUOT: "your disk quota is used up; free some space or write to another disk",
    errno.EFBIG: "the file is too large for this file system; write to another disk",
    errno.EACCES: "permission denied; name an output in a folder that you may write to",
    errno.EPERM: "permission denied; name an output in a folder that you may write to",
    errno.EROFS: "the file system is read-only; write to another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another path",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another path",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EMFILE: "too many files are open; allow more with: ulimit -n 1024",
    errno.ENFILE: "the system has too many files open; close other programs",
    errno.ELOOP: "links lead round in a ring; choose another path",
    errno.EIO: "the device fails; check the disk or the connection to it",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn system errors into an OutputError that names `path`; for code that does nothing but write there."""
    try:
        yield
    except FileNotFoundError as error:
        with suppress(FileNotFoundError):
            Path.cwd()
            raise _explained(path, error) from error
        raise  # the working folder was removed; the path is not at fault
    except OSError as error:
        raise _explained(path, error) from error


@contextmanager
def writing_temporary(path: Path, temporary: Path) -> Iterator[None]:
    """As `writing`, for code that writes a temporary of `path` and may also read, whose errors stay."""
    try:
        yield
    except OutputError as error:
        if str(temporary) not in str(error):
            raise
        raise OutputError(str(error).replace(str(temporary), str(path))) from error  # users know the final name only
    except OSError as error:
        named = [str(name) for name in (error.filename, error.filename2) if name is not None]  # two where it copies
        elsewhere = bool(named) and not any(name.startswith(str(temporary)) for name in named)
        if elsewhere or error.errno not in ADVICE:
            raise
        raise _explained(path, error) from error


def _explained(path: Path, error: OSError) -> OutputError:
    advice = ADVICE.get(error.errno or 0, f"{error.strerror or error}; choose another path")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV) and os.path.ismount(path):
        advice = f"something is mounted here, which cannot be swapped for a new folder; name one in it: {path}/NAME"
    return OutputError(f"{path}: expected to be able to write here, but {advice}")
