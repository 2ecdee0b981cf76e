"""Reading files that a stranger may have made: plain files only, of bounded size, without waiting.

Opening a pipe waits for its writer, /dev/zero never ends, and a file may be replaced between check and reading.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from zsn2m_runtime.errors import BundleError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Without O_NONBLOCK, opening a pipe waits for its writer. Windows lacks that flag and needs O_BINARY.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


def kind_of(mode: int) -> str:
    """What is no plain file, in words."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def open_plain(path: Path) -> BufferedReader:
    """Open a plain file, or a link to one, for reading.

    Raises:
        BundleError: it is missing, no plain file, or may not be read.
    """
    try:
        _check_kind(path, path.stat().st_mode)  # before opening, as that alone may start a device
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: Path, most: int, sha256: str | None = None) -> bytes:
    """The bytes of a plain file.

    Args:
        most: largest size allowed, bytes
        sha256: expected hash; None: any
    Raises:
        BundleError: as `open_plain`; a larger file; another hash.
    """
    with _reading(path) as (stream, size):
        if size > most:
            raise BundleError(f"{path}: expected at most {most:,} bytes, but got {size:,}; export again")
        content = stream.read(size + 1)  # one more byte shows a file that grows
    if len(content) > size:
        raise BundleError(f"{path}: expected {size:,} bytes, but it grows while it is read; copy the bundle again")
    if sha256 is not None:
        _check_digest(path, hashlib.sha256(content).hexdigest(), sha256)
    return content


def check_plain(path: Path, size: int, sha256: str) -> None:
    """Refuse a file of another size (bytes) or hash; one of another size is not read.

    Raises:
        BundleError: as `open_plain`; another size or hash.
    """
    with _reading(path) as (stream, found):
        _check_size(path, found, size)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    _check_digest(path, digest, sha256)


def read_checked(path: Path, size: int, sha256: str) -> bytes:
    """The bytes of a file, read once, so that the bytes returned are those whose size and hash were checked.

    Raises:
        BundleError: as `open_plain`; another size or hash.
    """
    with _reading(path) as (stream, found):
        _check_size(path, found, size)
        content = stream.read(size + 1)
    _check_size(path, len(content), size)
    _check_digest(path, hashlib.sha256(content).hexdigest(), sha256)
    return content


@contextmanager
def _reading(path: Path) -> Iterator[tuple[BufferedReader, int]]:
    """An open plain file and its size in bytes; system errors become BundleError."""
    try:
        with open_plain(path) as stream:
            yield stream, os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise BundleError(f"{path}: expected a plain file, but got {kind_of(mode)}; copy the bundle again")


def _check_size(path: Path, found: int, expected: int) -> None:
    if found != expected:
        raise BundleError(f"{path}: expected {expected} bytes, but got {found}; copy the bundle again")


def _check_digest(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise BundleError(f"{path}: its SHA-256 is not the manifest's: the file has changed; copy the bundle again")


def _unreadable(path: Path, error: OSError | ValueError) -> BundleError:
    if isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENOTDIR):
        return BundleError(f"{path}: expected this file in the bundle, but it is missing; copy the whole folder again")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return BundleError(f"{path}: expected a file that can be read, but the system says: {reason}; check permissions")
