"""Reading files that strangers may have put there: plain ones only, at most so large, and never waiting for them.

A pipe without a writer hangs whoever opens it, /dev/zero never ends, and a file may be another one between two looks.
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
# Without O_NONBLOCK a pipe waits for its writer; Windows has neither such pipes nor the flag, but a text mode.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


def open_plain(path: Path) -> BufferedReader:
    """A plain file, or a link to one, to read.

    Raises:
        BundleError: it is missing, something else, or may not be read.
    """
    try:
        _check_kind(path, path.stat().st_mode)  # first, as opening a device alone may do something
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
        most: bytes that it may have
        sha256: the hash that they must have; None: any
    Raises:
        BundleError: as `open_plain`, a larger file, or another hash.
    """
    with _reading(path) as (stream, size):
        if size > most:
            raise BundleError(f"{path}: expected at most {most:,} bytes, but got {size:,}; export again")
        content = stream.read(size + 1)  # room for as much is set aside
    if len(content) > size:
        raise BundleError(f"{path}: expected {size:,} bytes, but it grows while it is read; copy the bundle again")
    if sha256 is not None:
        _check_digest(path, hashlib.sha256(content).hexdigest(), sha256)
    return content


def check_plain(path: Path, size: int, sha256: str) -> None:
    """Refuse a file of another size or hash; no more of it is read than it should have.

    Raises:
        BundleError: as `open_plain`, or another size or hash.
    """
    with _reading(path) as (stream, found):
        _check_size(path, found, size)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    _check_digest(path, digest, sha256)


def read_checked(path: Path, size: int, sha256: str) -> bytes:
    """The bytes of a file whose size and hash are known: what was hashed is what is given.

    Raises:
        BundleError: as `open_plain`, or another size or hash.
    """
    with _reading(path) as (stream, found):
        _check_size(path, found, size)
        content = stream.read(size + 1)
    _check_size(path, len(content), size)
    _check_digest(path, hashlib.sha256(content).hexdigest(), sha256)
    return content


@contextmanager
def _reading(path: Path) -> Iterator[tuple[BufferedReader, int]]:
    """A plain file and its size; what the system says while it is read is told like what it says on opening."""
    try:
        with open_plain(path) as stream:
            yield stream, os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise BundleError(f"{path}: expected a plain file, but got {kind}; copy the bundle again")


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
