"""Is regular detail kept, and said to be lost where it is not? python -m benchmarks.regular

Drawn textures with known noise (regular_cases.py), each trained on with `--preset fast`: the noise that was found, the
result beside the frame, and what the report says of it. Rows are kept as they come; those that exist are not measured
again. Rows of another version of the program are measured with `--label`, which the tables put beside today's.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import sources
from benchmarks.quality.methods import apply
from benchmarks.regular_cases import KINDS, PERIODS, SIGMAS, Texture, draw, textures
from benchmarks.results import table, write_section
from benchmarks.resumable import append, code, latest, machine, made, read, run_tasks, state
from benchmarks.split import FIRST_TEST_SEED
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.self_check import Context, self_check
from zsn2m_deploy.report.warnings import warnings
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Pixels

ROWS = Path(__file__).with_name("regular.csv")
SOURCES = sources.digest(
    (*sources.VERDICT, "benchmarks/regular_cases.py"), settings=TrainConfig.from_preset("fast").model_dump_json()
)
NOW, BEFORE = "now", "before"
EACH = 2  # frames of each kind that are trained on
PEAK = 255.0
WORSE = -0.1  # dB that a result is nearer to the truth than its frame: below, something was lost
WITHIN = 0.15
NOTES = f"""\
`--preset fast` on drawn frames of 192 x 192 with seeds from {FIRST_TEST_SEED} on; thresholds were set with seeds below.
Estimates are of every kind at each of {len(PERIODS)} periods ({PERIODS[0]:g} to {PERIODS[-1]:g} pixels) and
{len(SIGMAS)} levels ({SIGMAS[0]:g} to {SIGMAS[-1]:g} of 255). Gain: dB that the result is nearer to the truth than the
frame. Said: the report has a warning, whatever it is; it should where the gain is below {WORSE:g}."""


@dataclass(frozen=True)
class Row:
    """`found`: estimated deviation of the noise; `gain`: dB; `said`: warnings of training and report."""

    label: str
    kind: str
    period: float
    sigma: float
    seed: int
    found: float
    noisy: float
    result: float
    said: str
    code: str
    date: str
    machine: str
    sources: str  # hash of what made it; none where that was before hashes were kept

    @property
    def key(self) -> tuple[object, ...]:
        """What a row is of: measured again, it has the same."""
        return (self.label, self.kind, self.seed)

    @property
    def figure(self) -> float:
        """What is compared when it is measured again, in dB."""
        return self.result

    @property
    def gain(self) -> float:
        """The distance to the truth that was gained on the frame, in dB."""
        return self.result - self.noisy


@dataclass(frozen=True)
class Task:
    """A frame to train on, for rows of a label."""

    texture: Texture
    label: str

    @property
    def key(self) -> tuple[object, ...]:
        """That of its row."""
        return (self.label, self.texture.kind, self.texture.seed)


def tasks(label: str) -> list[Task]:
    """All that are planned."""
    return [Task(one, label) for one in textures(FIRST_TEST_SEED, EACH)]


def measure(task: Task) -> list[Row]:
    """Train on a texture and have its result judged."""
    noisy, clean = draw(task.texture)
    trained = train([noisy], TrainConfig.from_preset("fast"))
    result = apply(trained, "sensor", noisy)

    def denoise(planes: Doubles) -> Doubles:
        return apply(trained, "sensor", planes.reshape(noisy.shape).astype(np.float32)).reshape(planes.shape)

    removed = analyse(noisy, result, trained.noise, (0.0, PEAK))
    planes = noisy.reshape(*noisy.shape[:2], -1).astype(np.float64)
    check = self_check(planes, denoise, trained.noise, (0.0, PEAK), Context(removed.structured, trained.unmodelled))
    said = (*trained.warnings, *warnings(removed, check, trained.config, presence_of(noisy, trained.noise)))
    texture, today = task.texture, str(datetime.datetime.now(datetime.UTC).date())
    figures = trained.noise.sigma([noisy]), _psnr(noisy, clean), _psnr(result, clean)
    text = " | ".join(said).replace("\n", " ")
    identity = task.label, texture.kind, texture.period, texture.sigma, texture.seed
    return [Row(*identity, *figures, text, code(), today, machine(), SOURCES)]


def _psnr(pixels: Pixels, clean: Pixels) -> float:
    return float(10 * np.log10(PEAK**2 / np.square(pixels.astype(np.float64) - clean).mean()))


def trainings(rows: Sequence[Row]) -> str:
    """Each frame before and now."""
    before = {(row.kind, row.seed): row for row in rows if row.label == BEFORE}
    lines: list[list[object]] = []
    for row in sorted(
        (row for row in rows if row.label == NOW), key=lambda row: (list(KINDS).index(row.kind), row.seed)
    ):
        old = before.get((row.kind, row.seed))
        earlier = [f"{old.found:.1f}", f"{old.result:.1f}", _said(old)] if old else ["", "", ""]
        lines.append(
            [
                row.kind,
                f"{row.period:g}",
                f"{row.sigma:g}",
                f"{row.noisy:.1f}",
                *earlier,
                f"{row.found:.1f}",
                f"{row.result:.1f}",
                _said(row),
            ]
        )
    header = ["texture", "period", "sigma", "noisy, dB", "noise, before", "result, before", "said", "noise, now"]
    return table([*header, "result, now", "said"], lines)


def _said(row: Row) -> str:
    return "yes" if row.said else "no"


def summary(rows: Sequence[Row]) -> str:
    """Results worse than their frames, and whether they are said to be."""
    lines: list[list[object]] = []
    for label in (BEFORE, NOW):
        mine = [row for row in rows if row.label == label]
        worse = [row for row in mine if row.gain < WORSE]
        if mine:
            gains = [row.gain for row in mine]
            said = sum(bool(row.said) for row in worse)
            lines.append([label, len(mine), len(worse), said, f"{min(gains):+.1f}", f"{median(gains):+.1f}"])
    return table(
        ["version", "frames", "worse than the frame", "of these said", "worst gain, dB", "median gain, dB"], lines
    )


def estimates(seed: int) -> str:
    """How near the estimated deviation is to the truth, of each kind at all periods and levels."""
    lines: list[list[object]] = []
    every: list[float] = []
    for kind in KINDS:
        ratios = []
        for period in PERIODS:
            for sigma in SIGMAS:
                noisy, _ = draw(Texture(kind, period, sigma, seed))
                ratios.append(estimate_noise([noisy]).sigma([noisy]) / sigma)
        every += ratios
        lines.append([kind, *_near(ratios)])
    return table(
        ["estimates of", "n", f"within {100 * WITHIN:.0f} %", "median ratio", "worst"], [*lines, ["all", *_near(every)]]
    )


def _near(ratios: Sequence[float]) -> list[object]:
    within = sum(abs(ratio - 1) < WITHIN for ratio in ratios)
    return [len(ratios), within, f"{median(ratios):.2f}", f"{max(ratios, key=lambda ratio: abs(np.log(ratio))):.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default=NOW, help="of the rows that are measured")
    parser.add_argument("--limit", type=int, help="so many frames only")
    parser.add_argument("--processes", type=int, help="default: one for each core")
    parser.add_argument("--tables", action="store_true", help="train on nothing, write the section from the rows")
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    done = {row.key for row in read(options.rows, Row)}
    todo = [task for task in tasks(options.label)[: options.limit] if task.key not in done and not options.tables]
    run_tasks(
        todo,
        measure,
        lambda found: append(options.rows, found),
        lambda task, found: f"{task} {f'{found[0].gain:+.1f}' if found else ''}",
        options.processes,
    )
    if options.label != NOW:
        return
    every = read(options.rows, Row)
    rows = latest(every)
    made_now = state([row for row in every if row.label == NOW], lambda _: SOURCES)
    body = "\n\n".join((made_now, summary(rows), trainings(rows), estimates(FIRST_TEST_SEED), NOTES))
    write_section("Regular detail", "python -m benchmarks.regular", body, made(rows))


if __name__ == "__main__":
    main()
