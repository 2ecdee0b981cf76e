"""How well the noise of a frame is estimated: python -m benchmarks.noise

Synthetic: known noise on the centres of kodak24. Real: against noisy minus clean of the same pixels, which also holds
what the two exposures do not share otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.quality import cases
from benchmarks.results import table, write_section
from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.level import estimate_sigma
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels

LEVELS = (10.0, 25.0, 50.0)  # of 255
CORRELATIONS = (0.0, 0.2, 0.4)
PHOTONS = (25.0, 100.0)  # at full white
REAL = ("sidd_val", "polyu", "fmd")
NOTES = """\
Level: estimated over true standard deviation, mean (lowest to highest); within 10 %: how many frames. Lag 1: estimated
correlation of neighbours, mean (lowest to highest). Haar: the same ratio by the median absolute diagonal Haar detail,
which takes noise for white. Correlated: how many frames were taken for that."""


@dataclass(frozen=True)
class Found:
    """Of one frame: the model, and the ratios of both estimates to the truth."""

    model: NoiseModel
    ratio: float
    haar: float


def noise_of(shape: tuple[int, ...], lag_1: float, seed: int) -> Pixels:
    """Gaussian noise of variance 1."""
    outer, centre = correlation_taps(lag_1)
    unit = np.random.default_rng(seed).standard_normal((shape[0] + 2, shape[1] + 2, *shape[2:]))
    unit = outer * (unit[:-2] + unit[2:]) + centre * unit[1:-1]
    return np.asarray(outer * (unit[:, :-2] + unit[:, 2:]) + centre * unit[:, 1:-1], np.float32)


def look(noisy: Pixels, clean: Pixels, truth: float) -> Found:
    """Estimate, and compare with the true standard deviation."""
    model = estimate_noise([noisy])
    return Found(model, model.sigma([clean]) / truth, estimate_sigma(noisy) / truth)


def line(name: str, found: list[Found], lags: list[float]) -> list[object]:
    """A row of the table."""
    ratios = np.array([one.ratio for one in found])
    lag_1 = np.array([np.mean(one.model.neighbours) for one in found])
    return [
        name,
        f"{np.mean(lags):.2f}",
        f"{ratios.mean():.2f} ({ratios.min():.2f} to {ratios.max():.2f})",
        f"{(abs(ratios - 1) < 0.1).sum()} of {len(found)}",
        f"{np.mean([one.haar for one in found]):.2f}",
        f"{lag_1.mean():.2f} ({lag_1.min():.2f} to {lag_1.max():.2f})",
        f"{sum(one.model.correlated for one in found)} of {len(found)}",
    ]


def synthetic() -> list[list[object]]:
    """Rows of the known noises."""
    names = cases.names("kodak24")
    clean = [np.asarray(cases.case("kodak24", name, "gauss 25", 0, names).clean, np.float32) for name in names]
    rows = []
    for level in LEVELS:
        for lag_1 in CORRELATIONS:
            found = [
                look((frame + level * noise_of(frame.shape, lag_1, seed)).astype(np.float32), frame, level)
                for seed, frame in enumerate(clean)
            ]
            rows.append(line(f"kodak24, Gaussian {level:g}", found, [lag_1]))
    for photons in PHOTONS:
        found = []
        for seed, frame in enumerate(clean):
            noisy = np.random.default_rng(seed).poisson(photons * frame / 255) * (255 / photons)
            found.append(look(noisy.astype(np.float32), frame, float(np.sqrt(frame.mean() * 255 / photons))))
        rows.append(line(f"kodak24, Poisson {photons:g}", found, [0.0]))
    return rows


def real(dataset: str) -> list[object]:
    """The row of a real set."""
    names = cases.names(dataset)
    found, lags = [], []
    for name in names:
        case = cases.case(dataset, name, "real", 0, names)
        noise = case.noisy.astype(np.float64) - case.clean
        planes = noise.reshape(*noise.shape[:2], -1)
        planes = planes - planes.mean(axis=(0, 1))
        beside = (planes[:, 1:] * planes[:, :-1]).mean(), (planes[1:] * planes[:-1]).mean()
        lags.append(float(np.mean(beside) / np.square(planes).mean()))
        found.append(look(case.noisy, case.clean, float(np.sqrt(np.square(planes).mean()))))
    return line(dataset, found, lags)


def main() -> None:
    header = ["frames", "true lag 1", "level", "within 10 %", "Haar", "lag 1", "correlated"]
    body = table(header, [*synthetic(), *(real(dataset) for dataset in REAL)])
    write_section("Noise", "python -m benchmarks.noise", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
