"""The self-test's tolerances are the same in Python, in C++ and on the page of the bundle's format."""

from __future__ import annotations

import re
from pathlib import Path

from zsn2m_runtime.verify import TOLERANCES

ROOT = Path(__file__).parents[2]
PYTHON = [(name, tolerance.largest, tolerance.rms) for name, tolerance in TOLERANCES.items()]


def rows(text: str, row: str) -> list[tuple[str, float, float]]:
    """Name, largest and root mean square of each match of a pattern with these three groups."""
    return [(name, float(largest), float(rms)) for name, largest, rms in re.findall(row, text)]


def test_cpp_has_the_tolerances_of_verify() -> None:
    source = (ROOT / "runtime/cpp/src/abi.cpp").read_text(encoding="utf-8")
    table = source.partition("kTolerances[] = {")[2].partition("};")[0]
    assert rows(table, r'\{"([\w.]+)", ([\de.-]+), ([\de.-]+)\}') == PYTHON  # in order: the first is for any other name


def test_the_format_has_the_tolerances_of_verify() -> None:
    page = (ROOT / "docs/bundle.md").read_text(encoding="utf-8")
    section = page.partition("## The self-test")[2].partition("\n## ")[0]
    assert rows(section, r"\| `([\w.]+)`[^|]*\| ([\de.-]+) \| ([\de.-]+) \|") == PYTHON
