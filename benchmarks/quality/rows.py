"""The measurements: one row of rows.csv for an image, noise, method and seed, appended as they come."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmarks import resumable
from benchmarks.quality import cases
from benchmarks.quality.methods import METHODS
from zsn2m_runtime.sample_types import Pixels

ROWS = Path(__file__).with_name("rows.csv")
SOURCES = {f"{name} {result}".strip(): method.sources for name, method in METHODS.items() for result in method.results}


@dataclass(frozen=True)
class Task:
    """One training run or one call of a peer; `spread` images share the levels of [5, 50]."""

    dataset: str
    image: str
    noise: str
    method: str
    seed: int
    spread: int


@dataclass(frozen=True)
class Row:
    """One scored result. PSNR and SSIM by scikit-image on float frames, data range 255, SSIM with its 7 x 7 window."""

    dataset: str
    image: str
    noise: str
    level: float
    seed: int
    method: str
    noisy_psnr: float
    psnr: float
    ssim: float
    roughness: float  # mean absolute difference of neighbours, grey levels
    seconds: float  # of the whole task on one thread beside another such process
    code: str
    date: str
    machine: str
    sources: str  # hash of what made it; none where that was before hashes were kept

    @property
    def key(self) -> tuple[object, ...]:
        """What a row is of: measured again, it has the same."""
        return (self.dataset, self.image, self.noise, self.level, self.method, self.seed)

    @property
    def figure(self) -> float:
        """What is compared when it is measured again, in dB."""
        return self.psnr


def measure(task: Task) -> list[Row]:
    """Run a task; a row for each of its results."""
    of = cases.names(task.dataset, task.spread)
    case = cases.case(task.dataset, task.image, task.noise, task.seed, of)
    method = METHODS[task.method]
    started = time.perf_counter()
    results = method.run(case)
    seconds = time.perf_counter() - started
    noisy_psnr = peak_signal_noise_ratio(case.clean, case.noisy, data_range=255)
    rows = []
    for name, denoised in results.items():
        axis = None if case.clean.ndim == 2 else 2
        rows.append(
            Row(
                dataset=case.dataset,
                image=case.image,
                noise=case.noise,
                level=round(case.level, 4),
                seed=case.seed,
                method=f"{task.method} {name}".strip(),
                noisy_psnr=round(noisy_psnr, 4),
                psnr=round(float(peak_signal_noise_ratio(case.clean, denoised, data_range=255)), 4),
                ssim=round(float(structural_similarity(case.clean, denoised, data_range=255, channel_axis=axis)), 5),
                roughness=round(roughness(denoised), 4),
                seconds=round(seconds, 2),
                code=resumable.code(),
                date=str(datetime.datetime.now(datetime.UTC).date()),
                machine=resumable.machine(),
                sources=method.sources,
            )
        )
    return rows


def roughness(frame: Pixels) -> float:
    """Mean absolute difference of neighbouring pixels, in the frame's units."""
    steps = [np.abs(np.diff(frame.astype(np.float64), axis=axis)).mean() for axis in (0, 1)]
    return float(np.mean(steps))


def load() -> list[Row]:
    """All rows of methods that there are, as they were measured."""
    return [row for row in resumable.read(ROWS, Row) if row.method in SOURCES]


def append(rows: list[Row]) -> None:
    """Add rows to the file."""
    resumable.append(ROWS, rows)


def today(row: Row) -> str:
    """The hash of the sources that would make the row now."""
    return SOURCES[row.method]


def missing(tasks: list[Task]) -> list[Task]:
    """The tasks that have no row yet."""
    done = {row.key for row in load()}
    return [task for task in tasks if not done.issuperset(keys(task))]


def keys(task: Task) -> list[tuple[object, ...]]:
    """The keys of the rows that a task gives."""
    level = round(cases.level(task.noise, task.image, cases.names(task.dataset, task.spread)), 4)
    image = Path(task.image).stem
    return [
        (task.dataset, image, task.noise, level, f"{task.method} {result}".strip(), task.seed)
        for result in METHODS[task.method].results
    ]
