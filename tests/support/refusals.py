"""Commands that must fail and leave every file as it was; a read-only or full disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.commands import run_command

Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Gives the message of a command that must fail with a code and leave every file as it was."""
    monkeypatch.chdir(tmp_path)

    def refuse(code: int, *arguments: object) -> str:
        before = snapshot(tmp_path)
        ended = run_command(capsys, *arguments)
        assert (ended.code, ended.out) == (code, ""), ended
        assert "Traceback" not in ended.err
        assert "this is a bug" not in ended.err
        assert snapshot(tmp_path) == before
        message = ended.err.strip().splitlines()[-1]
        assert message.lower().startswith("error: ") or code == 130
        return message

    return refuse


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A tmpfs at a new folder; the test is skipped where it cannot be mounted."""
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no mount command")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
