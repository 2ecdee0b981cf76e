"""The pages of docs/results, section by section: each benchmark replaces its own and leaves the others."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import PAGES, SECTIONS

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
FIGURES = RESULTS / "figures"
DATA = Path(os.environ.get("ZSN2M_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))  # the image sets
WIDTH = 118  # of lines of prose
_VERSIONED = ("torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless")
_NOT_PROSE = ("|", "!", "`", "#", "    ")  # a block that starts so is left as it is


def write_section(title: str, command: str, body: str, made: str | None = None) -> None:
    """Put a section into its page with the command that made it, and the machine, versions and date or `made`.

    Raises:
        KeyError: benchmarks/pages.py names no page for the section.
    """
    if title not in SECTIONS:
        raise KeyError(f"expected a section that benchmarks/pages.py names, got {title!r}; add it there")
    path = RESULTS / f"{SECTIONS[title].page}.md"
    section = f"## {title}\n\n`{command}`\n\n{wrapped(made or _here_and_now())}\n\n{wrapped(body.strip())}\n"
    text = path.read_text(encoding="utf-8") if path.exists() else f"# {PAGES[path.stem]}\n"
    parts = re.split(r"(?m)^(?=## )", text)
    places = [place for place, part in enumerate(parts) if part.startswith(f"## {title}\n")] or [len(parts)]
    parts[places[0] : places[0] + 1] = [section]
    path.write_text("\n".join(part.strip() + "\n" for part in parts), encoding="utf-8")
    print(section if made is None else title)


def wrapped(text: str) -> str:
    """Text whose paragraphs have no line above `WIDTH`; tables, pictures and code stay as they are."""
    blocks = text.split("\n\n")
    return "\n\n".join(block if block.startswith(_NOT_PROSE) else _wrapped(block) for block in blocks)


def _wrapped(block: str) -> str:
    if all(len(line) <= WIDTH for line in block.splitlines()):
        return block
    listed = block.startswith("- ")
    items: list[str] = re.split(r"(?m)\n(?=- )", block) if listed else [block]
    indent = "  " if listed else ""
    return "\n".join(
        line
        for item in items
        for line in textwrap.wrap(item, WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent)
    )


def _here_and_now() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONED)
    machine = f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{datetime.datetime.now(datetime.UTC).date()}, {machine}, {versions}"


def table(header: list[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines: list[Sequence[object]] = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def processor() -> str:
    try:
        names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        return str(names[0])
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
