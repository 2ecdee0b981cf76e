"""Frames of a drawn camera, the default against the same told the truth: python -m benchmarks.cameras

Kodak24, centre crops of 256 x 256, through the camera of camera_cases.py. Told the truth: the same network, steps,
scenes and colours, where each scene is photographed by that very camera, once with noise and once without, and the
network learns the one from the other. Rows are kept as they come, an image of each camera before the next; those that
exist are not measured again.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks import sources
from benchmarks.camera_cases import FINISHES, LEVELS, Camera, case
from benchmarks.camera_methods import RANGE, ours, told
from benchmarks.results import DATA, table, write_section
from benchmarks.resumable import append, code, latest, machine, made, read, run_tasks, state
from benchmarks.split import HALVES, Half, half_of
from zsn2m_deploy.config.training import TrainConfig

ROWS = Path(__file__).with_name("cameras.csv")
WORSE = -0.1  # dB that a result is nearer to the truth than its frame: below, something was lost
WITHIN = 1.0  # dB
FRAME, INSTANT, DEFAULT, TOLD = METHODS = ("frame", "instant", "default", "told the truth")
_TOLD = tuple(
    f"zsn2m_deploy/{path}.py"
    for path in ("fit/crops", "fit/fitter", "fit/muon", "adapt/scenes", "pretrain/scenes", "pretrain/network")
)
_OWN = ("benchmarks/camera_cases.py", "benchmarks/camera_methods.py")
SOURCES = {
    FRAME: sources.digest(("benchmarks/camera_cases.py",)),
    INSTANT: sources.digest((*sources.VERDICT, *_OWN), settings=INSTANT),
    DEFAULT: sources.digest((*sources.VERDICT, *_OWN), settings=DEFAULT),
    TOLD: sources.digest(
        (*_TOLD, *sources.WEIGHTS, *_OWN),
        settings=TrainConfig.from_preset("default").model_dump_json(),
    ),
}


@dataclass(frozen=True)
class Row:
    """`psnr`: of the result, dB; `said`: warnings of training and report."""

    image: str
    level: str
    finish: str
    method: str
    psnr: float
    said: str
    sources: str
    code: str
    date: str
    machine: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a row is of: measured again, it has the same."""
        return (self.image, self.level, self.finish, self.method)

    @property
    def figure(self) -> float:
        """What is compared when it is measured again, in dB."""
        return self.psnr


@dataclass(frozen=True)
class Task:
    """A frame, and a method that has it."""

    image: Path
    camera: Camera
    method: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """That of its row."""
        return (self.image.stem, self.camera.level, self.camera.finish, self.method)


def tasks(half: Half) -> list[Task]:
    """All that are planned: after each round every camera has had one more image, and images take turns."""
    images = half_of(sorted((DATA / "kodak24").glob("*.png")), half)
    cameras = [Camera(level, finish) for finish in FINISHES for level in LEVELS]
    return [
        Task(images[(place + turn) % len(images)], camera, method)
        for turn in range(len(images))
        for place, camera in enumerate(cameras)
        for method in METHODS
    ]


def measure(task: Task) -> list[Row]:
    """The result of a method, and what is said of it."""
    torch.set_num_threads(1)
    of, said = case(task.image, task.camera), ""
    if task.method == TOLD:
        result = told(of, "default")
    elif task.method == FRAME:
        result = of.noisy.astype(np.float64)
    else:
        result, said = ours(of, "instant" if task.method == INSTANT else "default")
    error = float(np.square(result.clip(*RANGE) - of.clean).mean())
    psnr = round(10 * np.log10(RANGE[1] ** 2 / error), 3)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [Row(*task.key, psnr, said, SOURCES[task.method], code(), today, machine())]


def frames_of(rows: Sequence[Row], half: Half) -> list[dict[str, Row]]:
    """Of each planned frame that every method has had, the rows by method."""
    found = {row.key: row for row in rows}
    planned = {task.key[:3] for task in tasks(half)}
    whole = [{method: found.get((*key, method)) for method in METHODS} for key in sorted(planned)]
    return [{name: row for name, row in frame.items() if row} for frame in whole if None not in frame.values()]


def summary(frames: Sequence[dict[str, Row]]) -> list[object]:
    """One line of the table."""
    figures = np.array([[frame[method].psnr for method in METHODS] for frame in frames])
    behind = figures[:, 3] - figures[:, 2]
    cells: list[object] = [len(frames), *(f"{mean:.2f}" for mean in figures.mean(axis=0))]
    cells += [f"{behind.mean():+.2f}", f"{behind.max():+.2f}", f"{(behind <= WITHIN).sum()}"]
    for method in (INSTANT, DEFAULT):
        gains = [(frame[method].psnr - frame[FRAME].psnr, frame[method].said) for frame in frames]
        worse = [said for gain, said in gains if gain < WORSE]
        least = min(gain for gain, _ in gains)
        good = [said for gain, said in gains if gain >= 1]
        cells += [f"{len(worse)} ({least:+.2f})", sum(not said for said in worse)]
        cells += [f"{sum(bool(said) for said in good)} of {len(good)}"]
    return cells


def body(rows: Sequence[Row]) -> str:
    """The tables of both halves."""
    heads = ["finish", "noise", "n", *METHODS, "told less default", "at most", f"within {WITHIN:g} dB"]
    for method in (INSTANT, DEFAULT):
        heads += [
            f"{method}: worse than the frame (least gain)",
            "of these in silence",
            "gain of 1 dB and more, but warned of",
        ]
    parts = []
    for half in HALVES:
        frames, planned = frames_of(rows, half), len({task.key[:3] for task in tasks(half)})
        lines = []
        for finish in (*FINISHES, "all"):
            for level in (*LEVELS, "all"):
                of = [
                    one for one in frames if finish in (one[FRAME].finish, "all") and level in (one[FRAME].level, "all")
                ]
                if of and ((finish == "all") == (level == "all") or finish == "all"):
                    lines.append([finish, level, *summary(of)])
        text = table(heads, lines) if lines else ""
        parts.append(f"**{half.capitalize()} half:** {len(frames)} of {planned} planned frames.\n\n{text}".strip())
    return "\n\n".join(parts)


_NOISE = "; ".join(f"{name} {gain:g} a photon and read noise of {read:g}" for name, (gain, read) in LEVELS.items())
NOTES = f"""\
dB, means over the frames that every method was run on. Noise, of full scale: {_NOISE}. The light of red, green and blue
is multiplied by 2, 1 and 1.5. Smooth: a Gaussian of 0.7 pixels; sharp: of 0.6, then an unsharp mask of 1.5 pixels and
0.6; JPEG: chroma at half of the resolution. All frames are of 8 bits. Worse: by more than {-WORSE:g} dB; in silence:
neither training nor report has a warning (that `instant` does not learn the noise is none)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, action="append", help="default: both, the test half first")
    parser.add_argument("--limit", type=int, help="so many rows only")
    parser.add_argument("--processes", type=int, help="default: one for each core")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the section from the rows")
    options = parser.parse_args()
    done = {(*row.key, row.sources) for row in read(ROWS, Row)}
    planned = [task for half in options.half or reversed(HALVES) for task in tasks(half)]
    todo = [task for task in planned if (*task.key, SOURCES[task.method]) not in done and not options.tables]
    run_tasks(
        todo[: options.limit],
        measure,
        lambda found: append(ROWS, found),
        lambda task, found: f"{task.key} {found[0].psnr if found else ''}",
        options.processes,
    )
    rows = latest(read(ROWS, Row))
    text = "\n\n".join((state(rows, lambda row: SOURCES[row.method]), body(rows), NOTES))
    write_section("Drawn cameras", "python -m benchmarks.cameras", text, made(rows))


if __name__ == "__main__":
    main()
