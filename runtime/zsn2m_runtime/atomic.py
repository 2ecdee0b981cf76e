"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
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

FOLDER_MARK = "manifest.json"  # only a folder that has this file may be replaced

log = logging.getLogger(__name__)

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
        with _body(path, temporary):
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
def _body(path: Path, temporary: Path) -> Iterator[None]:
    """Turn errors of writing into an OutputError; the caller's code may also read, and those errors stay."""
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
