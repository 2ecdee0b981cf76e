"""Finding temporary files and folders that killed programs left beside outputs.

They are reported and never deleted, as they may hold frames or a bundle: docs/decisions/leftovers.md.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

PREFIX = ".partial-"  # of the names of temporaries
# Formats that can be read without the end that was never written; a TIFF is complete after every page.
PLAYABLE = frozenset((".mkv", ".webm", ".mp4", ".mov", ".m4v", ".ts", ".avi", ".nut", ".y4m", ".tif", ".tiff"))
MOST_LOOKED_AT = 10_000  # entries of a folder; a bundle has some dozens, and a stranger's folder must end
_HOUR, _DAY = 3600, 86400  # seconds

log = logging.getLogger(__name__)
_seen: set[Path] = set()  # folders that were searched; a stream may write a file for each frame


@dataclass(frozen=True)
class Leftover:
    """A temporary file or folder without a program.

    is_free: whether its lock could be taken; if not, the file system has no locks and its program may still run
    """

    path: Path
    age: float  # seconds since it was written to
    size: int  # bytes
    is_free: bool

    def in_words(self) -> str:
        """A sentence: what it is and what to do with it."""
        owner = "of a program that was killed" if self.is_free else "of a program that was killed, or that still runs"
        facts = f"{self.path}: an unfinished output {owner}, {_age(self.age)} old, {self.size / 1e6:,.1f} MB"
        if self.path.suffix in PLAYABLE and self.size:
            named = f"recovered{self.path.suffix}"
            return f"{facts}; its frames are there under another name (mv {self.path.name} {named}), or delete it"
        return f"{facts}; {'delete it' if self.is_free else 'delete it if no program writes there'}"


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold a lock on a temporary file or folder, so that no program takes it for a leftover.

    The system releases the lock when the program ends, also if that runs on another machine that shares the folder.
    """
    with ExitStack() as undo:
        with suppress(OSError):  # no locks on this file system, or not for folders, as on NFS
            handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
            undo.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def name_leftovers(folder: Path) -> None:
    """Log a warning for each leftover in a folder, once in a process."""
    folder = folder.absolute()
    if folder in _seen:
        return
    _seen.add(folder)
    for leftover in find_leftovers(folder):
        log.warning("%s", leftover.in_words())


def find_leftovers(folder: Path) -> list[Leftover]:
    """The leftovers in a folder, sorted by name; none if it cannot be read."""
    found = []
    with suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(PREFIX):
                with suppress(OSError):  # it may be removed meanwhile
                    found.append(_look(Path(entry.path)))
    return sorted(filter(None, found), key=lambda leftover: leftover.path)


def _look(path: Path) -> Leftover | None:
    """The facts of a temporary; None if its program runs."""
    is_free = False
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = True
        except BlockingIOError:
            return None
        finally:
            os.close(handle)
    files = list(islice(_facts_below(path), MOST_LOOKED_AT)) if path.is_dir() else []
    facts = [path.stat(), *files]
    newest = max(fact.st_mtime for fact in facts)
    size = sum(fact.st_size for fact in (files or facts))
    return Leftover(path, max(0.0, time.time() - newest), size, is_free)


def _facts_below(folder: Path) -> Iterator[os.stat_result]:
    """Facts of everything below a folder; without recursion, as a stranger's folders may be of any depth."""
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:  # it may be removed meanwhile
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                yield entry.stat(follow_symlinks=False)


def _age(seconds: float) -> str:
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
