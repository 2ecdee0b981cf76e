"""The cross-frame section of docs/results, from the rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import resumable
from benchmarks.quality.cross_frame_plan import LATER, OTHERS, OWN, SAME_SCENE
from benchmarks.results import table, write_section

if TYPE_CHECKING:
    from benchmarks.quality.cross_frame import Row

TITLE = "Cross-frame: trained on one frame, used on another"
COMMAND = "python -m benchmarks.quality.cross_frame tables"
MUCH = 1.0  # dB
MODELS = ("sensor", "mbd", "paper mbd", "grd")
NOTES = f"""PSNR of float frames, not clamped, data range 255; 256 x 256 crops (seq_beads: 512 x 512 pages); default
preset, seed 0, strength 1 for synthetic noise and 10 for real. Loss, in dB: PSNR of the network trained on the tested
scene (kodak24, under other noise) or on the tested frame itself (fmd, sample), minus PSNR of the network used; negative
is a gain. Shift: mean of denoised minus mean of noisy, of the channel where it is largest, in grey levels (seq_beads:
counts). Gain: the clean frame times 1.5 or 0.5, under noise of sigma 25, compared with networks trained on such frames.
Three frames: trained on the {OTHERS} scenes that come next. Other capture: the same field again. Other field: another
configuration of the same microscope. Rows: benchmarks/quality/cross_frame.csv; `python -m
benchmarks.quality.cross_frame run` measures what is missing there (`--networks full`: GRD-Net too; `--networks
paper`: "paper mbd", MBD-Net of the paper preset, which sees the level)."""
SEQUENCE_NOTES = f"""Flicker: standard deviation over time, {LATER}, of what stands still (root mean square over the
values), the noisy frames' means taken off. "Each frame": a network for every frame, trained on it."""

Scenario = tuple[str, str, str]  # set, scenario, model


@dataclass(frozen=True)
class Summary:
    """One line of the table; losses are dB against the tested frames' own networks."""

    count: int
    noisy_psnr: float
    psnr: float
    losses: dict[str, float]  # by "training -> test"; only where the own network was measured
    shift: float

    @property
    def mean_loss(self) -> float:
        """NaN where nothing can be compared."""
        return statistics.mean(self.losses.values()) if self.losses else float("nan")

    @property
    def worst(self) -> str:
        """The pair that loses most."""
        return max(self.losses, key=self.losses.__getitem__)

    @property
    def much(self) -> int:
        """How many pairs lose more than 1 dB."""
        return sum(loss > MUCH for loss in self.losses.values())


def own_psnr(rows: list[Row]) -> dict[tuple[str, str, str], float]:
    """By dataset, tested frame and model: the PSNR of the network trained on that scene."""
    return {
        (row.dataset, row.test, row.model): row.psnr for row in rows if row.scenario in OWN and row.psnr is not None
    }


def summaries(rows: list[Row]) -> dict[Scenario, Summary]:
    """What each scenario costs, in the order of the rows."""
    own = own_psnr(rows)
    groups: dict[Scenario, list[Row]] = {}
    for row in rows:
        if row.psnr is not None:
            groups.setdefault((_set(row), row.scenario, row.model), []).append(row)
    return {scenario: _summary(found, own) for scenario, found in groups.items()}


def matrix(rows: list[Row], model: str) -> str:
    """PSNR of every scene of kodak24 (columns) with every scene's network (rows)."""
    square = {
        (row.training, row.test): row.psnr
        for row in rows
        if row.dataset == "kodak24" and row.model == model and row.scenario in (SAME_SCENE, "other scene")
    }
    names = sorted({training for training, _ in square})
    lines: list[list[object]] = []
    for training in names:
        cells = [f"{square[training, test]:.2f}" if (training, test) in square else "" for test in names]
        cells[len(lines)] = f"**{cells[len(lines)]}**"
        lines.append([training, *cells])
    return table(["trained on", *names], lines)


def sequences(rows: list[Row]) -> str:
    """Flicker and shift of the sequences."""
    lines: list[list[object]] = [
        [
            row.dataset,
            row.training,
            row.model,
            f"{row.noisy_flicker:.2f}",
            f"{row.flicker:.2f}",
            f"{row.shift:+.3f}",
        ]
        for row in sorted(rows, key=lambda row: (row.dataset, row.scenario, MODELS.index(row.model)))
        if row.test == LATER
    ]
    return table(["sequence", "trained on", "model", "flicker, noisy", "flicker, denoised", "largest shift"], lines)


def body(rows: list[Row]) -> str:
    """The section's text."""
    parts = [NOTES, _scenarios(rows)]
    if any(row.scenario == "other scene" and row.model == "mbd" for row in rows):
        parts += ["kodak24, mbd, PSNR; columns: used on. Bold: the scene's own network.", matrix(rows, "mbd")]
    if any(row.test == LATER for row in rows):
        parts += [SEQUENCE_NOTES, sequences(rows)]
    return "\n\n".join(parts)


def write_tables(rows: list[Row], today: Callable[[Row], str]) -> None:
    """Put the section into docs/results."""
    write_section(TITLE, COMMAND, f"{resumable.state(rows, today)}\n\n{body(rows)}", resumable.made(rows))


def _set(row: Row) -> str:
    """The set, of fmd the microscope: their noise differs."""
    return f"fmd {row.test.partition('_')[0]}" if row.dataset == "fmd" else row.dataset


def _summary(rows: list[Row], own: dict[tuple[str, str, str], float]) -> Summary:
    losses = {}
    for row in rows:
        reference = own.get((row.dataset, row.test, row.model))
        if reference is not None and row.psnr is not None and row.scenario not in OWN:
            losses[f"{row.training} -> {row.test}"] = reference - row.psnr
    return Summary(
        count=len(rows),
        noisy_psnr=statistics.mean(row.noisy_psnr for row in rows if row.noisy_psnr is not None),
        psnr=statistics.mean(row.psnr for row in rows if row.psnr is not None),
        losses=losses,
        shift=max(abs(row.shift) for row in rows),
    )


def _scenarios(rows: list[Row]) -> str:
    header = ["set", "used on", "model", "n", "noisy", "PSNR", "mean loss", "worst loss", "n > 1 dB", "largest shift"]
    found = summaries(rows)
    lines: list[list[object]] = []
    for scenario in sorted(found, key=lambda key: (key[0], key[1] not in OWN, key[1], MODELS.index(key[2]))):
        line = found[scenario]
        figures = ["-", "-", "-"]
        if line.losses:
            among = "" if len(line.losses) == line.count else f" (n = {len(line.losses)})"
            worst = f"{line.losses[line.worst]:.2f} ({line.worst})"
            figures = [f"{line.mean_loss:.2f}{among}", worst, str(line.much)]
        levels = [f"{line.noisy_psnr:.2f}", f"{line.psnr:.2f}"]
        lines.append([*scenario, line.count, *levels, *figures, f"{line.shift:.2f}"])
    return table(header, lines)
