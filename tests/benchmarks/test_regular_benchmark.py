"""The tables of the benchmark of regular detail count by the truth."""

from __future__ import annotations

from benchmarks.regular import BEFORE, NOW, Row, summary, trainings


def row(label: str, result: float, said: str = "", seed: int = 1000) -> Row:
    return Row(label, "lines", 2.3, 5.0, seed, 5.1, 34.0, result, said, code="", date="", machine="", sources="")


def test_results_worse_than_their_frames_are_counted_with_what_was_said_of_them() -> None:
    rows = [row(BEFORE, 20.0), row(BEFORE, 30.0, "lost", 1001), row(NOW, 36.0), row(NOW, 33.95, seed=1001)]
    text = summary(rows)
    assert "| before | 2 | 2 | 1 | -14.0 | -9.0 |" in text
    assert "| now | 2 | 0 | 0 | -0.0 | +1.0 |" in text
    assert "| lines | 2.3 | 5 | 34.0 | 5.1 | 20.0 | no | 5.1 | 36.0 | no |" in trainings(rows)
