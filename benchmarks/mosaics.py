"""Mosaics of a drawn camera, the default against BM3D: python -m benchmarks.mosaics

Kodak24, centre crops of 256 x 256, made linear, behind the filters of an RGGB sensor of 12 bits with the noise of
photons and of reading. PSNR over all pixels of the mosaic; the peak is white less black. BM3D works on the four planes
after the generalised Anscombe transform, with its exact unbiased inverse, and is told gain and read noise.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks import resumable, sources
from benchmarks.quality.cases import SIDE
from benchmarks.quality.methods import apply_planes
from benchmarks.results import DATA, table, write_section
from benchmarks.split import HALVES, Half, half_of
from zsn2m_deploy.config.training import Preset, TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import mosaic_of, planes_of
from zsn2m_runtime.mosaic_record import BayerPattern
from zsn2m_runtime.sample_types import Pixels

ROWS = Path(__file__).with_name("mosaics.csv")
PATTERN: BayerPattern = "RGGB"
BLACK, WHITE = 256, 4095
PASSED = (0.5, 1.0, 0.65)  # of red, green and blue light, by the filters: about that of cameras in daylight
LEVELS = {"weak": (2.0, 4.0), "medium": (8.0, 10.0), "strong": (24.0, 24.0)}  # units a photon; read noise, units
FIRST = 4  # images of each half


@dataclass(frozen=True)
class Case:
    """A mosaic of the drawn camera; units are those of its samples."""

    image: str
    level: str
    clean: Pixels
    noisy: Pixels

    @property
    def noise(self) -> tuple[float, float]:
        """Gain and read noise."""
        return LEVELS[self.level]


@dataclass(frozen=True)
class Row:
    """The PSNR of one method on one case."""

    image: str
    level: str
    method: str
    psnr: float
    sources: str
    code: str
    date: str
    machine: str

    @property
    def figure(self) -> float:
        """What is compared when it is measured again, in dB."""
        return self.psnr

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is of."""
        return self.image, self.level, self.method


def case(path: Path, level: str) -> Case:
    with open_image(path) as image:
        picture = image.read().pixels / 255.0
    height, width = picture.shape[:2]
    top, left = (height - SIDE) // 2, (width - SIDE) // 2
    picture = picture[top : top + SIDE, left : left + SIDE]
    light = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4) * PASSED  # IEC 61966-2-1
    planes = np.stack([light[y::2, x::2, colour] for y, x, colour in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2))], -1)
    clean = mosaic_of(BLACK + (WHITE - BLACK) * planes, PATTERN, (SIDE, SIDE))
    gain, read = LEVELS[level]
    generator = np.random.default_rng(list(path.stem.encode()))
    noisy = BLACK + gain * generator.poisson((clean - BLACK) / gain) + generator.normal(0, read, clean.shape)
    return Case(path.stem, level, clean, np.rint(noisy).clip(0, WHITE).astype(np.uint16))


def bm3d_anscombe(of: Case) -> Pixels:
    """Source: Makitalo and Foi, Optimal inversion of the generalized Anscombe transformation, TIP 2013."""
    import bm3d

    gain, read = of.noise
    sigma, planes = read / gain, _planes(of)
    stable = 2 * np.sqrt(np.maximum((planes - BLACK) / gain + 3 / 8 + sigma**2, 0))
    top = float(stable.max())
    found = [top * bm3d.bm3d(stable[..., plane] / top, 1 / top) for plane in range(stable.shape[2])]
    d = np.maximum(np.stack(found, axis=-1), 2 * np.sqrt(3 / 8 + sigma**2))
    photons = d**2 / 4 + np.sqrt(1.5) / 4 / d - 11 / 8 / d**2 + 5 / 8 * np.sqrt(1.5) / d**3 - 1 / 8 - sigma**2
    return _mosaic(BLACK + gain * np.maximum(photons, 0))


def ours(of: Case, preset: Preset) -> Pixels:
    config = TrainConfig.from_preset(preset).updated({"mosaic": PATTERN, "device": "cpu"})
    planes = planes_of(Frame(of.noisy), PATTERN)
    return _mosaic(apply_planes(train([planes], config), planes.pixels))


def _planes(of: Case) -> np.ndarray:
    return planes_of(Frame(of.noisy), PATTERN).pixels.astype(np.float64)


def _mosaic(planes: Pixels) -> Pixels:
    return mosaic_of(planes, PATTERN, (SIDE, SIDE))


METHODS: dict[str, Callable[[Case], Pixels]] = {
    "noisy": lambda of: of.noisy,
    "BM3D (told the noise)": bm3d_anscombe,
    "instant": functools.partial(ours, preset="instant"),
    "default": functools.partial(ours, preset="default"),
}


PEERS = ("noisy", "BM3D (told the noise)")


def today(method: str) -> str:
    """The hash of what makes a method's rows."""
    used = () if method in PEERS else (*sources.ADAPT, "zsn2m_deploy/pretrain/sensor_4.safetensors")
    return sources.digest(("benchmarks/mosaics.py", *used), ["bm3d"] if method in PEERS else ())


def measure(image: Path, level: str, method: str) -> Row:
    of = case(image, level)
    error = np.mean(np.square(METHODS[method](of).astype(np.float64).clip(0, WHITE) - of.clean))
    psnr = 10 * np.log10((WHITE - BLACK) ** 2 / error)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Row(
        image.stem, level, method, round(float(psnr), 3), today(method), resumable.code(), date, resumable.machine()
    )


def images(half: Half) -> list[Path]:
    return half_of(sorted((DATA / "kodak24").glob("*.png")), half)[:FIRST]


def write(rows: list[Row]) -> None:
    found = {row.key: row.psnr for row in resumable.latest(rows)}
    lines = []
    for level, (gain, read) in LEVELS.items():
        for half in HALVES:
            whole = [
                (path.stem, [found[path.stem, level, method] for method in METHODS])
                for path in images(half)
                if all((path.stem, level, method) in found for method in METHODS)
            ]
            noise = f"{level}: {gain:g} a photon, read noise {read:g}"
            lines += [[noise, half, name, *(f"{figure:.2f}" for figure in figures)] for name, figures in whole]
            if whole:
                means = np.mean([figures for _, figures in whole], axis=0)
                lines.append([noise, half, "**mean**", *(f"**{mean:.2f}**" for mean in means)])
    used = [row for row in rows if row.method in METHODS]
    notes = f"dB, of the images that every method was run on. {resumable.made(used)}."
    heads = ["noise", "half", "image", *METHODS]
    write_section("Mosaics", "python -m benchmarks.mosaics", f"{table(heads, lines)}\n\n{notes}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, action="append", help="default: both")
    parser.add_argument("--level", choices=LEVELS, action="append", help="default: all")
    parser.add_argument("--method", choices=METHODS, action="append", help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = resumable.read(ROWS, Row)
    done = {(*row.key, row.sources) for row in rows}
    for half in arguments.half or HALVES:
        for image in images(half):
            for level in arguments.level or LEVELS:
                for method in arguments.method or METHODS:
                    if (image.stem, level, method, today(method)) in done:
                        continue
                    rows.append(measure(image, level, method))
                    resumable.append(ROWS, rows[-1:])
                    print(half, *rows[-1].key, rows[-1].psnr, flush=True)
    write(rows)


if __name__ == "__main__":
    main()
