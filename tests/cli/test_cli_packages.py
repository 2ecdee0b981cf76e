"""Commands where optional packages are missing: what works without them, and what the others say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import Clip
from support.commands import COMMANDS, write_frame

from zsn2m_runtime.doctor import FOR_TRAINING

OPTIONAL = ("av", *FOR_TRAINING)
PROGRAM = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from zsn2m_deploy.cli import main
try:
    main()
finally:
    loaded = [name for name in ("av", "torch") if sys.modules.get(name)]
    print("loaded:", *loaded, file=sys.stderr)
"""


def run_without(missing: Sequence[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own in which these packages cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(missing), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )


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


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("denoise cam.zsn2m in/a.png -o out.png", "out.png"),
        ("denoise cam.zsn2m in -o out", "out/b.png"),
        ("stream cam.zsn2m in -o out", "out/b.png"),
        ("stream cam.zsn2m stack.tif -o out.tif", "out.tif"),
        ("verify cam.zsn2m", None),
        ("inspect cam.zsn2m", None),
        ("inspect in/a.png", None),
        ("export cam.zsn2m --cpp project", "project/README.md"),
        ("doctor", None),
    ],
)
def test_images_need_no_optional_package(place: Path, line: str, written: str | None) -> None:
    done = run_without(OPTIONAL, *line.split())
    assert done.returncode == 0, done.stderr
    assert written is None or (place / written).is_file()


@pytest.mark.parametrize("line", ["denoise cam.zsn2m in/a.png -o out.png", "stream cam.zsn2m in -o out", "doctor"])
def test_images_load_no_optional_package_that_is_there(place: Path, line: str) -> None:
    done = run_without(["none_of_this_name"], *line.split())
    assert done.returncode == 0, done.stderr
    expected = "loaded: av" if line == "doctor" else "loaded:"  # doctor looks whether it can be imported
    assert done.stderr.splitlines()[-1] == expected


@pytest.mark.parametrize(
    "line",
    [
        "stream cam.zsn2m clip.mkv -o out.mkv",
        "stream cam.zsn2m in -o out.mp4",
        "stream cam.zsn2m - --raw 8x6:rgb24 -o out",
        "stream cam.zsn2m rtsp://127.0.0.1:1/live -o out.mkv",
        "inspect clip.mkv",
        "train-and-export clip.mkv",
    ],
)
def test_videos_without_pyav_name_the_extra(place: Path, line: str) -> None:
    before = sorted(place.rglob("*"))
    done = run_without(["av"], *line.split())
    assert done.returncode == 4, done.stderr
    assert "PyAV" in done.stderr and "pip install 'zsn2m-deploy[video]'" in done.stderr
    assert sorted(place.rglob("*")) == before


def test_a_misspelt_folder_asks_for_no_pyav(place: Path) -> None:
    done = run_without(["av"], "stream", "cam.zsn2m", "inn", "-o", "out")
    assert done.returncode == 3
    assert "inn: expected" in done.stderr and "PyAV" not in done.stderr


def test_doctor_says_what_each_command_lacks(place: Path) -> None:
    done = run_without(["av"], "doctor", "--json")
    assert done.returncode == 0, done.stderr
    commands = json.loads(done.stdout)["commands"]
    assert {name for name, lacking in commands.items() if lacking} == {
        "inspect VIDEO",
        "stream VIDEO",
        "train-and-export VIDEO",
    }
    assert {name.split()[0] for name in commands} == set(COMMANDS) - {"doctor"}
    assert "command stream VIDEO" in run_without(["av"], "doctor").stdout


def test_an_array_comes_back_without_any_of_them(place: Path) -> None:
    np.save("frame.npy", np.full((9, 11, 3), 100, np.uint8))
    assert run_without(OPTIONAL, "denoise", "cam.zsn2m", "frame.npy", "-o", "out.npy").returncode == 0
    assert np.load("out.npy").shape == (9, 11, 3)
