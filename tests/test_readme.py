"""The commands and the Python of the README and of the tour, run as written."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docs.__main__ import old_pages

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README, TOUR = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/tour.md"))
LONGEST = 90  # lines of the README


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_readme_is_short_and_leads_to_every_document() -> None:
    assert len(README.splitlines()) <= LONGEST
    linked = set(re.findall(r"\]\(docs/([^)#]+)", README + TOUR.replace("](", "](docs/")))
    for name in list(linked):
        linked |= set(re.findall(r"\]\(([^)#/]+\.md)", (ROOT / "docs" / name).read_text(errors="replace")))
    assert [path.name for path in (ROOT / "docs").glob("*.md") if path.name not in linked] == []


def test_generated_pages_are_up_to_date() -> None:
    assert old_pages() == []  # else run: python -m scripts.docs


def run(text: str, folder: Path) -> int:
    """Run the commands of a document; how many there were."""
    commands = re.findall(r"(?m)^    zsn2m-deploy (.*)$", text)
    for command in commands:
        arguments = [sys.executable, "-m", "zsn2m_deploy", *shlex.split(command, comments=True)]
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    return len(commands)


@pytest.mark.slow
def test_the_readme_runs_as_written(tmp_path: Path) -> None:
    assert run(README, tmp_path) >= 3
    assert (tmp_path / "result.png").exists() and (tmp_path / "frame.zsn2m" / "report.html").exists()
    [code] = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    frame = "import numpy as np\nfrom PIL import Image\nframe = np.array(Image.open('frame.png'))\n"
    check = "assert clean.shape == frame.shape and clean.dtype == frame.dtype and (clean != frame).any()\n"
    subprocess.run([sys.executable, "-c", frame + code + check], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_the_tour_runs_as_written(tmp_path: Path) -> None:
    assert run(TOUR, tmp_path) >= 8
    listed = re.findall(r"`([a-z_]+\.[a-z]+)`", TOUR.split("| file |")[1].split("\n\n")[0])
    assert len(listed) >= 7
    assert [name for name in listed if not (tmp_path / "frame.zsn2m" / name).exists()] == []
    for name in ("clean/more_0000.png", "clean/more_0001.png", "result.png"):
        assert (tmp_path / name).exists()

    [code] = re.findall(r"```python\n(.*?)```", TOUR, flags=re.S)
    check = "assert clean.shape == frame.shape and clean.dtype == frame.dtype and (clean != frame).any()\n"
    subprocess.run([sys.executable, "-c", code + check], cwd=tmp_path, check=True)
