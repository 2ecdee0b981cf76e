"""Which rows count, and how the methods that they belong to compare: always on the same frames."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.quality import cases
from benchmarks.quality.methods import METHODS, OURS, PAPER, SENSOR
from benchmarks.quality.plan import EXPERIMENTS, PRESETS, QUICK, TRAINED
from benchmarks.quality.rows import Row

REFERENCE = f"{SENSOR} sensor"
SAME = {f"{OURS} full mbd": f"{OURS} mbd", f"{PAPER} full mbd": f"{PAPER} mbd"}  # stage full trains MBD-Net too
SHOWN = tuple(  # side by side in the tables
    dict.fromkeys(
        SAME.get(f"{name} {result}".strip(), f"{name} {result}".strip())
        for name in (SENSOR, *PRESETS, *TRAINED, f"{PAPER} full", *QUICK)
        for result in METHODS[name].results
    )
)
STRENGTHS = tuple(f"{name} mbd" for name in METHODS if name.startswith("strength "))

Frame = tuple[str, int]  # image and seed
Scores = dict[Frame, Row]  # of one method
Results = dict[str, Scores]  # by method


@dataclass(frozen=True)
class Step:
    """The mean difference of two methods in dB on the n images that both have, and its standard error."""

    n: int
    mean: float
    error: float

    @property
    def verdict(self) -> str:
        """Up or down where the difference is at least twice its error, else a tie; nothing from one frame."""
        if self.n < 2:
            return "open"
        if self.mean == 0 or abs(self.mean) < 2 * self.error:
            return "tie"
        return "up" if self.mean > 0 else "down"


def step(upper: Scores, lower: Scores) -> Step:
    """What `upper` gains over `lower`; the seeds of an image, which are not independent, are averaged first."""
    by_image: dict[str, list[float]] = {}
    for frame in sorted(upper.keys() & lower.keys()):
        by_image.setdefault(frame[0], []).append(upper[frame].psnr - lower[frame].psnr)
    gains = [statistics.fmean(of) for of in by_image.values()]
    mean = statistics.fmean(gains) if gains else math.nan
    error = statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.nan
    return Step(len(gains), mean, error)


def mean(scores: Scores, field: str) -> float:
    """The mean of a field of a method's rows."""
    return statistics.fmean(getattr(row, field) for row in scores.values())


def planned(rows: Iterable[Row]) -> list[Row]:
    """The rows of frames that the plan has: rows of [5, 50] at levels of an earlier plan are left out."""
    tasks = {task for tasks in EXPERIMENTS.values() for task in tasks()}
    spreads = {(task.dataset, task.image, task.noise, task.seed, task.spread) for task in tasks}
    frames = {
        (dataset, Path(image).stem, noise, seed, round(cases.level(noise, image, cases.names(dataset, spread)), 4))
        for dataset, image, noise, seed, spread in spreads
    }
    return [row for row in rows if (row.dataset, row.image, row.noise, row.seed, row.level) in frames]


def unique(rows: Iterable[Row]) -> list[Row]:
    """One row a frame and method, the last one measured; MBD-Net of stage full where MBD-Net alone was not run."""
    found: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row.method not in SAME):  # stable: stage full first, to be replaced
        named = replace(row, method=SAME.get(row.method, row.method))
        found[named.dataset, named.image, named.noise, named.seed, named.method] = named
    return list(found.values())


def select(rows: Iterable[Row], dataset: str, noise: str, prefix: str = "") -> Results:
    """The scores on a set with a noise, images whose names start with `prefix`."""
    found: Results = {}
    for row in rows:
        if (row.dataset, row.noise) == (dataset, noise) and row.image.startswith(prefix):
            found.setdefault(row.method, {})[row.image, row.seed] = row
    return found


def common(found: Mapping[str, Scores]) -> Results:
    """The scores on the frames that every one of the methods has."""
    frames = set.intersection(*(set(scores) for scores in found.values())) if found else set()
    return (
        {name: {frame: scores[frame] for frame in sorted(frames)} for name, scores in found.items()} if frames else {}
    )


def sweep(rows: Iterable[Row], dataset: str, noise: str) -> Results:
    """The strengths in ascending order, each on the frames that all of them have."""
    found = select(rows, dataset, noise)
    return common({method: found[method] for method in STRENGTHS if method in found})


def by_gain(scores: Scores) -> list[Row]:
    """The rows from the largest gain over the noisy frame to the smallest."""
    return sorted(scores.values(), key=lambda row: row.noisy_psnr - row.psnr)
