"""The sections of docs/results on quality, made of the rows: one section for a table of the paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks import resumable
from benchmarks.quality import bodies, compare, figures, published, rows
from benchmarks.quality.cases import REAL, SYNTHETIC
from benchmarks.quality.methods import CHOICE, CHOICES
from benchmarks.quality.plan import CHOICE_SETS, EXPERIMENTS, SEEDS
from benchmarks.quality.rows import Row
from benchmarks.results import write_section


@dataclass(frozen=True)
class Section:
    """A section of docs/results: the experiments that fill it, the rows that it shows and what it makes of them."""

    title: str
    experiments: tuple[str, ...]
    body: Callable[[list[Row]], str]
    methods: tuple[str, ...] = compare.SHOWN
    datasets: tuple[str, ...] = ("kodak24",)
    noises: tuple[str, ...] = ("gauss 25",)
    seeds: tuple[int, ...] = (0,)
    pictures: bool = False

    def rows_of(self, found: Iterable[Row]) -> list[Row]:
        """The rows that it shows."""
        wanted = (self.methods, self.datasets, self.noises, self.seeds)
        return [
            row
            for row in found
            if all(
                value in values
                for value, values in zip((row.method, row.dataset, row.noise, row.seed), wanted, strict=True)
            )
        ]

    @property
    def command(self) -> str:
        """What to type to make it again."""
        steps = [f"run {' '.join(self.experiments)}", *(["pictures"] if self.pictures else []), "tables"]
        return " && ".join(f"python -m benchmarks.quality {step}" for step in steps)


SECTIONS = (
    Section(
        "Table 1: synthetic noise",
        ("table1", "table1-spread", "paper-full", "presets", "video"),
        bodies.table_1,
        datasets=SYNTHETIC,
        noises=("gauss 25", "poisson 25", "gauss [5,50]", "poisson [5,50]"),
    ),
    Section("Best and worst image", ("table1",), bodies.best_and_worst, (compare.REFERENCE,), pictures=True),
    Section("Clamped noise", ("clamped",), bodies.clamped, datasets=SYNTHETIC, noises=bodies.CLAMPED),
    Section("Table 2: real noise", ("table2", "presets", "video"), bodies.table_2, datasets=REAL, noises=("real",)),
    Section(
        "Adapting beside the pretrained network",
        ("table1", "table2", "presets"),
        bodies.adapting,
        bodies.ADAPTING,
        (*SYNTHETIC, *REAL),
        ("gauss 25", "poisson 25", "real"),
    ),
    Section(
        "Table 4: what each part adds",
        ("table4",),
        bodies.table_4,
        published.LADDER,
        noises=tuple(published.TABLE_4),
        seeds=SEEDS,
    ),
    Section(
        "Fig. 7: strength",
        ("strength",),
        bodies.strength,
        compare.STRENGTHS,
        ("kodak24", *REAL),
        ("gauss 25", "real"),
        pictures=True,
    ),
    Section(
        "What the paper leaves open",
        ("table1", "choices"),
        bodies.choices,
        (bodies.PAPER_MBD, *(f"{CHOICE} {name} mbd" for name in CHOICES)),
        tuple(CHOICE_SETS),
        tuple(CHOICE_SETS.values()),
    ),
    Section("Precision of ZS-N2N", ("precision",), bodies.precision, bodies.PRECISIONS),
)


def write_tables() -> None:
    """Write every section that there are rows for, and draw its figures."""
    every = compare.planned(rows.load())
    found = compare.unique(every)
    figures.draw(found)
    for section in SECTIONS:
        used = section.rows_of(found)
        body = section.body(used) if used else ""
        if body:
            state = resumable.state(section.rows_of(every), rows.today)
            text = f"{state}\n\n{body}\n\n{pending(section.experiments)}"
            write_section(section.title, section.command, text, resumable.made(used))


def pending(experiments: Iterable[str]) -> str:
    """Which of the planned measurements are missing."""
    lines = []
    for name in experiments:
        tasks = EXPERIMENTS[name]()
        total, left = (Counter(task.method for task in some) for some in (tasks, rows.missing(tasks)))
        if left:
            counts = [f"{method} {total[method] - left[method]}/{total[method]}" for method in total if left[method]]
            lines.append(f"Not measured yet of `{name}` (done/planned): {', '.join(counts)}.")
    return "\n\n".join(lines) or "All planned rows are measured."
