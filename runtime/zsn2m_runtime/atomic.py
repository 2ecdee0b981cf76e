"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.leftovers import PREFIX, claimed, name_leftovers
from zsn2m_runtime.resolved_path import resolved

FOLDER_MARK = "manifest.json"

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


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with the same suffix, that becomes `path` on success.

    On any exception the temporary, and every parent folder made for it, is removed.
    A link is written through.

    Raises:
        OutputError: if the file cannot be written, saying why and what to do.
    """
    with ExitStack() as undo:
        with writing(path):
            target = resolved(path)
            if target.is_dir():
                raise OutputError(f"{path}: expected a file to write, but got a folder; add a file name to it")
            if target.exists() and not target.is_file():
                raise OutputError(f"{path}: expected a regular file, but got a device or pipe; choose another path")
            parent = undo.enter_context(_parent_folder(target.parent))
            temporary = undo.enter_context(_gone_on_error(parent / f"{_hidden_name()}{target.suffix}"))
            # Not tempfile: it makes files that only their owner can read, whatever the umask.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            undo.enter_context(claimed(temporary))
            name_leftovers(parent)
        with _body(path, temporary):
            yield temporary
        with writing(path):
            flush_to_disk(temporary)
            temporary.replace(target)


@contextmanager
def atomic_folder(path: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` on success.

    With `overwrite`, an existing folder is swapped out whole, but only if empty or with a manifest.json.
    On any exception the temporary is removed, and an existing folder stays as it was.

    Raises:
        OutputError: if the folder exists and may not be replaced, or cannot be written.
    """
    with ExitStack() as undo:
        with writing(path):
            target = resolved(path)
            _refuse_to_replace(target, path, overwrite)
            parent = undo.enter_context(_parent_folder(target.parent))
            temporary = undo.enter_context(_gone_on_error(parent / _hidden_name()))
            temporary.mkdir()
            undo.enter_context(claimed(temporary))
            name_leftovers(parent)
        with _body(path, temporary):
            yield temporary
        with writing(path):
            _refuse_to_replace(target, path, overwrite)
            _swap_in(temporary, target)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Around reading a folder and replacing it: a second process waits, and then reads what the first one wrote.

    The folder itself is swapped out, so the lock is on the one that holds it. File systems without locks have none.
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


def check_folder_target(path: Path, overwrite: bool) -> None:
    """Raise now what `atomic_folder` would raise after the work, by making and removing a folder there.

    Raises:
        OutputError: if the folder exists and may not be replaced, or cannot be written.
    """
    with writing(path):
        target = resolved(path)
        _refuse_to_replace(target, path, overwrite)
        with _parent_folder(target.parent, keep=False) as parent:
            trial = parent / _hidden_name()
            trial.mkdir()
            trial.rmdir()


def _hidden_name() -> str:
    return f"{PREFIX}{secrets.token_hex(8)}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what only writes to `path`: every system error of it becomes an OutputError that names it."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _has_working_folder():
            raise
        raise _explained(path, error) from error


def _has_working_folder() -> bool:
    try:
        return bool(Path.cwd())
    except FileNotFoundError:  # it was removed
        return False


@contextmanager
def _body(path: Path, temporary: Path) -> Iterator[None]:
    """Around code of the caller, which may also read: only errors of writing become an OutputError."""
    try:
        yield
    except OutputError as error:
        if str(temporary) not in str(error):
            raise
        raise OutputError(str(error).replace(str(temporary), str(path))) from error  # it does not have its name yet
    except OSError as error:
        elsewhere = error.filename is not None and not str(error.filename).startswith(str(temporary))
        if elsewhere or error.errno not in ADVICE:
            raise
        raise _explained(path, error) from error


def _explained(path: Path, error: OSError) -> OutputError:
    reason = f"{error.strerror or error}; choose another path"
    advice = ADVICE.get(error.errno or 0, reason)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV) and os.path.ismount(path):
        advice = f"something is mounted here, which cannot be swapped for a new folder; name one in it: {path}/NAME"
    return OutputError(f"{path}: expected to be able to write here, but {advice}")


@contextmanager
def _gone_on_error(temporary: Path) -> Iterator[Path]:
    """Remove a temporary file or folder on an exception, whose reason matters more than what is left."""
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def _parent_folder(folder: Path, keep: bool = True) -> Iterator[Path]:
    """Make a folder and its parents; the ones made here go again on an exception, or always if not `keep`."""
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except BaseException:
        _remove_empty(made)
        raise
    if not keep:
        _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # somebody else put something there, or it was never made
            return


def flush_to_disk(path: Path) -> None:
    """Wait until a file is on the disk.

    Raises:
        OSError: it is not.
    """
    # Network and quota file systems report a full disk only here.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_to_replace(target: Path, path: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{path}: expected a folder to write, but got a file; choose another path")
    if not overwrite:
        raise OutputError(f"{path}: expected a new folder, but it exists; choose another path or add --overwrite")
    if any(target.iterdir()) and not (target / FOLDER_MARK).is_file():
        raise OutputError(
            f"{path}: expected an empty folder or one with a {FOLDER_MARK} to overwrite, but got a "
            f"folder with other files; choose another path, or delete it yourself"
        )


def _swap_in(temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.rename(target)
        return
    old = target.parent / _hidden_name()
    target.rename(old)
    try:
        temporary.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
