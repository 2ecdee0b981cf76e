"""The record of a run beside its results: which results are its own, so that a restart does only what is missing."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.writing_errors import writing

RECORD_NAME = "zsn2m-run.json"


@dataclass(frozen=True)
class Record:
    """A file in the folder of the results.

    Attributes:
        since: when the run began, by the clock of the results' file system
        is_new: no run of this kind began here before
    """

    path: Path
    kind: dict[str, Any]
    since: float
    is_new: bool

    def close(self, report: dict[str, Any]) -> None:
        """Add the report of the run."""
        _write(self.path, {"run": self.kind, "since": self.since, "report": report})


@contextmanager
def open_record(folder: Path, kind: dict[str, Any]) -> Iterator[Record]:
    """Go on with the run that is recorded in a folder, or begin a new one there; no other runs there meanwhile.

    Args:
        folder: made if need be
        kind: what makes results comparable: bundle, model, channel, orientations
    Raises:
        OutputError: the folder cannot be written, or another run writes there.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        yield _record_in(folder / RECORD_NAME, kind)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock that the system releases when the program ends; file systems without locks refuse nobody."""
    with ExitStack() as undo:
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            undo.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    f"{folder}: expected no other program to write here, but one does; wait for its end, or choose "
                    f"another output"
                ) from error
        yield


def _record_in(path: Path, kind: dict[str, Any]) -> Record:
    try:
        found = json.loads(path.read_text())
        if found["run"] == kind:
            return Record(path, kind, float(found["since"]), is_new=False)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    _write(path, {"run": kind, "since": 0.0})
    with writing(path):
        since = path.stat().st_mtime
    _write(path, {"run": kind, "since": since})
    return Record(path, kind, since, is_new=True)


def _write(path: Path, content: dict[str, Any]) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
