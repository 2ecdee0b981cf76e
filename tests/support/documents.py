"""The documents of the repository, and what is in them: links, headings, prose, commands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (
        *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
        *sorted(DOCS.rglob("*.md")),
    )
}


def read(name: str) -> str:
    return PAGES[name].read_text(encoding="utf-8")


def prose(text: str) -> list[str]:
    """Lines that are neither tables, pictures nor code; a link counts as its words."""
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    lines = [line for line in text.splitlines() if not re.match(r"\||!\[|    \S|`[^`]*`$|<", line)]
    return [re.sub(r"\]\([^)]*\)?", "]", line) for line in lines]


def anchors(text: str) -> set[str]:
    """The fragments that GitHub gives the headings."""
    found: list[str] = []
    for heading in re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.append(f"{anchor}-{found.count(anchor)}" if anchor in found else anchor)
    return set(found)


def commands(text: str) -> list[str]:
    """What is written to be typed: the arguments of each `zsn2m-deploy` in an indented block."""
    return re.findall(r"(?m)^    zsn2m-deploy (.*)$", text)


def python(text: str) -> list[str]:
    """The blocks of Python."""
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def run(command: str, folder: Path, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command as it is written."""
    arguments = [sys.executable, "-m", "zsn2m_deploy", *shlex.split(command, comments=True)]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in codes, f"{command}: {done.returncode}: {done.stderr}"
