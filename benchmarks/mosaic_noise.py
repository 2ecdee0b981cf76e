"""Noise of mosaics as training finds it, and results that are worse than their frames: python -m benchmarks.mosaic_noise

The drawn camera of benchmarks/mosaics.py; nothing is adapted (`--preset instant`).
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.mosaics import BLACK, LEVELS, PATTERN, WHITE, Case, case
from benchmarks.quality.methods import apply_planes
from benchmarks.results import DATA, table, write_section
from benchmarks.split import HALVES, half_of
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.sample_types import Pixels

FIRST = 6  # images of each half
BOUND = 0.1  # of the true deviation
ROUNDING = 1 / 12
NOTES = f"""\
Level: standard deviation that was found over the true one; how many images are within {100 * BOUND:.0f} %, median,
least and most. The pictures' own grain counts as noise for the estimate and as picture for the truth, which shows where
noise is weak. PSNR: means over the images. Worse: how many results are further from the truth than their frames by more
than 0.02 dB; warned of: with a warning of training."""


def psnr(pixels: Pixels, clean: Pixels) -> float:
    """dB, of white less black."""
    return float(10 * np.log10((WHITE - BLACK) ** 2 / np.square(pixels.clip(0, WHITE) - clean).mean()))


def measured(of: Case) -> tuple[float, float, float, bool]:
    """Level found over the true one, PSNR of the frame and of the result, and whether there was a warning."""
    noisy, clean = (planes_of(Frame(pixels), PATTERN).pixels.astype(np.float64) for pixels in (of.noisy, of.clean))
    trained = train([noisy], TrainConfig.from_preset("instant").updated({"mosaic": PATTERN, "device": "cpu"}))
    gain, read = of.noise
    true = gain * (clean - BLACK) + read**2 + ROUNDING
    level = float(np.sqrt(trained.groups[0].noise.variance(clean).mean() / true.mean()))
    return level, psnr(noisy, clean), psnr(apply_planes(trained, noisy), clean), bool(trained.warnings)


def rows() -> Iterator[list[object]]:
    """One for each level of noise and half."""
    for name, (gain, read) in LEVELS.items():
        for half in HALVES:
            found = [
                measured(case(path, name)) for path in half_of(sorted((DATA / "kodak24").glob("*.png")), half)[:FIRST]
            ]
            level, noisy, result, warned = map(np.array, zip(*found, strict=True))
            worse = result < noisy - 0.02
            within = int((np.abs(level - 1) <= BOUND).sum())
            yield [
                f"{name}: {gain:g} a photon, read noise {read:g}",
                half,
                f"{within} of {len(found)}, {np.median(level):.2f} ({level.min():.2f} to {level.max():.2f})",
                f"{noisy.mean():.2f}",
                f"{result.mean():.2f}",
                f"{(result - noisy).min():+.2f}",
                f"{worse.sum()} ({(worse & warned).sum()} warned of)",
            ]


def main() -> None:
    torch.set_num_threads(1)
    heads = ["noise", "half", "level", "noisy, dB", "instant, dB", "least gain, dB", "worse"]
    body = table(heads, list(rows()))
    write_section("Noise of mosaics", "python -m benchmarks.mosaic_noise", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
