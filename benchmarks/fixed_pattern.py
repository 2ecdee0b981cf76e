"""Is a pattern found that all frames of a sensor have, and none elsewhere? python -m benchmarks.fixed_pattern"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.pattern_cases import SIGMA, grey
from benchmarks.patterns import CENTRE, centres, pictures
from benchmarks.results import table, write_section
from zsn2m_deploy.noise.fixed_pattern import FixedPattern
from zsn2m_deploy.pretrain.offsets import fixed_pattern
from zsn2m_runtime.sample_types import Pixels

SHARES = (0.0, 0.15, 0.25, 0.5, 1.0)  # deviation of the pattern, of that of the noise
COUNTS = (2, 4, 8, 16)  # frames
FOLDERS = ("sidd_val/noisy", "polyu/noisy", "fmd/noisy", "seq_brightfield")
MOST = 8  # real frames
NOTES = f"""\
Pictures of kodak24 and set14, the test half, the middle {CENTRE} x {CENTRE}, grey, each with noise of {SIGMA:g} (of
255) of its own and the same pattern of so many times that deviation. Told: the deviation of the pattern, over the true
one. Left: that of what stays of it, over the pattern's, and the least that so many frames leave. Real frames, the first
{MOST} of the test half of each set; in seq_brightfield hardly anything moves."""


def found(frames: Sequence[Pixels]) -> FixedPattern | None:
    return fixed_pattern([frame.astype(np.float32) for frame in frames], torch.device("cpu"))


def drawn() -> str:
    clean = [grey(picture) for picture in centres("test") if min(picture.shape[:2]) == CENTRE]
    lines: list[list[object]] = []
    for share in SHARES:
        for count in COUNTS:
            generator = np.random.default_rng([count, round(100 * share)])
            pattern = generator.normal(0, share * SIGMA, clean[0].shape)
            noisy = [picture + pattern + generator.normal(0, SIGMA, picture.shape) for picture in clean[:count]]
            result = found(noisy)
            told = left = "-"
            if result and share:
                told, left = (
                    f"{result.sigma / (share * SIGMA):.2f}",
                    f"{(result.pattern - pattern).std() / pattern.std():.2f}",
                )
            least = f"{1 / np.sqrt(1 + count * share**2):.2f}"
            lines.append([f"{share:g}", count, "yes" if result else "no", told, left, least])
    return table(["pattern", "frames", "found", "told", "left", "least"], lines)


def real() -> str:
    lines: list[list[object]] = []
    for folder in FOLDERS:
        frames = [frame for _, frame in pictures(folder, "test")][:MOST]
        result = found(frames)
        lines.append([folder, len(frames), f"{result.sigma:.2f}" if result else "none"])
    return table(["real frames", "number", "pattern found"], lines)


def main() -> None:
    body = f"{NOTES}\n\n{drawn()}\n\n{real()}"
    write_section("Fixed-pattern noise", "python -m benchmarks.fixed_pattern", body)


if __name__ == "__main__":
    main()
