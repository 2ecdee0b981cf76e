"""RESULTS.md, section by section: each benchmark replaces its own and leaves the others."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
DATA = Path(os.environ.get("ZSN2M_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))  # the image sets
_VERSIONED = ("torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless")


def write_section(title: str, command: str, body: str, made: str | None = None) -> None:
    """Put a section into RESULTS.md with the command that made it, and the machine, versions and date or `made`."""
    section = f"## {title}\n\n`{command}`\n\n{made or _here_and_now()}\n\n{body.strip()}\n"
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
    parts = re.split(r"(?m)^(?=## )", text)
    kept = [part for part in parts if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join(part.strip() + "\n" for part in [*kept, section]), encoding="utf-8")
    print(section if made is None else title)


def _here_and_now() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONED)
    machine = f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{datetime.datetime.now(datetime.UTC).date()}, {machine}, {versions}"


def table(header: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def processor() -> str:
    try:
        names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        return str(names[0])
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
