"""The hash of what made a row: what changes it and what does not; and what tables say of rows of older sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import recheck, resumable, sources

CODE = '''"""A module."""
from numpy import array

LIMIT = 3  # of something

def clamp(value: float) -> float:
    """Cut."""
    if value < 0:
        raise ValueError("below zero")
    return min(value, LIMIT)
'''
Digest = Callable[[str], str]


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Digest:
    monkeypatch.setattr(sources, "ROOT", tmp_path)

    def of(text: str) -> str:
        (tmp_path / "room.py").write_text(text)
        sources._parts.cache_clear()
        return sources.digest(["room.py"])

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3  # of something", "LIMIT = 3"),
        ('"""Cut."""', '"""Values above the limit are cut off."""'),
        ('"""A module."""', ""),
        ("value: float) -> float", "value)"),
        ("below zero", "expected no negative value"),
        ("min(value, LIMIT)", "min(\n        value,\n        LIMIT,\n    )"),
        ("from numpy import array", "import math"),
    ],
)
def test_words_and_format_do_not_make_rows_old(digest: Digest, old: str, new: str) -> None:
    assert old in CODE
    assert digest(CODE.replace(old, new)) == digest(CODE)


@pytest.mark.parametrize(
    ("old", "new"), [("= 3", "= 4"), ("min(", "max("), ("value < 0", "value <= 0"), ("LIMIT)", "LIMIT, 1)")]
)
def test_what_code_does_makes_rows_old(digest: Digest, old: str, new: str) -> None:
    assert old in CODE
    assert digest(CODE.replace(old, new)) != digest(CODE)


def test_a_definition_may_move_to_another_file_of_a_room(digest: Digest, tmp_path: Path) -> None:
    limit, clamp = CODE.split("\n\ndef ")
    assert digest(CODE) == (whole := sources.digest(["room.py"]))
    (tmp_path / "other.py").write_text(limit)
    digest(f"def {clamp}")
    assert sources.digest(["room.py", "other.py"]) == whole != sources.digest(["room.py"])


def test_weights_versions_and_settings_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    found = set()
    for content in (b"1", b"2"):
        (tmp_path / "weights.bin").write_bytes(content)
        sources._parts.cache_clear()
        found.add(sources.digest(["weights.bin"]))
    found |= {sources.digest(["weights.bin"], ["numpy"]), sources.digest(["weights.bin"], settings="fast")}
    assert len(found) == 4
    with pytest.raises(FileNotFoundError):
        sources.digest(["gone.py"])


@dataclass(frozen=True)
class Row:
    key: str
    figure: float | None
    sources: str


def test_tables_say_how_many_rows_are_older_and_how_far_they_moved() -> None:
    rows = [Row("a", 30.0, ""), Row("b", 20.0, ""), Row("c", None, "now")]
    assert "2 of 3 rows are older" in resumable.state(rows, lambda _: "now")
    again = [*rows, Row("b", 20.25, "now")]
    text = resumable.state(again, lambda _: "now")
    assert "1 of 3 rows are older" in text and "): 1, with a change of 0.250 dB" in text
    assert "all 3 rows are of today's" in resumable.state([*again, Row("a", 30.0, "now")], lambda _: "now")
    assert resumable.latest(again)[1].figure == 20.25


def test_rows_are_chosen_for_another_measurement_evenly_and_only_where_they_are_older() -> None:
    rows = [Row(key, 30.0, "now" if key == "c" else "") for key in "abcd"]
    kind = recheck.Kind(
        load=lambda: rows,
        today=lambda _: "now",
        tasks=lambda: [("method", key, [key]) for key in "abcd"] + [("other", "e", ["e"])],
        measure=lambda task: [],
        store=lambda found: None,
    )
    assert kind.older(None, 9) == ["a", "b", "d"]
    assert kind.older(["method"], 1) == ["b"]
    assert kind.older(["other"], 1) == []


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ((30.5, 19.5), "| verdicts | 2 | 25.00 | 25.00 | -0.500 to +0.500 | 1 |"),
        ((30.5, None), "| verdicts | 2 | 30.00 | 30.50 | +0.500 to +0.500 | 0 |"),  # means of the same rows
        ((None, None), "| verdicts | 2 |  |  |  | 0 |"),
    ],
)
def test_what_was_measured_again_is_stated_beside_the_first_time(
    now: tuple[float | None, float | None], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        Row("a", 30.0, ""),
        Row("b", 20.0, ""),
        Row("c", 10.0, ""),
        Row("a", now[0], "now"),
        Row("b", now[1], "now"),
    ]
    kind = recheck.Kind(
        load=lambda: rows,
        today=lambda _: "now",
        tasks=list,
        measure=lambda task: [],
        store=lambda found: None,
        said=lambda row: row.figure is not None and row.figure < 20,
    )
    monkeypatch.setattr(recheck, "KINDS", {"verdicts": kind})
    assert line in recheck.section()
