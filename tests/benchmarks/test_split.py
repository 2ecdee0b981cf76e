"""The tuning and the test half of the frames."""

from __future__ import annotations

import pytest

from benchmarks import split
from benchmarks.quality import cases


def test_every_second_sorted_name_tests() -> None:
    assert split.half_of(["c", "a", "d", "b"], "tuning") == ["a", "c"]
    assert split.half_of(["c", "a", "d", "b"], "test") == ["b", "d"]
    assert not set(split.seeds("tuning", 1000)) & set(split.seeds("test", 9))


def test_captures_of_one_configuration_are_in_one_half(monkeypatch: pytest.MonkeyPatch) -> None:
    captures = [f"noisy/{name}_{number}.png" for number in (1, 2) for name in ("fish", "mice")]
    monkeypatch.setattr(cases, "names", lambda dataset: captures)
    split.halves_of.cache_clear()
    assert split.halves_of("fmd") == {"fish_1": "tuning", "mice_1": "test", "fish_2": "tuning", "mice_2": "test"}
    split.halves_of.cache_clear()
