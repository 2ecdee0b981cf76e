"""The measurements: one row of rows.csv for an image, noise, method and seed, appended as they come."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmarks.quality import cases, resumable
from benchmarks.quality.methods import METHODS
from zsn2m_runtime.sample_types import Pixels

ROWS = Path(__file__).with_name("rows.csv")


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
    version: str
    noisy_psnr: float
    psnr: float
    ssim: float
    roughness: float  # mean absolute difference of neighbours, grey levels
    seconds: float  # of the whole task on one thread beside another such process
    code: str
    date: str
    machine: str


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
                version=method.version,
                noisy_psnr=round(noisy_psnr, 4),
                psnr=round(float(peak_signal_noise_ratio(case.clean, denoised, data_range=255)), 4),
                ssim=round(float(structural_similarity(case.clean, denoised, data_range=255, channel_axis=axis)), 5),
                roughness=round(roughness(denoised), 4),
                seconds=round(seconds, 2),
                code=resumable.code(),
                date=str(datetime.datetime.now(datetime.UTC).date()),
                machine=resumable.machine(),
            )
        )
    return rows


def roughness(frame: Pixels) -> float:
    """Mean absolute difference of neighbouring pixels, in the frame's units."""
    steps = [np.abs(np.diff(frame.astype(np.float64), axis=axis)).mean() for axis in (0, 1)]
    return float(np.mean(steps))


def load() -> list[Row]:
    """All rows that belong to the methods as they are now."""
    versions = {
        f"{name} {result}".strip(): method.version for name, method in METHODS.items() for result in method.results
    }
    return [row for row in resumable.read(ROWS, Row) if versions.get(row.method) == row.version]


def append(rows: list[Row]) -> None:
    """Add rows to the file."""
    resumable.append(ROWS, rows)


def missing(tasks: list[Task]) -> list[Task]:
    """The tasks that have no row yet."""
    done = {(row.dataset, row.image, row.noise, row.level, row.method, row.seed) for row in load()}

    def key(task: Task, result: str) -> tuple[object, ...]:
        level = round(cases.level(task.noise, task.image, cases.names(task.dataset, task.spread)), 4)
        method = f"{task.method} {result}".strip()
        return (task.dataset, Path(task.image).stem, task.noise, level, method, task.seed)

    return [task for task in tasks if any(key(task, result) not in done for result in METHODS[task.method].results)]
