"""A network trained on one frame (or three), used on others: python -m benchmarks.quality.cross_frame run, then tables.

Every tested frame also has a network of its own to compare with: trained on the same scene under other noise
(kodak24), or on the very frame (fmd and the sequences). A run can be stopped at any time and goes on where it
stopped: cross_frame.csv keeps what was measured. `--networks full` adds GRD-Net.
"""

from __future__ import annotations

import argparse
import datetime
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks import resumable
from benchmarks.quality.cross_frame_plan import GROUPS, LATER, SEQUENCES, Training, load_shot
from benchmarks.quality.methods import METHODS, OURS, PAPER, SENSOR, apply, configured
from zsn2m_deploy.config.networks import REAL_ALPHA_IE, SYNTHETIC_ALPHA_IE
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_runtime.sample_types import Pixels

ROWS = Path(__file__).with_name("cross_frame.csv")
METHOD = {"sensor": SENSOR, "mbd": OURS, "paper mbd": PAPER, "grd": f"{OURS} full"}
NETWORKS = {"sensor": ("sensor",), "mbd": ("mbd",), "full": ("mbd", "grd"), "paper": ("paper mbd",)}

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Row:
    """One network on one tested frame, or (test LATER, with flicker and without PSNR) on a whole sequence."""

    dataset: str
    training: str
    model: str
    scenario: str
    test: str
    psnr: float | None  # none where there is no clean frame
    noisy_psnr: float | None
    shift: float  # mean of denoised - noisy, of the channel where it is largest; sensor units
    flicker: float | None  # standard deviation over time where nothing moves, sensor units
    noisy_flicker: float | None
    code: str
    date: str
    machine: str
    sources: str  # hash of what made it; none where that was before hashes were kept

    @property
    def key(self) -> Key:
        """What a row is of."""
        return (self.dataset, self.training, self.model, self.scenario, self.test)

    @property
    def figure(self) -> float | None:
        """What is compared when it is measured again, in dB."""
        return self.psnr


@dataclass(frozen=True)
class Result:
    """What a network made of a tested frame."""

    noisy: Pixels
    clean: Pixels | None
    denoised: Pixels


def expected(training: Training, networks: str) -> set[Key]:
    """The rows that a training has to give."""
    tests = [(training.name_for(shot), scenario, shot.label) for scenario, shot in training.tests]
    if training.dataset in SEQUENCES:
        tests += [(training.name, scenario, LATER) for scenario in dict.fromkeys(name for name, _ in training.tests)]
    return {
        (training.dataset, name, model, scenario, test)
        for model in NETWORKS[networks]
        for name, scenario, test in tests
    }


def measure(training: Training, networks: str) -> list[Row]:
    """Train, and use each network on each frame."""
    seen = [load_shot(shot)[0] for shot in training.frames]
    shared = _train(seen, training, networks) if seen else None
    results: dict[tuple[str, str], list[Result]] = {}
    rows = []
    for scenario, shot in training.tests:
        noisy, clean = load_shot(shot)
        trained = shared or _train([noisy], training, networks)
        for model in NETWORKS[networks]:
            usable = (
                model if model in trained.networks else "mbd"
            )  # a GRD-Net that strayed is left out; the paper preset is its MBD-Net
            result = Result(noisy, clean, apply(trained, usable, noisy))
            results.setdefault((scenario, model), []).append(result)
            rows.append(_row(training, training.name_for(shot), model, scenario, shot.label, [result]))
    if training.dataset in SEQUENCES:
        rows += [
            _row(training, training.name, model, scenario, LATER, found) for (scenario, model), found in results.items()
        ]
    return rows


def shift(denoised: Pixels, noisy: Pixels) -> float:
    """By how much a frame became brighter: of its channels the largest change in size."""
    removed = denoised.astype(np.float64) - noisy
    changes = np.atleast_1d(removed.mean(axis=(0, 1)))
    return float(changes[np.argmax(np.abs(changes))])


def flicker(frames: list[Pixels], noisy: list[Pixels], clean: list[Pixels] | None) -> float:
    """Standard deviation over time, root mean square of the values that stand still (without `clean`: all).

    The mean of each noisy frame is taken off: a lamp that drifts is no flicker of the network.
    """
    still = np.ones(frames[0].shape, bool) if clean is None else np.ptp(np.stack(clean), axis=0) == 0
    pairs = zip(frames, noisy, strict=True)
    values = [frame[still].astype(np.float64) - before[still].mean() for frame, before in pairs]
    return float(np.sqrt(np.var(values, axis=0, ddof=1).mean()))


def load() -> list[Row]:
    """All rows."""
    return resumable.read(ROWS, Row)


def today(row: Row) -> str:
    """The hash of the sources that would make the row now."""
    return METHODS[METHOD[row.model]].sources


def append(rows: list[Row]) -> None:
    """Add the rows that are not there yet."""
    known = {row.key for row in load()}
    resumable.append(ROWS, [row for row in rows if row.key not in known])


def missing(trainings: list[Training], networks: str) -> list[Training]:
    """The trainings that still have a row to give."""
    known = {row.key for row in load()}
    return [training for training in trainings if not expected(training, networks) <= known]


def _train(frames: list[Pixels], training: Training, networks: str) -> Trained:
    alpha_ie = REAL_ALPHA_IE if training.real else SYNTHETIC_ALPHA_IE
    preset, stage = ("paper", "mbd") if networks == "paper" else ("default", networks)
    return train(frames, configured(preset, stage).updated({"mbd": {"alpha_ie": alpha_ie}, "seed": 0}))


def _row(training: Training, name: str, model: str, scenario: str, test: str, results: list[Result]) -> Row:
    noisy, denoised = [result.noisy for result in results], [result.denoised for result in results]
    clean = [result.clean for result in results if result.clean is not None] or None
    largest = max((shift(*pair) for pair in zip(denoised, noisy, strict=True)), key=abs)
    whole = test == LATER
    scored = clean[0] if clean and not whole else None
    return Row(
        dataset=training.dataset,
        training=name,
        model=model,
        scenario=scenario,
        test=test,
        psnr=None if scored is None else _psnr(scored, denoised[0]),
        noisy_psnr=None if scored is None else _psnr(scored, noisy[0]),
        shift=round(largest, 4),
        flicker=round(flicker(denoised, noisy, clean), 4) if whole else None,
        noisy_flicker=round(flicker(noisy, noisy, clean), 4) if whole else None,
        code=resumable.code(),
        date=str(datetime.datetime.now(datetime.UTC).date()),
        machine=resumable.machine(),
        sources=METHODS[METHOD[model]].sources,
    )


def _psnr(clean: Pixels, frame: Pixels) -> float:
    return round(float(peak_signal_noise_ratio(clean, frame, data_range=255)), 4)


def _describe(training: Training, rows: list[Row]) -> str:
    figures = " ".join(f"{row.psnr:.2f}" for row in rows if row.psnr is not None)
    return f"{training.dataset} | {training.name}: {figures}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure what is missing")
    run.add_argument("groups", nargs="*", default=list(GROUPS), metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    run.add_argument(
        "--networks", choices=NETWORKS, default="mbd", help="full: GRD-Net as well; paper: MBD-Net of the paper preset"
    )
    run.add_argument("--processes", type=int, default=os.cpu_count())
    commands.add_parser("tables", help="write docs/results from the rows")
    arguments = parser.parse_args()
    if arguments.command == "tables":
        from benchmarks.quality.cross_frame_tables import write_tables

        write_tables(load(), today)
        return
    unknown = sorted(set(arguments.groups) - set(GROUPS))
    if unknown:
        parser.error(f"unknown groups {unknown}; choose from {list(GROUPS)}")
    trainings = [training for group in arguments.groups for training in GROUPS[group]()]
    left = missing(trainings, arguments.networks)
    print(f"{len(trainings)} trainings, {len(left)} to do", flush=True)
    resumable.run_tasks(left, partial(measure, networks=arguments.networks), append, _describe, arguments.processes)


if __name__ == "__main__":
    main()
