"""Where libraries put their temporary files on a machine that has no folder for them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zsn2m_runtime.atomic import writing
from zsn2m_runtime.leftovers import PREFIX, claimed
from zsn2m_runtime.resolved_path import resolved

_CACHE = "TORCHINDUCTOR_CACHE_DIR"  # torch makes this folder when it is imported, though nothing here is compiled
_NAMED = ("TMPDIR", "TEMP", "TMP")
_USUAL = ("/tmp", "/var/tmp", "/usr/tmp")


@contextmanager
def temporary_files_beside(output: Path) -> Iterator[None]:
    """Within it, libraries find a folder for temporary files: the system's, or a hidden one beside the output.

    A read-only container often has a folder to write to for the output alone. The current folder, Python's last
    resort, is no place to leave files in unasked.

    Raises:
        OutputError: if neither can be written.
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


def _system_has_one() -> bool:
    named = [os.environ[name] for name in _NAMED if os.environ.get(name)]
    try:
        found = tempfile.gettempdir()
        return found != str(Path.cwd()) or found in map(os.path.abspath, (*named, *_USUAL))
    except FileNotFoundError:  # also where the current folder was removed
        return False
