"""How well the noise at each brightness is known, by patches and by the network: python -m benchmarks.noise_line"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from benchmarks.quality import cases
from benchmarks.quality.bodies import title
from benchmarks.results import table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import Doubles, NoiseModel

ONE_STEP = TrainConfig().updated({"sensor": {"scenes": 1, "schedule": {"iterations": 1}}})  # the noise is found before
FIRST = 8  # images of a set
BANDS = 16  # of brightness
NEGLIGIBLE = 0.02  # of the mean variance; bands with less noise are left out
NOTES = """\
How far the estimated standard deviation is from the true one: the root of the mean square of the logarithm of their
ratio over bands of brightness of the clean frame, in %, mean over the frames (worst frame). Patches: the line through
the quietest patches. Network: the line through what the pretrained network removes, which the default trains with.
Frames whose noise counts as correlated are left out. FMD: the truth is the variance of noisy minus clean."""


def estimates(case: cases.Case) -> tuple[NoiseModel, NoiseModel]:
    """The noise by patches, and as training sees it."""
    return estimate_noise([case.noisy]), train([case.noisy], ONE_STEP).noise


def truth(case: cases.Case) -> tuple[Doubles, Doubles]:
    """Clean values and variances of bands of brightness, each (bands, c)."""
    clean = np.asarray(case.clean, np.float64).reshape(case.clean.shape[0] * case.clean.shape[1], -1)
    noise = np.asarray(case.noisy, np.float64).reshape(clean.shape) - clean
    levels, variances = [], []
    for of_channel, added in zip(clean.T, noise.T, strict=True):
        bands = np.array_split(np.argsort(of_channel), BANDS)
        levels.append([of_channel[band].mean() for band in bands])
        variances.append([added[band].var() for band in bands])
    level = np.array(levels).T
    known = {"gauss": lambda: np.full_like(level, case.level**2), "poisson": lambda: level * 255 / case.level}
    kind = case.noise.split()[0]
    return level, known[kind]() if kind in known else np.array(variances).T


def error(model: NoiseModel, level: Doubles, variance: Doubles) -> float:
    """Root mean square of the logarithm of estimated over true deviation."""
    ratio = model.variance(level) / np.maximum(variance, 1e-12)
    return float(np.sqrt(np.mean(np.square(np.log(ratio[variance > NEGLIGIBLE * variance.mean()]) / 2))))


def main() -> None:
    lines: list[list[object]] = []
    plan = [(dataset, noise, FIRST) for noise in cases.NOISES[:-1] for dataset in cases.SYNTHETIC]
    for dataset, noise, count in [*plan, ("fmd", "real", 12)]:
        of, found = cases.names(dataset, count), []
        for image in of:
            case = cases.case(dataset, image, noise, 0, of)
            models = estimates(case)
            if not models[1].correlated:
                found.append([100 * error(model, *truth(case)) for model in models])
        errors = np.array(found).reshape(-1, 2)
        cells = [f"{mean:.1f} ({most:.0f})" for mean, most in zip(errors.mean(axis=0), errors.max(axis=0), strict=True)]
        lines.append([title(dataset, noise), len(found), *cells])
    body = table(["frames", "n", "patches, %", "network, %"], lines)
    write_section("Noise at each brightness", "python -m benchmarks.noise_line", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
