"""What killed programs leave is recognised and named by the next one; of those that run, nothing is said."""

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import HEIGHT, WIDTH, pixels_of
from support.commands import run_command, write_frame
from support.streams import ONE_THREAD, STREAM

from zsn2m_runtime import leftovers
from zsn2m_runtime.atomic import atomic_file, atomic_folder
from zsn2m_runtime.files import open_image

RAW = ("-", "--raw", f"{WIDTH}x{HEIGHT}:rgb24")
KILLED = """
import os, sys
import zsn2m_deploy.api, zsn2m_deploy.bundle.export, zsn2m_runtime.denoiser
from support.commands import untrained
def die(*_, **__): os.kill(os.getpid(), 9)
zsn2m_deploy.api.train_networks = untrained
{patched} = die
from zsn2m_deploy.cli import main
sys.argv[1:] = {arguments}
main()
"""


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_seen", set())


def hidden(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.startswith(leftovers.PREFIX))


@contextmanager
def recording(bundle: Path, out: Path, frames: int) -> Iterator[subprocess.Popen[bytes]]:
    """A stream of noise that has written some frames and waits for more."""
    noise = np.random.default_rng(0).integers(90, 160, (frames, HEIGHT, WIDTH, 3), np.uint8)
    command = [*map(str, [*STREAM, bundle, *RAW, "-o", out]), *ONE_THREAD, "--json"]
    command += ["--lossless"] if out.suffix == ".mkv" else []  # else x264 holds back many frames
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin
        for frame in noise:
            running.stdin.write(frame.tobytes())
            running.stdin.flush()
        for _ in range(200):
            if hidden(out.parent) and (hidden(out.parent)[0].stat().st_size > 4000 or running.poll() is not None):
                break
            time.sleep(0.1)
        yield running
        running.kill()


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out.tif"])
def test_a_killed_recording_is_named_and_its_frames_can_be_had(
    name: str,
    make_bundle: BundleMaker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = write_frame(tmp_path / "a.png")
    with recording(make_bundle(), tmp_path / name, 400) as running:
        assert running.poll() is None
        assert leftovers.find_leftovers(tmp_path) == []  # it runs
        run_command(capsys, "denoise", make_bundle(), frame, "-o", tmp_path / "b.png")
        assert not any("unfinished" in text for text in caplog.messages)
        running.send_signal(signal.SIGKILL)
        running.wait()
    (left,) = hidden(tmp_path)
    leftovers._seen.clear()
    run_command(capsys, "denoise", make_bundle(), frame, "-o", tmp_path / "b.png")
    said = caplog.messages[-1]
    assert f"{left}: an unfinished output of a program that was killed, less than a minute old" in said
    assert f"mv {left.name} recovered{left.suffix}" in said
    assert left.exists()
    whole = left.rename(tmp_path / f"recovered{left.suffix}")
    if name.endswith(".tif"):
        with open_image(whole) as stack:
            assert stack.page_count > 0
    else:
        assert len(pixels_of(whole, live=True)) > 0


@pytest.mark.parametrize(
    ("patched", "arguments"),
    [
        ("zsn2m_runtime.denoiser.Denoiser.denoise", ["denoise", "cam.zsn2m", "a.png", "-o", "b.png"]),
        ("zsn2m_deploy.api._with_report", ["train-and-export", "a.png", "-o", "new.zsn2m"]),
        ("zsn2m_deploy.bundle.export.export_networks", ["export", "cam.zsn2m"]),
    ],
    ids=["denoise", "train-and-export", "export"],
)
def test_what_a_killed_command_leaves_is_named(
    patched: str,
    arguments: list[str],
    make_bundle: BundleMaker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_frame(tmp_path / "a.png")
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    program = KILLED.format(patched=patched, arguments=arguments)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # pytest's own, with what tests share
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = hidden(tmp_path)
    leftovers._seen.clear()  # as in a new process
    ended = run_command(capsys, "denoise", bundle, tmp_path / "a.png", "-o", tmp_path / "c.png")
    assert ended.code == 0
    assert any(f"{left}: an unfinished output of a program that was killed, " in text for text in caplog.messages)
    assert left.exists()


def test_of_running_programs_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with atomic_file(tmp_path / "a.png"), atomic_folder(tmp_path / "b", overwrite=False) as folder:
        (folder / "manifest.json").write_text("{}")
        assert len(hidden(tmp_path)) == 2
        assert leftovers.find_leftovers(tmp_path) == []
    assert not caplog.records
    assert hidden(tmp_path) == []


def test_leftovers_are_named_once_with_size_and_age(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / f"{leftovers.PREFIX}0"
    folder.mkdir()
    (folder / "grd.onnx").write_bytes(bytes(2_500_000))
    for path in (folder / "grd.onnx", folder):
        os.utime(path, (0, path.stat().st_mtime - 5 * 3600))
    for number in range(3):
        with atomic_file(tmp_path / f"{number}.png"):
            pass
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert text == f"{folder}: an unfinished output of a program that was killed, 5 hours old, 2.5 MB; delete it"


def test_without_locks_it_may_belong_to_a_program_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / f"{leftovers.PREFIX}0.png").write_bytes(b"x")
    (found,) = leftovers.find_leftovers(tmp_path)
    assert "or that still runs" in found.in_words() and "delete it if no program writes there" in found.in_words()
    with atomic_file(tmp_path / "a.png") as temporary:
        temporary.write_bytes(b"y")
    assert (tmp_path / "a.png").read_bytes() == b"y"


def test_folders_without_end_in_a_leftover(tmp_path: Path) -> None:
    """Anybody may give a folder such a name."""
    folder = os.open(tmp_path, os.O_RDONLY)
    for name in (f"{leftovers.PREFIX}0", *["d"] * 2000):  # a path of more than 4,096 letters, and too deep to recurse
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    (left,) = leftovers.find_leftovers(tmp_path)
    assert left.path == tmp_path / f"{leftovers.PREFIX}0"
    subprocess.run(["rm", "-r", left.path], check=True)  # pytest's own way would recurse
