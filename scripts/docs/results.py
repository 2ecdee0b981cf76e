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
the image sets that `benchmarks/quality/cases.py` names, in the folder that `ZSN2M_DATA` names. What single choices are
worth: [decisions](../decisions/README.md).

## Rows and their sources

Rows that took long are kept in `benchmarks/quality/rows.csv` and `cross_frame.csv`, `benchmarks/verdicts/rows.csv` and
`benchmarks/regular.csv`. "code" names the commits that they were made at. Each row has the hash of the sources that
made it (`benchmarks/sources.py`: for the default the rooms `adapt/`, `noise/`, `fit/`, the network and its weights; for
peers the version of their package), which comments, docstrings and the words of errors do not change; rows of before
hashes were kept, in November 2026, have none. "Sources" says how many rows of a section are older than today's.
[The tables, measured again](quality.md#the-tables-measured-again): how far a sample of them has moved.

## Tuning and test frames

Thresholds are set on one half of the frames and tested on the other (`benchmarks/split.py`). Image sets: every second
sorted name from the first on is for tuning, the others are for tests; of FMD every second configuration of microscope
and sample, so that no scene is in both. Drawn frames: seeds below 1000 are for tuning. The tables of quality state both
halves. Thresholds and weights of losses from before the sets were split, on 2026-11-28, have seen all frames.
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
