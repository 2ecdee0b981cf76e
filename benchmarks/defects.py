"""Which pixels count as defective, and what is gained by replacing them: python -m benchmarks.defects"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.quality import cases
from benchmarks.quality.bodies import title
from benchmarks.quality.methods import apply
from benchmarks.results import DATA, table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.noise.defects import DefectCorrection, find_defects
from zsn2m_deploy.training import train
from zsn2m_runtime.files import open_image
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels

SHARE = 0.002  # of the pixels that are made hot
EXCESSES = (5, 10, 20, 50, 200)  # deviations of the noise
WIDTHS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0)  # pixels, of the Gaussian that a point of light becomes
HEIGHTS = (10, 20, 50, 200)  # deviations of the noise
HOT = (50.0, 255.0)  # excess of hot pixels, levels
SMALL = (0, 1, 2, 5, 10)  # deviations, levels
NOTES = """\
Frames that count as having defective pixels though they have none that is known of, and the largest share of a frame's
samples. Hot pixels: the share found of hot pixels, 0.2 % of the frame, so many deviations of the noise above it; first
8 images of Kodak24, Gaussian 25. Points: the share of points of light that count as defective, by the deviation of
their Gaussian in pixels and their height; at random places between pixels, on flat ground. Denoising, PSNR: trained on
FMD frames with 0.2 % of the pixels 50 to 255 levels brighter, used on the frames with other such pixels; a 3 x 3 median
before use, and before training too; `--preset fast`."""


def false_ones() -> str:
    """Frames without defective pixels that seem to have some."""
    plan = [(dataset, noise) for dataset in cases.SYNTHETIC for noise in cases.NOISES[:-1]]
    lines: list[list[object]] = []
    for dataset, noise in [*plan, *((dataset, "real") for dataset in cases.REAL)]:
        of = cases.names(dataset)
        lines.append([title(dataset, noise), *_counted(cases.case(dataset, image, noise, 0, of).noisy for image in of)])
    for sigma in SMALL:
        lines.append([f"Kodak24, whole, 8 bits, Gaussian {sigma}", *_counted(_rounded(sigma))])
    return table(["frames", "n", "with any", "largest share"], lines)


def _rounded(sigma: float) -> Iterator[Pixels]:
    for seed, path in enumerate(sorted((DATA / "kodak24").iterdir())):
        with open_image(path) as image:
            clean = image.read().pixels
        noise = sigma * np.random.default_rng(seed).standard_normal(clean.shape)
        yield np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def _counted(frames: Iterable[Pixels]) -> tuple[int, int, str]:
    shares = [found.share if (found := find_defects([f], estimate_noise([f]))) else 0.0 for f in frames]
    return len(shares), sum(share > 0 for share in shares), f"{100 * max(shares):.2g} %"


def spoilt(frame: Pixels, excess: tuple[float, float], seed: int) -> tuple[Pixels, np.ndarray]:
    """A frame with hot samples, and where they are."""
    generator = np.random.default_rng(seed)
    where = generator.random(frame.shape) < SHARE
    hot = frame.copy()
    hot[where] += generator.uniform(*excess, int(where.sum())).astype(np.float32)
    return hot, where


def found_ones() -> str:
    """The share of hot pixels that is found."""
    of = cases.names("kodak24", 8)
    frames = [cases.case("kodak24", image, "gauss 25", 0, of).noisy for image in of]
    shares = []
    for excess in EXCESSES:
        right = total = 0
        for seed, frame in enumerate(frames):
            hot, where = spoilt(frame, (25.0 * excess, 25.0 * excess), seed)
            found = find_defects([hot], estimate_noise([hot]))
            made = found.frames[0] if found else hot
            right, total = right + int((where & (made != hot)).sum()), total + int(where.sum())
        shares.append(f"{100 * right / total:.0f} %")
    return table(["hot pixels", *(f"{excess} dev." for excess in EXCESSES)], [["found", *shares]])


def points() -> str:
    """The share of points of light that counts."""
    lines: list[list[object]] = []
    y, x = np.mgrid[:640, :640]
    generator = np.random.default_rng(0)
    noise = generator.standard_normal(y.shape)
    centres = 10 + 20 * np.arange(32)
    down, along = generator.uniform(-0.5, 0.5, (2, 32, 32)).repeat(20, axis=1).repeat(20, axis=2)
    distance = np.square(y - centres[y // 20] - down) + np.square(x - centres[x // 20] - along)
    for width in WIDTHS:
        shares = []
        for height in HEIGHTS:
            frame = (100 + noise + height * np.exp(-distance / 2 / width**2)).astype(np.float32)
            count = DefectCorrection(1, NoiseModel.white(np.zeros(1), np.ones(1))).corrected(frame)[1]
            shares.append(f"{100 * count / 32**2:.0f} %")
        lines.append([width, *shares])
    return table(["points, pixels", *(f"{height} dev." for height in HEIGHTS)], lines)


def denoising() -> str:
    """The error of FMD frames whose sensor has hot pixels, with and without the correction."""
    lines: list[list[object]] = []
    psnrs: list[list[float]] = []
    of = cases.names("fmd", 12)
    kept = TrainConfig.from_preset("fast")
    for image in of[:8]:
        case = cases.case("fmd", image, "real", 0, of)
        hot, other = spoilt(case.noisy, HOT, 1)[0], spoilt(case.noisy, HOT, 2)[0]
        hot_smooth, other_smooth = cv2.medianBlur(hot, 3), cv2.medianBlur(other, 3)
        of_sound, of_hot, of_smooth = (train([frame], kept) for frame in (case.noisy, hot, hot_smooth))
        corrected = train([hot], kept.updated({"sensor": {"correct_defects": True}}))
        used = (
            (of_sound, case.noisy),
            (corrected, other),
            (of_hot, other),
            (of_hot, other_smooth),
            (of_smooth, other_smooth),
        )
        results = [other, *(apply(trained, "sensor", frame) for trained, frame in used)]
        clean = case.clean_as_bright
        psnrs.append([peak_signal_noise_ratio(clean, result, data_range=255) for result in results])
        lines.append([case.image, *(f"{psnr:.2f}" for psnr in psnrs[-1])])
        print(lines[-1], flush=True)
    mean = [f"{psnr:.2f}" for psnr in np.mean(psnrs, axis=0)]
    head = [
        "frame",
        "with hot pixels",
        "sound, denoised",
        "corrected",
        "kept",
        "3 x 3 median in use",
        "and in training",
    ]
    return table(head, [*lines, ["mean", *mean]])


def main() -> None:
    body = f"{false_ones()}\n\n{found_ones()}\n\n{points()}\n\n{denoising()}\n\n{NOTES}"
    write_section("Defective pixels", "python -m benchmarks.defects", body)


if __name__ == "__main__":
    main()
