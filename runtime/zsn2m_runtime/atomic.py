"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.leftovers import PREFIX, claimed, name_leftovers
from zsn2m_runtime.resolved_path import resolved
from zsn2m_runtime.writing_errors import writing, writing_temporary

FOLDER_MARK = "manifest.json"  # only a folder that has this file may be replaced

log = logging.getLogger(__name__)


def atomic_file(path: Path) -> AbstractContextManager[Path]:
    """A temporary file beside `path`, with the same suffix, that is renamed to `path` on success.

    On any exception it is removed, and so are parent folders that were made for it. If `path` is a link, its target is
    replaced.

    Raises:
        OutputError: the file cannot be written; the message says why and what to do.
    """

    def check(target: Path) -> None:
        if target.is_dir():
            raise OutputError(f"{path}: expected a file to write, but got a folder; add a file name to it")
        if target.exists() and not target.is_file():
            raise OutputError(f"{path}: expected a regular file, but got a device or pipe; choose another path")

    def make(temporary: Path) -> None:  # permissions by the umask, unlike tempfile's
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))

    def put(temporary: Path, target: Path) -> None:
        flush_to_disk(temporary)
        temporary.replace(target)

    return _appearing(path, check, make, put, keeps_suffix=True)


def atomic_folder(path: Path, overwrite: bool, marks: Sequence[str] = (FOLDER_MARK,)) -> AbstractContextManager[Path]:
    """A temporary folder beside `path` that is renamed to `path` on success.

    With `overwrite` it replaces an existing folder that is empty or has a file of `marks`. On any exception it is
    removed, and an existing folder stays as it was.

    Raises:
        OutputError: the folder exists and may not be replaced, or cannot be written.
    """

    def check(target: Path) -> None:
        if target.is_dir() and not overwrite:
            raise OutputError(
                f"{path}: expected a new folder, but it exists; choose another path, or overwrite it: "
                f"--overwrite, in Python overwrite=True"
            )
        check_replaceable(path, marks)

    return _appearing(path, check, Path.mkdir, _swap_in, keeps_suffix=False)


def check_replaceable(path: Path, marks: Sequence[str]) -> None:
    """Refuse to replace what is no folder, or a folder with files but none of `marks`.

    Raises:
        OutputError: what is there.
    """
    with writing(path):
        target = resolved(path)
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{path}: expected a folder to write, but got a file; choose another path")
    if any(target.iterdir()) and not any((target / mark).is_file() for mark in marks):
        raise OutputError(
            f"{path}: expected an empty folder or one with a {' or '.join(marks)} to overwrite, but got a "
            f"folder with other files; choose another path, or delete it yourself"
        )


def put_folder(made: Path, path: Path, marks: Sequence[str]) -> None:
    """Give a folder that is complete its name, on the same file system, in place of an older one with `marks`.

    Raises:
        OutputError: there is something else, or the folder cannot be written.
    """
    check_replaceable(path, marks)
    with writing(path):
        _swap_in(made, resolved(path))


class _OnlyATrial(Exception):  # noqa: N818  not an error
    """Leaves `atomic_folder` without a folder."""


def check_folder_target(path: Path, overwrite: bool) -> None:
    """Find out before long work whether `atomic_folder` can write there, by making a folder and removing it.

    Raises:
        OutputError: the folder exists and may not be replaced, or cannot be written.
    """
    with suppress(_OnlyATrial), atomic_folder(path, overwrite):
        raise _OnlyATrial


@contextmanager
def _appearing(
    path: Path,
    check: Callable[[Path], None],
    make: Callable[[Path], None],
    put: Callable[[Path, Path], None],
    *,
    keeps_suffix: bool,
) -> Iterator[Path]:
    """A temporary file or folder that takes the target's place on success.

    Args:
        check: raises if the target may not be written; called before and after the work
        make: makes an empty temporary
        put: moves the temporary into the target's place
        keeps_suffix: whether the temporary has the target's suffix
    """
    with ExitStack() as undo:
        with writing(path):
            target = resolved(path)
            check(target)
            temporary = target.with_name(f"{_hidden_name()}{target.suffix if keeps_suffix else ''}")
            undo.enter_context(_undone_on_error(temporary))
            make(temporary)
            undo.enter_context(claimed(temporary))
            name_leftovers(temporary.parent)
        with writing_temporary(path, temporary):
            yield temporary
        with writing(path):
            check(target)
            put(temporary, target)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time read a folder and replace it; a second one waits for the first.

    The lock is on the parent folder, as the folder itself is replaced. On file systems without locks nobody waits.
    """
    with ExitStack() as undo:
        with suppress(OSError):
            parent = os.open(resolved(path).parent, os.O_RDONLY)
            undo.callback(os.close, parent)
            try:
                fcntl.flock(parent, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.warning("%s: waiting for another program that is changing a bundle in this folder", path)
                fcntl.flock(parent, fcntl.LOCK_EX)
        yield


def _hidden_name() -> str:
    return f"{PREFIX}{secrets.token_hex(8)}"


@contextmanager
def _undone_on_error(temporary: Path) -> Iterator[None]:
    """Make the parent folders; on an exception remove the temporary and those folders, if they are empty.

    Errors of removing are ignored, as the first exception matters more.
    """
    made = [parent for parent in temporary.parents if not parent.exists()]
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink()
        with suppress(OSError):
            for folder in made:
                folder.rmdir()
        raise


def flush_to_disk(path: Path) -> None:
    """Wait until a file is on the disk; network and quota file systems say only then that they are full.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap_in(temporary: Path, target: Path) -> None:
    """Put a folder in the place of another; if that fails, the other stays."""
    if not target.exists():
        temporary.rename(target)
        return
    old = target.with_name(_hidden_name())
    target.rename(old)
    try:
        temporary.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
