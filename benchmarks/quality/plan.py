"""Which measurements make which table, most wanted first.

All images for Gaussian 25 and Poisson 25; elsewhere the first eight of a set (fmd: one capture of each of its 12
configurations), or the first four where a setting is varied. At full size this is more than 50 core-hours on a CPU
without a GPU: hence rows that are kept.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.quality import cases
from benchmarks.quality.methods import CHOICE, LADDER, METHODS, OURS, PAPER, SENSOR
from benchmarks.quality.rows import Task
from benchmarks.split import halves_of

QUICK = ("noisy", "bm3d (sigma)", "bm3d", "ffdnet (sigma)", "ffdnet", "nlm skimage", "wavelet skimage", "nlm opencv")
TRAINED = (SENSOR, OURS, "zs-n2n", PAPER)
PRESETS = (
    f"{OURS} instant",
    f"{OURS} fast",
    f"{OURS} best",
    f"{OURS} full",
    f"{OURS} video",
)
FIRST = 8
CHOICE_SETS = {"kodak24": "gauss 25", "set14": "gauss 25", "sidd_val": "real", "fmd": "real"}
SEEDS = (0, 1)  # of Table 4's ladder


def _tasks(
    datasets: tuple[str, ...], noises: tuple[str, ...], methods: tuple[str, ...], count: int | None
) -> list[Task]:
    return [
        Task(dataset, image, noise, method, 0, len(names))
        for method in methods
        for noise in noises
        for dataset in datasets
        for names in [cases.names(dataset, count)]
        for image in names
    ]


def _table1() -> list[Task]:
    return _tasks(cases.SYNTHETIC, ("gauss 25", "poisson 25"), QUICK + TRAINED, None)


def _table1_spread() -> list[Task]:
    return _tasks(cases.SYNTHETIC, ("gauss [5,50]", "poisson [5,50]"), QUICK + TRAINED, FIRST)


def _clamped() -> list[Task]:
    methods = (*QUICK, SENSOR, OURS)
    return _tasks(cases.SYNTHETIC, ("gauss 25 clamped", "gauss 50 clamped"), methods, FIRST)


def _table2() -> list[Task]:
    methods = (*QUICK, *TRAINED)
    return _tasks(("sidd_val", "polyu"), ("real",), methods, FIRST) + _tasks(("fmd",), ("real",), methods, 12)


def _table4() -> list[Task]:
    rows = (*(name for name in METHODS if name.startswith(LADDER)), PAPER)
    images = cases.names("kodak24")
    return [
        Task("kodak24", image, noise, method, seed, len(images))
        for seed in SEEDS
        for noise in ("gauss 25", "poisson 25")
        for image in images
        for method in rows
    ]


def _strength() -> list[Task]:
    methods = tuple(name for name in METHODS if name.startswith("strength "))
    synthetic = _tasks(("kodak24",), ("gauss 25",), methods, 4)
    return synthetic + _tasks(("sidd_val", "fmd"), ("real",), methods, 4)


def _choices() -> list[Task]:
    methods = tuple(name for name in METHODS if name.startswith(f"{CHOICE} "))
    return [task for dataset, noise in CHOICE_SETS.items() for task in _tasks((dataset,), (noise,), methods, 4)]


def _paper_full() -> list[Task]:
    noises, methods = ("gauss 25", "poisson 25"), (f"{PAPER} full",)
    return _tasks(("kodak24",), noises, methods, FIRST) + _tasks(("set14",), noises, methods, 4)


def _presets() -> list[Task]:
    instant, fast, *slow = PRESETS
    quick = (instant, fast)
    synthetic = _tasks(cases.SYNTHETIC, ("gauss 25", "poisson 25"), quick, 4)
    real = _tasks(cases.REAL, ("real",), quick, 4) + _tasks(cases.REAL, ("real",), (instant,), FIRST)
    return synthetic + real + _tasks(("kodak24",), ("gauss 25",), tuple(slow), 4)


def _video() -> list[Task]:
    """VideoNet by frame: real frames of the test half, and all of Kodak24."""
    methods = (f"{OURS} video",)
    real = _tasks(("sidd_val",), ("real",), methods, FIRST) + _tasks(("fmd",), ("real",), methods, 12)
    tested = [task for task in real if halves_of(task.dataset)[Path(task.image).stem] == "test"]
    return tested + _tasks(("kodak24",), ("poisson 25", "gauss 25"), methods, None)


def _precision() -> list[Task]:
    return _tasks(("kodak24",), ("gauss 25",), ("zs-n2n fp32",), 4)


EXPERIMENTS = {
    "table1": _table1,
    "table1-spread": _table1_spread,
    "table2": _table2,
    "table4": _table4,
    "strength": _strength,
    "clamped": _clamped,
    "choices": _choices,
    "paper-full": _paper_full,
    "presets": _presets,
    "video": _video,
    "precision": _precision,
}
