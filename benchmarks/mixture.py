"""Frames of different noise trained together: are they told apart, and how good are they? python -m benchmarks.mixture

`--preset default` trains as users do; the results say which preset they are of.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import itertools
from collections.abc import Callable
from unittest import mock

import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.noise_cases import noise_of
from benchmarks.quality import cases
from benchmarks.quality.methods import apply
from benchmarks.results import table, write_section
from benchmarks.split import half_of
from zsn2m_deploy import training
from zsn2m_deploy.adapt.mixture import apart, kinds_of
from zsn2m_deploy.config.networks import SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_runtime.sample_types import Pixels

PEAK = 255.0
ALIKE = ("gauss 25", "poisson 25", "gauss 10", "gauss 5", "gauss 50 clamped")
APART = (("gauss 25", "gauss 15"), ("gauss 25", "gauss 35"), ("gauss 25", "gauss 50"), ("poisson 25", "poisson 100"))
NOTES = """\
Frames: centre crops of the test half of kodak24 (every second scene from the second on). Told apart: triples of
different scenes under the same noise, and pairs of different scenes under different noise. Then PSNR in dB of each
frame: alone (a bundle of its own), as a mixture, and with one line of noise over all as before."""

GIVEN = ((0.0, PEAK), SensorConfig().schedule, torch.device("cpu"), 0)
Draw = Callable[[Pixels, np.random.Generator], Pixels]


def scenes() -> list[str]:
    """The test half."""
    return half_of(cases.names("kodak24"), "test")


def told_apart() -> str:
    """How many of the like and of the unlike are."""
    images, rows = scenes(), []
    names = {*ALIKE, *itertools.chain.from_iterable(APART)}
    kinds = {
        noise: kinds_of([cases.case("kodak24", image, noise, 0, images).noisy for image in images], *GIVEN)
        for noise in sorted(names)
    }
    for noise in ALIKE:
        found = [apart(triple) > 1 for triple in itertools.combinations(kinds[noise], 3)]
        rows.append([f"{noise}, triples", len(found), f"{100 * np.mean(found):.1f} %"])
    for one, other in APART:
        pairs = [(kinds[one][a], kinds[other][b]) for a, b in itertools.permutations(range(len(images)), 2)]
        found = [apart(pair) > 1 for pair in pairs]
        rows.append([f"{one} beside {other}", len(found), f"{100 * np.mean(found):.1f} %"])
    return table(["frames", "n", "told apart"], [list(row) for row in rows])


def poisson(most: float) -> Draw:
    """Photons, so many at white, with a gain that makes white 255."""
    return lambda clean, generator: generator.poisson(most * clean / PEAK) * (PEAK / most)


def gauss(sigma: float, lag_1: float = 0.0) -> Draw:
    """White or correlated noise."""
    return lambda clean, generator: clean + sigma * noise_of(clean.shape, lag_1, int(generator.integers(2**31)))


def trained_as_one(frames: list[Pixels], config: TrainConfig) -> Trained:
    """With one line of noise over all frames."""
    with mock.patch.object(training, "grouped", lambda frames, *_: [list(range(len(frames)))]):
        return train(frames, config)


def qualities(preset: str) -> str:
    """Rows of PSNR: each frame of each set."""
    plans: list[tuple[str, list[Draw], int, int]] = [
        *((f"day 400, night 25 photons, seed {seed}", [poisson(400), poisson(25)], 3, seed) for seed in (0, 1)),
        ("sigma 5, 25, 50", [gauss(5), gauss(25), gauss(50)], 3, 0),
        ("grey, day 400, night 25", [poisson(400), poisson(25)], 1, 0),
        ("white 10, correlated (0.3) 25", [gauss(10), gauss(25, 0.3)], 3, 0),
    ]
    rows: list[list[object]] = []
    for name, draws, channels, seed in plans:
        rows += measured(name, draws, channels, seed, TrainConfig.from_preset(preset))  # type: ignore[arg-type]
    return table(["frames", "scene", "groups", "alone", "mixture", "difference", "one line"], rows)


def measured(name: str, draws: list[Draw], channels: int, seed: int, config: TrainConfig) -> list[list[object]]:
    """The rows of one set."""
    images = scenes()[seed :: 12 // len(draws)][: len(draws)]
    clean = [cases.case("kodak24", image, "gauss 25", 0, images).clean for image in images]
    if channels == 1:
        clean = [picture[..., 1] for picture in clean]
    generator = np.random.default_rng(1000 + seed)
    noisy = [draw(picture, generator).astype(np.float32) for draw, picture in zip(draws, clean, strict=True)]

    def psnr(trained: Trained, index: int) -> float:
        result = apply(trained, "sensor", noisy[index])
        return float(peak_signal_noise_ratio(clean[index], result, data_range=PEAK))

    mixture, one = train(noisy, config), trained_as_one(noisy, config)
    rows: list[list[object]] = []
    for index, image in enumerate(images):
        alone, together = psnr(train([noisy[index]], config), index), psnr(mixture, index)
        figures = [f"{alone:.2f}", f"{together:.2f}", f"{together - alone:+.2f}", f"{psnr(one, index):.2f}"]
        rows.append([name, image, len(mixture.groups), *figures])
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="fast")
    preset = parser.parse_args().preset
    torch.set_num_threads(1)
    body = f"{NOTES}\n\n{told_apart()}\n\nPreset {preset}:\n\n{qualities(preset)}"
    write_section("Mixture", f"python -m benchmarks.mixture --preset {preset}", body)


if __name__ == "__main__":
    main()
