"""The frames that everything is measured on: the clean crop, its noise, and what a method may be told of it.

Synthetic sets: centre crop of min(side, 256) in each direction, three channels (grey images repeated, their noise
independent), noise added to float pixels and not clamped unless the noise says so. Real sets: centre crop of
256 x 256 of a noisy and clean pair.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.results import DATA
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels

SIDE = 256
SYNTHETIC = ("kodak24", "set14")
REAL = ("sidd_val", "polyu", "fmd")
LEVELS = (5.0, 50.0)
NOISES = (
    "gauss 25",
    "poisson 25",
    "gauss [5,50]",
    "poisson [5,50]",
    "gauss 25 clamped",
    "gauss 50 clamped",
    "real",
)


@dataclass(frozen=True)
class Case:
    """One frame: (h, w) or (h, w, 3) float32 on the 0 to 255 scale."""

    dataset: str
    image: str
    noise: str
    level: float  # sigma (0 to 255) or lambda (0 to 1); 0 for real noise
    seed: int
    clean: Pixels
    noisy: Pixels

    @property
    def sigma(self) -> float:
        """The deviation of this frame's noise, for methods that are told it."""
        return float(np.std(self.noisy - self.clean))

    @property
    def clean_as_bright(self) -> Pixels:
        """The clean frame with the noisy one's mean: the captures that FMD averages drift in brightness."""
        return self.clean * (self.noisy.mean() / self.clean.mean())


def names(dataset: str, count: int | None = None) -> list[str]:
    """The images of a set in order, the first `count` of them; of fmd first one capture of each configuration."""
    if dataset in SYNTHETIC:
        found = sorted(path.name for path in (DATA / dataset).iterdir())
    else:
        found = [row["noisy"] for row in _pairs(dataset)]
    if dataset == "fmd":
        found.sort(key=lambda name: (name.rsplit("_", 1)[1], name))
    return found[:count]


def case(dataset: str, image: str, noise: str, seed: int, of: list[str]) -> Case:
    """One frame of a set, `of` being all images that the levels of [5, 50] are spread over."""
    if noise == "real":
        pair = next(row for row in _pairs(dataset) if row["noisy"] == image)
        noisy, clean = (_crop(_read(DATA / dataset / pair[kind])) for kind in ("noisy", "clean"))
        return Case(dataset, Path(image).stem, noise, 0.0, seed, clean, noisy)
    clean = _crop(_read(DATA / dataset / image))
    if clean.ndim == 2:
        clean = np.repeat(clean[:, :, None], 3, axis=2)
    amount = level(noise, image, of)
    generator = np.random.default_rng([zlib.crc32(f"{dataset}/{image}".encode()), seed])
    noisy = _add_noise(clean, noise, amount, generator)
    return Case(dataset, Path(image).stem, noise, amount, seed, clean, noisy)


def level(noise: str, image: str, of: list[str]) -> float:
    """The level of an image's noise: sigma, or lambda; spread over the images `of` for [5, 50]; 0 for real noise."""
    if noise == "real":
        return 0.0
    kind = noise.split()[1]
    if kind != "[5,50]":
        return float(kind)
    low, high = LEVELS
    levels = low + (high - low) * (np.arange(len(of)) + 0.5) / len(of)
    return float(np.random.default_rng(0).permutation(levels)[of.index(image)])


def _add_noise(clean: Pixels, noise: str, level: float, generator: np.random.Generator) -> Pixels:
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "gauss": lambda: clean + generator.normal(0, level, clean.shape),
        "poisson": lambda: generator.poisson(level * clean / 255.0) * (255.0 / level),
    }
    noisy = kinds[noise.split()[0]]()
    return (np.clip(noisy, 0, 255) if noise.endswith("clamped") else noisy).astype(np.float32)


def _pairs(dataset: str) -> list[dict[str, str]]:
    with (DATA / dataset / "pairs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _read(path: Path) -> Pixels:
    with open_image(path) as image:
        return image.read().pixels.astype(np.float32)


def _crop(pixels: Pixels) -> Pixels:
    height, width = (min(SIDE, side) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
