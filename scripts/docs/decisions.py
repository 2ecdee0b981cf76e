"""The index of docs/decisions: every decision under its subject."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = """# Decisions

What somebody may want to reverse, one decision a file: what was decided, why, what was measured, when. "Crops" are
centre crops of Kodak images with Gaussian noise of sigma 25, not clamped, strength 1, unless a page says otherwise.
A page whose decision was replaced says so in its first line. New: a file with a title, the paragraphs **Decision.**,
**Why.**, **Evidence.** and a last line `**Subject:** ... **Date:** ...`; then `python -m scripts.docs`, which makes
this index.
"""
OTHER = "Other"  # the subject of a page that names none


def index(folder: Path) -> str:
    """The text of the index.

    Args:
        folder: docs/decisions.
    """
    subjects: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        text = path.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        found = re.search(r"\*\*Subject:\*\* ([^.\n]*)", text)
        replaced = " (superseded in part)" if "**Status:**" in text else ""
        subjects.setdefault(found[1] if found else OTHER, []).append(f"- [{title}]({path.name}){replaced}")
    parts = [f"## {subject}\n\n" + "\n".join(lines) + "\n" for subject, lines in sorted(subjects.items())]
    return "\n".join([HEAD, *parts])
