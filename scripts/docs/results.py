"""The index of docs/results: what each section shows, the command that makes it, and when and by what it was made."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from benchmarks.pages import PAGES, SECTIONS
from benchmarks.results import WIDTH

HEAD = """# Results

Everything that was measured, by subject. Each section of a page is written by the program that its command names, from
the image sets that `benchmarks/quality/cases.py` names, in the folder that `ZSN2M_DATA` names. Rows that took long are
kept in `benchmarks/quality/rows.csv`, `benchmarks/quality/cross_frame.csv` and `benchmarks/verdicts/rows.csv`. What
single choices are worth: [decisions](../decisions/README.md). "code" names the commits that the rows were made at; a
section that later changes have passed by says so here and in its page.
"""


def index(folder: Path) -> str:
    """The text of the index.

    Args:
        folder: docs/results.
    """
    parts = [HEAD]
    for page, title in PAGES.items():
        entries = "\n".join(_entries(folder / f"{page}.md"))
        parts.append(f"## [{title}]({page}.md)\n\n{entries}\n")
    return "\n".join(parts)


def _entries(path: Path) -> Iterator[str]:
    for section in re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))[1:]:
        title, command, made, *rest = section.split("\n\n")
        note = " ".join(rest[0].split()) if rest and rest[0].startswith("**") else ""
        yield from _item(f"- [{title}]({path.name}#{anchor(title)}): {SECTIONS[title].shows}", "  ")
        for line in (command.strip(), " ".join(made.split()), _from_here(note, path.name)):
            yield from _item(f"  - {line}", "    ") if line else ()


def _item(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent)


def _from_here(note: str, page: str) -> str:
    return re.sub(r"\]\(#", f"]({page}#", note)


def anchor(title: str) -> str:
    """The fragment that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
