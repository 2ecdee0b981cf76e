"""Commands where optional packages are missing: what works without them, and what the others say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import Clip
from support.commands import COMMANDS, Ended, write_frame

from zsn2m_runtime.doctor import FOR_TRAINING

OPTIONAL = ("av", *FOR_TRAINING)
PROGRAM = """
import contextlib, io, json, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from zsn2m_deploy.cli import main
ended = []
for line in sys.argv[2:]:
    sys.argv, code = ["zsn2m-deploy", *line.split()], 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    ended.append((code, out.getvalue(), err.getvalue()))
print(json.dumps({"ended": ended, "loaded": [name for name in ("av", "torch") if sys.modules.get(name)]}))
"""


@dataclass(frozen=True)
class Run:
    """Commands that have ended, and which of PyAV and torch are loaded then."""

    ended: list[Ended]
    loaded: list[str]


def run_without(missing: Sequence[str], *lines: str) -> Run:
    """Commands in a process of their own in which these packages cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(missing), *lines],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    found = json.loads(done.stdout)
    return Run([Ended(*each) for each in found["ended"]], found["loaded"])


@pytest.fixture
def place(make_bundle: BundleMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: cam.zsn2m, the folder of images in/, stack.tif, clip.mkv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cam.zsn2m").symlink_to(make_bundle())
    (tmp_path / "in").mkdir()
    for name in ("in/a.png", "in/b.png", "stack.tif"):
        write_frame(tmp_path / name)
    Clip("ffv1", "bgr0").write(tmp_path / "clip.mkv")
    return tmp_path


def test_images_need_no_optional_package(place: Path) -> None:
    np.save("frame.npy", np.full((9, 11, 3), 100, np.uint8))
    written = {
        "denoise cam.zsn2m in/a.png -o out.png": "out.png",
        "denoise cam.zsn2m in -o out": "out/b.png",
        "denoise cam.zsn2m frame.npy -o out.npy": "out.npy",
        "stream cam.zsn2m in -o streamed": "streamed/b.png",
        "stream cam.zsn2m stack.tif -o out.tif": "out.tif",
        "verify cam.zsn2m": None,
        "inspect cam.zsn2m": None,
        "inspect in/a.png": None,
        "export cam.zsn2m --cpp project": "project/README.md",
        "doctor": None,
    }
    for line, ended in zip(written, run_without(OPTIONAL, *written).ended, strict=True):
        assert ended.code == 0, (line, ended.err)
    assert all((place / name).is_file() for name in written.values() if name)
    assert np.load("out.npy").shape == (9, 11, 3)


@pytest.mark.usefixtures("place")
def test_images_load_no_optional_package_that_is_there() -> None:
    images = ["denoise cam.zsn2m in/a.png -o out.png", "stream cam.zsn2m in -o out"]
    assert run_without(["none_of_this_name"], *images).loaded == []
    assert run_without(["none_of_this_name"], "inspect clip.mkv").loaded == ["av"]


def test_videos_without_pyav_name_the_extra(place: Path) -> None:
    lines = [
        "stream cam.zsn2m clip.mkv -o out.mkv",
        "stream cam.zsn2m in -o out.mp4",
        "stream cam.zsn2m - --raw 8x6:rgb24 -o out",
        "stream cam.zsn2m rtsp://127.0.0.1:1/live -o out.mkv",
        "inspect clip.mkv",
        "train-and-export clip.mkv",
    ]
    before = sorted(place.rglob("*"))
    for line, ended in zip(lines, run_without(["av"], *lines).ended, strict=True):
        assert ended.code == 4, (line, ended.err)
        assert "PyAV" in ended.err and "pip install 'zsn2m-deploy[video]'" in ended.err, line
    assert sorted(place.rglob("*")) == before


@pytest.mark.usefixtures("place")
def test_a_misspelt_folder_asks_for_no_pyav() -> None:
    [ended] = run_without(["av"], "stream cam.zsn2m inn -o out").ended
    assert ended.code == 3
    assert "inn: expected" in ended.err and "PyAV" not in ended.err


@pytest.mark.usefixtures("place")
def test_doctor_says_what_each_command_lacks() -> None:
    machines, people = run_without(["av"], "doctor --json", "doctor").ended
    assert (machines.code, people.code) == (0, 0)
    commands = machines.json["commands"]
    assert {name for name, lacking in commands.items() if lacking} == {
        "inspect VIDEO",
        "stream VIDEO",
        "train-and-export VIDEO",
    }
    assert {name.split()[0] for name in commands} == set(COMMANDS) - {"doctor"}
    assert "command stream VIDEO" in people.out
