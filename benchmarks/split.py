"""Two halves of all frames: thresholds are set on the tuning half, and tables state the test half beside it.

Image sets: every second sorted name from the first on is for tuning, the others are for tests; of FMD every second
configuration, so that no scene is in both. Drawn frames: seeds below 1000 are for tuning.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from benchmarks.quality import cases

Half = Literal["tuning", "test"]
Name = TypeVar("Name", str, Path, int)

HALVES: tuple[Half, Half] = ("tuning", "test")
FIRST_TEST_SEED = 1000


def half_of(names: Iterable[Name], half: Half) -> list[Name]:
    """Every second of the sorted names (or paths, or numbers of pages)."""
    return sorted(names)[HALVES.index(half) :: 2]


def seeds(half: Half, count: int) -> range:
    """The first seeds of a half."""
    first = 0 if half == "tuning" else FIRST_TEST_SEED
    return range(first, first + count)


@functools.cache
def halves_of(dataset: str) -> Mapping[str, Half]:
    """The half of each image of a set, by its name without folder and suffix."""
    scenes = {Path(name).stem: _scene(dataset, name) for name in cases.names(dataset)}
    test = set(half_of(set(scenes.values()), "test"))
    return {name: "test" if scene in test else "tuning" for name, scene in scenes.items()}


def _scene(dataset: str, name: str) -> str:
    """FMD has several captures of a configuration; other sets have one picture of a scene."""
    return Path(name).stem.rpartition("_")[0] if dataset == "fmd" else name
