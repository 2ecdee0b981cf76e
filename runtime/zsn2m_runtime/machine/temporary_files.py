"""A folder for temporary files, also where the system has none, and what to say where its disk is full."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.leftovers import PREFIX, claimed
from zsn2m_runtime.resolved_path import resolved
from zsn2m_runtime.writing_errors import writing

_CACHE = "TORCHINDUCTOR_CACHE_DIR"  # torch makes this folder when it is imported, though nothing here is compiled
# Where Python's tempfile looks before it falls back to the current folder.
_NAMED = ("TMPDIR", "TEMP", "TMP")
_USUAL = ("/tmp", "/var/tmp", "/usr/tmp")
_FULL = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "your quota of its disk is used up",
    errno.EFBIG: "they are too large for its file system",
}


@contextmanager
def temporary_files_beside(output: Path) -> Iterator[None]:
    """Give libraries a folder for temporary files: the system's, else a hidden one beside the output.

    In a read-only container the output's folder is often the only one that can be written. Python would fall back to
    the current folder, where nobody expects such files. The hidden folder is removed at the end.

    Raises:
        OutputError: if the hidden folder cannot be made.
    """
    if _system_has_one():
        yield
        return
    cache = os.environ.get(_CACHE)
    with writing(output):
        parent = next(folder for folder in resolved(output).parents if folder.is_dir())
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        with claimed(Path(folder)):
            yield
    finally:
        tempfile.tempdir = before
        if cache is None and os.environ.get(_CACHE, "").startswith(folder):
            del os.environ[_CACHE]
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def filling_temporary_files() -> Iterator[None]:
    """Say that the disk of temporary files is full; for code that writes nothing but these.

    Else the file that is read, or an output on another disk, would be blamed.

    Raises:
        OutputError: it is full, or there is no folder for them.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # of tempfile
            raise OutputError(
                f"expected a folder for temporary files, but there is none ({error}); set TMPDIR to one to write to"
            ) from error
        if error.errno not in _FULL:
            raise
        raise OutputError(
            f"{tempfile.gettempdir()}: expected room for temporary files, but {_FULL[error.errno]}; free some space "
            f"there, or set TMPDIR to a folder on another disk"
        ) from error


def _system_has_one() -> bool:
    named = [os.environ[name] for name in _NAMED if os.environ.get(name)]
    try:
        found = tempfile.gettempdir()
        return found != str(Path.cwd()) or found in map(os.path.abspath, (*named, *_USUAL))
    except FileNotFoundError:  # no folder can be written, or the current one was removed
        return False
