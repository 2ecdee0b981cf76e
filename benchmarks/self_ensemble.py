"""What the mean over a frame's orientations is worth: python -m benchmarks.self_ensemble"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
from pathlib import Path
from typing import get_args

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.quality import cases
from benchmarks.quality.methods import apply, configured
from benchmarks.results import table, write_section
from benchmarks.split import halves_of
from zsn2m_deploy.config.training import Preset
from zsn2m_deploy.training import train
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.inference.orientations import ALL, AS_IT_IS, FLIPS, in_orientations

KINDS = (
    ("kodak24", "gauss 25"),
    ("kodak24", "poisson 25"),
    *((name, "real") for name in cases.REAL),
)
WAYS = {"as it is": AS_IT_IS, "4 flips": FLIPS, "all 8": ALL}
FRAMES = 4  # of each kind


def measured(case: cases.Case, preset: Preset) -> list[float]:
    """PSNR of each way, and how far the noise of neighbours differs between the two directions."""
    trained = train([case.noisy], configured(preset, "sensor").updated({"seed": case.seed}))
    found = []
    for orientations in WAYS.values():
        mean = in_orientations(
            lambda planes, _: to_nchw(apply(trained, "sensor", from_nchw(planes, np.float32))),
            to_nchw(case.noisy),
            1.0,
            orientations,
        )
        result = from_nchw(mean, np.float32).reshape(case.clean.shape)
        found.append(float(peak_signal_noise_ratio(case.clean, result.clip(0, 255), data_range=255)))
    beside, below = trained.groups[0].noise.neighbours
    return [*found, abs(beside - below)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=get_args(Preset), default="fast")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each kind, of the test half")
    arguments = parser.parse_args()
    lines: list[list[object]] = []
    for dataset, noise in KINDS:
        names, halves = cases.names(dataset), halves_of(dataset)
        chosen = [name for name in names if halves[Path(name).stem] == "test"][: arguments.frames]
        rows = np.array([measured(cases.case(dataset, name, noise, 0, names), arguments.preset) for name in chosen])
        gains = rows[:, 1:3] - rows[:, :1]
        cells = [f"{mean:.2f}" for mean in rows[:, :3].mean(axis=0)]
        least, direction = gains[:, 1].min(), rows[:, 3].max()
        lines.append(
            [dataset, noise, len(rows), *cells, f"{gains[:, 1].mean():+.2f}", f"{least:+.2f}", f"{direction:.2f}"]
        )
        print(lines[-1], flush=True)
    header = ["frames", "noise", "n", *WAYS, "gain of 8", "least", "direction"]
    notes = (
        f"Preset {arguments.preset}, the middle 256 x 256 of frames of the test half; mean PSNR in dB. Direction: the "
        f"largest difference between the noise's correlation with the pixel beside and with that below."
    )
    write_section("Self-ensemble", "python -m benchmarks.self_ensemble", f"{notes}\n\n{table(header, lines)}")


if __name__ == "__main__":
    main()
