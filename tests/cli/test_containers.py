"""A locked-down machine: read-only but for the output, no home, no temporary folder, a user without a name."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from support.commands import run_command, write_frame
from support.traces import COMMANDS, ROOT, RUN_ALL, TINY

from zsn2m_deploy.cli.unexpected import explained
from zsn2m_runtime.atomic import atomic_folder
from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.machine.temporary_files import temporary_files_beside

# Run by root in a mount namespace of its own; then as a user who is in no list, may read everything and owns nothing.
CONTAINER = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/in /mnt/out
mount --bind "$PLACE/in" /mnt/in
mount --bind "$PLACE/out" /mnt/out
mount -o remount,ro /mnt
for folder in /tmp /var/tmp /dev/shm; do [ ! -d $folder ] || mount -t tmpfs -o ro tmpfs $folder; done
cd /mnt
read=-all,+dac_read_search
setpriv --reuid 12345 --regid 12345 --clear-groups --inh-caps=$read --ambient-caps=$read --bounding-set=$read \\
    env -i PATH="$PATH" PYTHONPATH="$PYTHONPATH" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 HOME=/nonexistent "$@"
"""
Container = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """Runs commands beside in/a.png and in/tiny.toml, where out/ alone can be written; says how they ended."""
    if os.name != "posix" or os.geteuid() or not all(shutil.which(tool) for tool in ("unshare", "setpriv", "bash")):
        pytest.skip("needs root, unshare and setpriv to lock a user up")
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "out").chmod(0o777)
    write_frame(tmp_path / "in" / "a.png", side=48)
    (tmp_path / "in" / "tiny.toml").write_text(TINY)
    (tmp_path / "in" / "run_all.py").write_text(RUN_ALL)
    paths = os.pathsep.join(str(ROOT / name) for name in (".", "export", "runtime"))
    environment = os.environ | {"PLACE": str(tmp_path), "PYTHONPATH": paths}

    def run(commands: str) -> subprocess.CompletedProcess[str]:
        locked = ["unshare", "-m", "bash", "-c", CONTAINER, "container", sys.executable, "/mnt/in/run_all.py"]
        return subprocess.run(
            locked, input=commands, cwd="/", env=environment, capture_output=True, text=True, check=False
        )

    probe = ["unshare", "-m", "bash", "-c", CONTAINER, "container", "true"]
    tried = subprocess.run(probe, cwd="/", env=environment, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"locking a user up is not allowed here: {tried.stderr.strip()}")
    return run


@pytest.mark.slow
def test_every_command_works_with_the_output_folder_alone(container: Container, tmp_path: Path) -> None:
    done = container(COMMANDS)
    assert done.returncode == 0, done.stderr
    assert "telemetry" not in done.stderr
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {
        "b.png",
        "c.mkv",
        "cam.zsn2m",
        "s.png",
        "s_clean.png",
    }


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("train-and-export in/a.png -o a.zsn2m", 6, "a.zsn2m: expected to be able to write here, but the file system"),
        ("train-and-export in/a.png -o out --overwrite", 6, "something is mounted"),
        ("sample /nowhere/s.png", 6, "/nowhere/s.png: expected to be able to write here, but permission denied"),
    ],
)
def test_what_cannot_be_written_is_said_first(container: Container, command: str, code: int, said: str) -> None:
    done = container(command)
    assert f"ended with {code}" in done.stderr
    assert said in done.stderr and "this is a bug" not in done.stderr


def no_folder() -> NoReturn:
    """In the place of Python's search for a folder for temporary files."""
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")


@pytest.fixture
def without_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", no_folder)


@pytest.mark.usefixtures("without_temporary_folder")
def test_temporary_files_go_beside_the_output_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)  # torch of this process has set it already
    with temporary_files_beside(tmp_path / "new" / "cam.zsn2m"):
        folder = Path(tempfile.gettempdir())
        assert folder.parent == tmp_path and folder.name.startswith(".partial-")
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "torchinductor")  # as torch does
        (folder / "left").write_text("over")
    assert not list(tmp_path.iterdir())
    assert tempfile.tempdir is None and "TORCHINDUCTOR_CACHE_DIR" not in os.environ


@pytest.mark.usefixtures("without_temporary_folder")
def test_quantising_needs_no_folder_of_the_system(
    capsys: pytest.CaptureFixture[str], calm_bundle: Path, tmp_path: Path
) -> None:
    bundle = shutil.copytree(calm_bundle, tmp_path / "cam.zsn2m")
    ended = run_command(capsys, "export", bundle, "--precision", "int8", "--model", "mbd")
    assert ended.code == 0, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["cam.zsn2m"]


def test_the_current_folder_is_no_place_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    monkeypatch.setattr(tempfile, "tempdir", str(current))  # where Python has found no other
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    with temporary_files_beside(tmp_path / "cam.zsn2m"):
        assert Path(tempfile.gettempdir()).parent == tmp_path
    monkeypatch.setenv("TMPDIR", str(current))  # unless the user says so
    with temporary_files_beside(tmp_path / "cam.zsn2m"):
        assert tempfile.gettempdir() == str(current)


def test_a_folder_of_the_system_is_taken_as_it_is(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with temporary_files_beside(tmp_path / "cam.zsn2m"):
        assert tempfile.gettempdir() == before
        assert not list(tmp_path.iterdir())


def test_a_mounted_folder_is_not_swapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "out")

    def busy(self: Path, _target: Path) -> NoReturn:
        raise OSError(errno.EBUSY, "Device or resource busy", str(self))

    monkeypatch.setattr(Path, "rename", busy)
    with (
        pytest.raises(OutputError, match=r"out: .*mounted.*out/NAME"),
        atomic_folder(tmp_path / "out", overwrite=True),
    ):
        pass


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 6, "the disk is full; free some space"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), 6, "'/x': the file system is read-only"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 6, "permission denied; name an output"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), 6, "set TMPDIR to one"),
        (ModuleNotFoundError("No module named 'av'", name="av"), 4, "package av.*doctor"),
        (MemoryError("Unable to allocate 9 GiB"), 4, "expected enough memory, .*9 GiB.*; free some"),
        (ModuleNotFoundError("no", name="zsn2m_runtime.nothing"), 1, "this is a bug"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"),
            6,
            "check that files and folders are still",
        ),
        (ZeroDivisionError("oops"), 1, "unexpected ZeroDivisionError: oops; this is a bug"),
    ],
)
def test_the_machines_own_errors_are_not_called_bugs(error: Exception, code: int, said: str) -> None:
    text, ended = explained(error)
    assert ended == code
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(text)
