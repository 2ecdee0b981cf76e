"""Noise of mosaics as training finds it, and results worse than their frames: python -m benchmarks.mosaic_noise

The drawn camera of benchmarks/mosaics.py; nothing is adapted.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.mosaics import BLACK, LEVELS, PATTERN, WHITE, Case, case
from benchmarks.results import DATA, table, write_section
from benchmarks.split import HALVES, half_of
from zsn2m_deploy.fit.checks import estimated_error
from zsn2m_deploy.fit.correlated import WHOLE
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.sample_types import Pixels

FIRST = 6  # images of each half
BOUND = 0.1  # of the true deviation
ROUNDING = 1 / 12
NOTES = f"""\
Level: standard deviation that was found over the true one; how many images are within {100 * BOUND:.0f} %, median,
least and most. The pictures' own grain counts as noise for the estimate and as picture for the truth, which shows where
noise is weak. Network, weakened: PSNR of the pretrained network's results, as it is and as training weakens it; means,
how many are worse than their frames, and the least gain."""


def psnr(pixels: Pixels, clean: Pixels) -> float:
    """dB, of white less black."""
    return float(10 * np.log10((WHITE - BLACK) ** 2 / np.square(pixels.clip(0, WHITE) - clean).mean()))


def measured(of: Case) -> tuple[float, float, float, float]:
    """Level found over the true one; PSNR of the frame, of the pretrained network's result, and of it weakened."""
    noisy, clean = (planes_of(Frame(pixels), PATTERN).pixels.astype(np.float64) for pixels in (of.noisy, of.clean))
    (low, high), gain, read = value_span([noisy]), *of.noise
    noise, network, scale = estimate_noise([noisy]), pretrained(PLANES), high - low
    level = float(np.sqrt(noise.variance(clean).mean() / (gain * (clean - BLACK) + read**2 + ROUNDING).mean()))
    planes = (torch.from_numpy(to_nchw(noisy)[0]) - low) / scale
    error = estimated_error(network, [planes], noise.rescaled(low, scale), 0)
    with torch.no_grad():
        whole = from_nchw(network(planes[None]).numpy(), np.float32) * scale + low
    share = error.best_share if error and error.best_share < WHOLE else 1.0
    return level, psnr(noisy, clean), psnr(whole, clean), psnr(noisy + share * (whole - noisy), clean)


def rows() -> Iterator[list[object]]:
    """One for each level of noise and half."""
    for name, (gain, read) in LEVELS.items():
        for half in HALVES:
            found = [
                measured(case(path, name)) for path in half_of(sorted((DATA / "kodak24").glob("*.png")), half)[:FIRST]
            ]
            level, noisy, whole, weakened = map(np.array, zip(*found, strict=True))
            within = int((np.abs(level - 1) <= BOUND).sum())
            yield [
                f"{name}: {gain:g} a photon, read noise {read:g}",
                half,
                f"{within} of {len(found)}, {np.median(level):.2f} ({level.min():.2f} to {level.max():.2f})",
                f"{noisy.mean():.2f}",
                *(
                    f"{psnrs.mean():.2f}, {(psnrs < noisy).sum()} ({(psnrs - noisy).min():+.2f})"
                    for psnrs in (whole, weakened)
                ),
            ]


def main() -> None:
    torch.set_num_threads(1)
    heads = ["noise", "half", "level", "noisy, dB", "network, dB", "weakened, dB"]
    body = table(heads, list(rows()))
    write_section("Noise of mosaics", "python -m benchmarks.mosaic_noise", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
