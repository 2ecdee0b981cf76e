"""The video model, frame by frame and of averaged frames, against the default, FFmpeg and OpenCV.

    python -m benchmarks.video run [--sequences NAME ...] [--methods NAME ...] [--presets default ...]
    python -m benchmarks.video tables

Shots of clip_bikes, noise drawn anew in every frame, rounded and clamped to 8 bits. A bundle is trained on the first
noisy frame of each. Seconds are the processor time of one thread. Rows are kept in video.csv as they come; those that
are there are not run again.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import datetime
import functools
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks import resumable, sources
from benchmarks.results import table, write_section
from benchmarks.video_cases import SEQUENCES, SHOTS, SKIPPED, Clip, clip
from benchmarks.video_peers import FILTERS, NL_MEANS_H, NL_MEANS_WINDOW, PEERS, Run
from zsn2m_deploy.config.training import Preset
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.sequence import MotionName

ROWS = Path(__file__).with_name("video.csv")


@dataclass(frozen=True)
class Row:
    """The PSNR of a method on each of the last frames of a sequence.

    Attributes:
        preset: of the bundle; empty for others' methods
        seconds: processor time a frame
        decibels: of the frames, joined by spaces
        flicker: deviation over time, of still sequences
    """

    sequence: str
    method: str
    preset: str
    seconds: float
    decibels: str
    flicker: float | None
    sources: str
    code: str
    date: str
    machine: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is of."""
        return self.sequence, self.method, self.preset

    @property
    def frames(self) -> list[float]:
        """PSNR of each frame, the last one last."""
        return [float(one) for one in self.decibels.split()]

    @property
    def figure(self) -> float:
        """Mean PSNR of the frames that count."""
        skipped = max(0, SKIPPED - (len(SEQUENCES[self.sequence]) - len(self.frames)))
        return float(np.mean(self.frames[skipped:]))


def by_frame(clip: Clip, model: str) -> Run:
    denoiser = clip.denoiser(model)
    return lambda: [denoiser(frame) for frame in clip.noisy]


def streamed(clip: Clip, model: str, motion: MotionName, lookahead: int = 0) -> Run:
    denoiser = clip.denoiser(model)
    return lambda: list(denoiser.stream(clip.noisy, motion, lookahead=lookahead))


UNIT = "video, by frame"
OURS: dict[str, Callable[[Clip], Run]] = {
    UNIT: functools.partial(by_frame, model="video"),
    "video, unmoved": functools.partial(streamed, model="video", motion="none"),
    "video, moved": functools.partial(streamed, model="video", motion="flow"),
    **{
        f"video, moved, {ahead} ahead": functools.partial(streamed, model="video", motion="flow", lookahead=ahead)
        for ahead in (1, 2, 4)
    },
    "default, by frame": functools.partial(by_frame, model="sensor"),
    "default, moved": functools.partial(streamed, model="sensor", motion="flow"),
    "default, moved, 2 ahead": functools.partial(streamed, model="sensor", motion="flow", lookahead=2),
}
METHODS = OURS | PEERS


def today(method: str) -> str:
    """The hash of what makes a method's rows."""
    of_means = ("fusion", "mean", "usual_change", "cells", "light", "tiles", "motion", "sequence", "lookahead", "gain")
    runtime = [f"runtime/zsn2m_runtime/{name}.py" for name in (*of_means, "noise/clipping")]
    if method in OURS:
        return sources.digest((*sources.ADAPT, *sources.VIDEO, *runtime))
    return sources.digest([], settings=FILTERS.get(method, f"{NL_MEANS_H} {NL_MEANS_WINDOW}"))


def decibels(result: Pixels, clean: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean(np.square(result.astype(np.float64) - clean))))


def spent() -> float:
    """Processor seconds of this process and of those that it started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure(sequence: str, method: str, preset: Preset, bundles: Path) -> Row:
    of = clip(sequence, preset, bundles, today(UNIT))
    run = METHODS[method](of)
    started = spent()
    results = run()
    seconds = (spent() - started) / len(results)
    found = [decibels(*pair) for pair in zip(results, of.clean[-len(results) :], strict=True)]
    flicker = float(np.std(results[SKIPPED:], axis=0).mean()) if sequence == "still" else None
    return Row(
        sequence,
        method,
        preset if method in OURS else "",
        round(seconds, 4),
        " ".join(f"{one:.3f}" for one in found),
        flicker,
        today(method),
        resumable.code(),
        datetime.datetime.now(datetime.UTC).date().isoformat(),
        resumable.machine(),
    )


def preset(row: Row) -> str:
    return "" if row.preset in ("", "default") else f" ({row.preset})"


def label(row: Row) -> str:
    return row.method + preset(row)


def labels(found: list[Row]) -> list[str]:
    order = {method: place for place, method in enumerate(METHODS)}
    return list(dict.fromkeys(label(row) for row in sorted(found, key=lambda row: (order[row.method], row.preset))))


def shots_table(rows: list[Row], shots: list[str]) -> str:
    """Mean PSNR of each shot, with its preset, and time in units of the video model's in the same shots."""
    found = {(row.method, row.sequence): row for row in rows if row.sequence in shots}
    lines: list[list[object]] = []
    for method in dict.fromkeys(method for method in METHODS for shot in shots if (method, shot) in found):
        there = [shot for shot in shots if (method, shot) in found]
        cells = [f"{found[method, shot].figure:.2f}{preset(found[method, shot])}" for shot in there]
        figures = [cells[there.index(shot)] if shot in there else "" for shot in shots]
        mean = f"{np.mean([found[method, shot].figure for shot in there]):.2f}" if there == shots else ""
        timed = [shot for shot in there if (UNIT, shot) in found]
        times = [sum(found[one, shot].seconds for shot in timed) for one in (method, UNIT)]
        time_of = f"{times[0] / times[1]:.2f}" if timed and method != "noisy" else ""
        lines.append([method, *figures, mean, time_of])
    return table(["", *(shot.partition(",")[0] for shot in shots), "mean", "time"], lines)


def frames_table(rows: list[Row], sequence: str, places: list[int]) -> str:
    """PSNR of single frames of a sequence."""
    whole = [row for row in rows if row.sequence == sequence and len(row.frames) == len(SEQUENCES[sequence])]
    found = {label(row): row.frames for row in whole}
    lines: list[list[object]] = [[name, *(f"{found[name][place]:.2f}" for place in places)] for name in labels(whole)]
    return table(["frame", *(str(place + 1) for place in places)], lines)


def still_table(rows: list[Row]) -> str:
    found = {label(row): row for row in rows if row.sequence == "still"}
    lines: list[list[object]] = [
        [name, f"{found[name].figure:.2f}", f"{found[name].flicker:.2f}"] for name in labels(list(found.values()))
    ]
    return table(["", "PSNR, dB", "flicker, levels"], lines)


def body(rows: list[Row]) -> str:
    rows = resumable.latest(rows)
    parts = [
        f"Mean PSNR in dB of frames {SKIPPED + 1} to the last, all pixels. Time: processor time of a thread a frame on "
        "a busy machine, in units of the video model's by frame; FFmpeg's with reading and conversion. Bundles: of the "
        "shot's first noisy frame, preset default or as named. Settings, the best of a few on frames 10 to 25: "
        f"{'; '.join(f'`{one}`' for one in FILTERS.values())}; OpenCV: h {NL_MEANS_H:g}, {NL_MEANS_WINDOW} frames.",
    ]
    for noise in ("Gaussian 25", "Poisson-Gaussian"):
        shots = [name for name in SEQUENCES if name.partition(",")[0] in SHOTS and SEQUENCES[name][0][1] == noise]
        if any(row.sequence in shots for row in rows):
            parts += [f"{noise}:", shots_table(rows, shots)]
    if any(row.sequence == "still" for row in rows):
        parts += ["A still scene (frame 112, 16 times); flicker is the deviation over time:", still_table(rows)]
    for sequence, what, places in (
        ("cut", "A cut after frame 8 (112-119, then 172-179; bundle of 112), single frames", [7, 8, 9, 10, 12, 15]),
        (
            "gain",
            "Noise 10 in eight frames, then 40 (112-136; bundle of 10), single frames",
            [7, 8, 9, 10, 16, 24],
        ),
        ("strong", "The frames 9, 11, 17 and 25 of that with a bundle of noise 40, single frames", [0, 2, 8, 16]),
    ):
        if any(row.sequence == sequence for row in rows):
            parts += [f"{what}:", frames_table(rows, sequence, places)]
    missing = [name for name in METHODS if not any(row.method == name and row.sequence in SHOTS for row in rows)]
    if missing:
        parts.append(f"Not run on the shots: {', '.join(missing)}.")
    parts.append(resumable.state(rows, lambda row: today(row.method)))
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "tables"))
    parser.add_argument("--sequences", choices=SEQUENCES, nargs="+", default=list(SHOTS))
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    parser.add_argument("--presets", choices=("instant", "fast", "default"), nargs="+", default=["default"])
    parser.add_argument("--bundles", type=Path, default=Path(tempfile.gettempdir()) / "zsn2m-video-bundles")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    arguments.bundles.mkdir(exist_ok=True)
    rows = resumable.read(ROWS, Row)
    if arguments.action == "run":
        done = {(*row.key, row.sources) for row in rows}
        for sequence in arguments.sequences:
            for method in arguments.methods:
                for effort in arguments.presets if method in OURS else arguments.presets[:1]:
                    if (sequence, method, effort if method in OURS else "", today(method)) in done:
                        continue
                    rows.append(measure(sequence, method, effort, arguments.bundles))
                    resumable.append(ROWS, rows[-1:])
                    print(*rows[-1].key, f"{rows[-1].figure:.2f} dB, {rows[-1].seconds} s", flush=True)
    write_section("Video", "python -m benchmarks.video tables", body(rows), made=resumable.made(rows))


if __name__ == "__main__":
    main()
