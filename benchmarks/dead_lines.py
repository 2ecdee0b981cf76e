"""Dead columns and rows: found, taken for such, and what replacing them is worth: python -m benchmarks.dead_lines"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.quality import cases
from benchmarks.quality.methods import apply
from benchmarks.regular_cases import draw, textures
from benchmarks.results import DATA, table, write_section
from benchmarks.split import FIRST_TEST_SEED, half_of
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.patterns.dead_lines import find_dead_lines
from zsn2m_runtime.sample_types import Pixels

LEVELS = (0.0, 128.0, 255.0)
READ = (0.0, 1.0, 3.0)  # deviations of what a line has instead of its noise, levels
SIGMAS = (5.0, 25.0)
LINES = 4  # columns, and rows, that are spoilt
APART = 6  # lines
MARGIN = 10  # lines at the borders that are not spoilt
WHITE = 255.0
EACH = 2  # textures of each kind and half
TRAINED = 6  # images
NOTES = f"""\
False: frames without dead lines that are known of, in which some are found: all stills of the shared sets, noisy and
clean, the first pages of stacks, Kodak24 at three times its contrast and in grey, and drawn lines, gratings, lattices,
weaves and screens. Found: of {LINES} columns and {LINES} rows of a frame that have one level and noise of reading
alone, those that are found, and sound lines that are taken for such; Kodak24, test half, grey, whole numbers of 8 bits,
Gaussian noise. Results: `--preset instant`, the first {TRAINED} images of the test half in colour, Gaussian noise of
25, {LINES} columns and {LINES} rows at 0 and as many at 255, which cross; PSNR over all pixels, noise found."""


def stills() -> Iterator[tuple[str, Pixels]]:
    """All shared frames, and some in other contrasts."""
    for path in sorted(DATA.rglob("*")):
        group = path.relative_to(DATA).parts[0]
        if path.suffix.lower() not in (".png", ".tif", ".tiff", ".bmp", ".jpg"):
            continue
        try:
            with open_image(path) as image:
                pixels = image.read().pixels
        except InputError:
            continue  # a file that is faulty by intent
        yield group, pixels
        if group == "kodak24":
            bold = np.rint(3 * (pixels.astype(np.float64) - WHITE / 2) + WHITE / 2).clip(0, WHITE)
            yield "kodak24, three times the contrast", bold.astype(np.uint8)
            yield "kodak24, grey", grey(pixels)
    for first in (0, FIRST_TEST_SEED):
        for texture in textures(first, EACH):
            yield "drawn textures", np.rint(draw(texture)[0]).clip(0, WHITE).astype(np.uint8)


def grey(pixels: Pixels) -> Pixels:
    """The mean of the channels, whole numbers. Shape: (h, w, 3) -> (h, w)."""
    return np.rint(pixels.mean(axis=2)).astype(np.uint8)


def false_ones() -> str:
    """Frames that seem to have dead lines."""
    counts: dict[str, list[bool]] = {}
    for group, pixels in stills():
        counts.setdefault(group, []).append(bool(find_dead_lines(pixels)))
    counts["all"] = [found for of_group in counts.values() for found in of_group]
    return table(["frames", "n", "with any"], [[group, len(found), sum(found)] for group, found in counts.items()])


def chosen(rng: np.random.Generator, length: int) -> np.ndarray:
    """Numbers of lines, apart."""
    return rng.choice(np.arange(MARGIN, length - MARGIN, APART), LINES, replace=False)


def spoilt(frame: Pixels, level: float, read: float, seed: int) -> tuple[Pixels, dict[str, set[int]]]:
    """A frame with dead lines, and which they are. Shape: (h, w) or (h, w, 3), whole numbers."""
    rng = np.random.default_rng(seed)
    columns, rows = chosen(rng, frame.shape[1]), chosen(rng, frame.shape[0])
    made = frame.astype(np.float64)
    made[:, columns] = level + rng.normal(0, read, made[:, columns].shape)
    made[rows] = level + rng.normal(0, read, made[rows].shape)
    return np.rint(made).clip(0, WHITE).astype(np.uint8), {"columns": set(columns.tolist()), "rows": set(rows.tolist())}


def pictures() -> list[Path]:
    return half_of(sorted((DATA / "kodak24").glob("*.png")), "test")


def noisy(path: Path, sigma: float, seed: int, in_grey: bool) -> tuple[Pixels, Pixels]:
    """The centre of an image with Gaussian noise, whole numbers, and without."""
    with open_image(path) as image:
        whole = image.read().pixels
    top, left = ((side - cases.SIDE) // 2 for side in whole.shape[:2])
    clean = whole[top : top + cases.SIDE, left : left + cases.SIDE]
    clean = (grey(clean) if in_grey else clean).astype(np.float64)
    drawn = clean + np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.rint(drawn).clip(0, WHITE).astype(np.uint8), clean


def found_ones() -> str:
    """The share of dead lines that is found."""
    lines: list[list[object]] = []
    for sigma in SIGMAS:
        for level in LEVELS:
            cells, wrong = [], 0
            for read in READ:
                right = 0
                for seed, path in enumerate(pictures()):
                    frame, dead = spoilt(noisy(path, sigma, seed, True)[0], level, read, seed)
                    found = find_dead_lines(frame)
                    for axis, numbers in (("columns", found.get("columns", [])), ("rows", found.get("rows", []))):
                        right += len(dead[axis] & set(numbers))
                        wrong += len(set(numbers) - dead[axis])
                cells.append(f"{100 * right / (2 * LINES * len(pictures())):.0f} %")
            lines.append([f"{sigma:g}", f"{level:g}", *cells, wrong])
    return table(["noise", "level", *(f"noise of reading {read:g}" for read in READ), "sound, but found"], lines)


def results() -> str:
    """PSNR without dead lines, with them, and where they are replaced."""
    instant = TrainConfig.from_preset("instant").updated({"device": "cpu", "video": False})
    asked = instant.updated({"sensor": {"correct_defects": True}})
    lines: list[list[object]] = []
    means: list[list[float]] = []
    for seed, path in enumerate(pictures()[:TRAINED]):
        frame, clean = noisy(path, SIGMAS[-1], seed, False)
        dead = spoilt(spoilt(frame, 0.0, 0.0, seed)[0], WHITE, 0.0, seed + 1000)[0]
        found, figures = [], [psnr(dead, clean)]
        for given, config in ((frame, instant), (dead, instant), (dead, asked)):
            trained = train([given], config)
            figures.append(psnr(apply(trained, "sensor", given.astype(np.float32)), clean))
            found.append(f"{trained.noise.sigma([frame]):.1f}")
        means.append(figures)
        lines.append([path.stem, *(f"{figure:.2f}" for figure in figures), *found])
    lines.append(["**mean**", *(f"**{mean:.2f}**" for mean in np.mean(means, axis=0)), "", "", ""])
    heads = ["image", "frame with dead lines", "sound frame, denoised", "dead lines kept", "replaced"]
    return table([*heads, *(f"noise, {name}" for name in ("sound", "kept", "replaced"))], lines)


def psnr(pixels: Pixels, clean: Pixels) -> float:
    """dB, of whole frames."""
    return float(10 * np.log10(WHITE**2 / np.square(pixels.clip(0, WHITE) - clean).mean()))


def main() -> None:
    torch.set_num_threads(1)
    logging.getLogger("zsn2m_deploy").setLevel(logging.ERROR)  # dead lines are warned of, as they should be
    body = f"{false_ones()}\n\n{found_ones()}\n\n{results()}\n\n{NOTES}"
    write_section("Dead lines", "python -m benchmarks.dead_lines", body)


if __name__ == "__main__":
    main()
