"""The README's commands and Python, run as written."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = README.split("## Three minutes")[1].split("\n## ")[0]


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.slow
def test_the_tour_runs_as_written(tmp_path: Path) -> None:
    commands = re.findall(r"(?m)^    zsn2m-deploy (.*)$", TOUR)
    assert len(commands) >= 8
    for command in commands:
        arguments = [sys.executable, "-m", "zsn2m_deploy", *shlex.split(command)]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    listed = re.findall(r"`([a-z_]+\.[a-z]+)`", TOUR.split("| file |")[1].split("\n\n")[0])
    assert len(listed) >= 7
    assert [name for name in listed if not (tmp_path / "frame.zsn2m" / name).exists()] == []
    for name in ("clean/more_0000.png", "clean/more_0001.png", "result.png"):
        assert (tmp_path / name).exists()

    [code] = re.findall(r"```python\n(.*?)```", TOUR, flags=re.S)
    check = "assert clean.shape == frame.shape and clean.dtype == frame.dtype and (clean != frame).any()\n"
    subprocess.run([sys.executable, "-c", code + check], cwd=tmp_path, check=True)
