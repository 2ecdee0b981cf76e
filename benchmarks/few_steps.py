"""What rounding costs where noise is few steps of it: python -m benchmarks.few_steps

The frame is rounded, and then the result of the pretrained network as well, against neither.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

from benchmarks.quality import cases
from benchmarks.results import table, write_section
from benchmarks.split import HALVES, half_of
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.noise.model import Doubles

SIGMA = 15.0  # of 255
STEPS = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)  # of the deviation
FIRST, SIDE = 4, 192  # crops of kodak24 of each half, pixels
NOTES = f"""\
Gaussian noise of {SIGMA:g} on crops of kodak24, {FIRST} a half; dB that are lost, mean (most). `inspect` and the report
say so below 0.6 steps, and of whole numbers below 2."""


def losses(clean: Doubles, seed: int) -> list[list[float]]:
    """For each of STEPS: dB lost by rounding the frame, by rounding the result too, and how many values there are."""
    noisy = clean + SIGMA * np.random.default_rng(seed).standard_normal(clean.shape)
    best = _error(_denoised(noisy), clean)
    found = []
    for deviation in STEPS:
        step = SIGMA / deviation
        frame = np.rint(noisy / step) * step
        result = _denoised(frame)
        rounded = np.rint(result / step) * step
        lost = (10 * np.log10(_error(one, clean) / best) for one in (result, rounded))
        found.append([*map(float, lost), float(len(np.unique(frame)))])
    return found


@torch.no_grad()
def _denoised(frame: Doubles) -> Doubles:
    noisy = torch.from_numpy((frame / 255).astype(np.float32)).movedim(2, 0)[None]
    return np.asarray(pretrained(3).eval()(noisy)[0].movedim(0, 2).numpy() * 255, np.float64)


def _error(result: Doubles, clean: Doubles) -> float:
    return float(np.square(result - clean).mean())


def main() -> None:
    names = cases.names("kodak24")
    lines: list[list[object]] = []
    for half in HALVES:
        crops = [
            cases.case("kodak24", name, "gauss 25", 0, names).clean[:SIDE, :SIDE].astype(np.float64)
            for name in half_of(names, half)[:FIRST]
        ]
        found = np.array([losses(clean, seed) for seed, clean in enumerate(crops)])  # (crops, steps, 3)
        for deviation, of_step in zip(STEPS, found.swapaxes(0, 1), strict=True):
            cells = [f"{column.mean():.2f} ({column.max():.2f})" for column in of_step.T[:2]]
            lines.append([half, f"{deviation:g}", f"{of_step[:, 2].mean():.0f}", *cells])
    body = table(["half", "deviation, steps", "values", "frame rounded, dB", "and result, dB"], lines)
    write_section("Noise of few steps", "python -m benchmarks.few_steps", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
