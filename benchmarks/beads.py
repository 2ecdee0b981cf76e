"""Does a bundle trained on one frame of a 16-bit sensor hold for the frames after it?

seq_beads: five frames of immobile beads, about 90 levels of a 16-bit range in use. Trained on page 1, pages 2 to 5
are denoised: flicker (standard deviation of the difference of successive frames), shift of the mean, and banding
(standard deviation of the row and column means of what was removed, beyond what white noise would leave).
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.results import DATA, table, write_section
from zsn2m_deploy import Denoiser, TrainConfig, train_and_export
from zsn2m_runtime.files import open_image


def measure(stack: Path, config: TrainConfig) -> dict[str, dict[str, float]]:
    """The figures of the noisy pages ("noisy") and of each model's results, in counts."""
    with open_image(stack) as image:
        noisy = [frame.pixels for frame in image][1:]
    figures = {"noisy": {"flicker": _flicker(noisy), "largest mean shift": 0.0, "banding": 0.0}}
    with tempfile.TemporaryDirectory() as folder:
        bundle = train_and_export(stack, Path(folder) / "beads.zsn2m", config)
        for model in bundle.manifest.models:
            denoise = Denoiser(bundle.path, model.id, provider="cpu")
            denoised = [denoise(page) for page in noisy]
            removed = [before.astype(np.float64) - after for before, after in zip(noisy, denoised, strict=True)]
            figures[model.id] = {
                "flicker": _flicker(denoised),
                "largest mean shift": max(abs(float(frame.mean())) for frame in removed),
                "banding": max(_banding(frame) for frame in removed),
            }
    return figures


def _flicker(frames: list[np.ndarray]) -> float:
    return float(np.mean([np.std(after.astype(np.float64) - before) for before, after in pairwise(frames)]))


def _banding(removed: np.ndarray) -> float:
    """How much more the means of rows or columns vary than those of white noise of the same deviation (1: as much)."""
    ratios = [removed.mean(axis=axis).std() * np.sqrt(removed.shape[axis]) / removed.std() for axis in (0, 1)]
    return float(max(ratios))


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    stack = DATA / "seq_beads" / "stuck_beads.tif"
    figures = measure(stack, TrainConfig()) | measure(stack, TrainConfig(method="mbd"))
    names = ["flicker", "largest mean shift", "banding"]
    rows = [[model, *(f"{values[name]:.3f}" for name in names)] for model, values in figures.items()]
    write_section(
        "seq_beads: trained on page 1, used on pages 2 to 5 (counts)",
        "python -m benchmarks.beads",
        table(["", *names], rows) + "\n\nBanding: 1 is what white noise leaves in row and column means.",
    )


if __name__ == "__main__":
    main()
