"""What is left of row noise, and what that is worth: python -m benchmarks.rows"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.pattern_cases import SIGMA, grey
from benchmarks.patterns import centres
from benchmarks.quality.methods import apply
from benchmarks.results import table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.rows import fit_row_noise, without_row_noise
from zsn2m_runtime.noise_record import RowNoise
from zsn2m_runtime.patterns import find_patterns
from zsn2m_runtime.sample_types import Pixels

SHARES = (0.1, 0.15, 0.25, 0.5, 1.0, 2.0)  # deviation of the offsets, of the pixels'
SIDE = 192  # pixels of drawn frames
OFFSETS = 60.0  # deviation of the rows of drawn frames, as of shared/data/faults
PIXELS = (40.0, 30.0)  # of their pixels
SEEDS = (1000, 1001)
CAMERA = (15.0, 10.0)  # deviation of pixels, and of rows, on photographs
PHOTOGRAPHS = 2
NOTES = f"""\
Pictures of kodak24 and set14, the test half, the middle 256 x 256, grey, noise of {SIGMA:g} (of 255) and an offset for
each row, of so many times that deviation. Found: said to have row noise, and the mean deviation that is told, over the
true one. Left: deviation of what stays of the offsets, over that of the offsets, where their deviation is known. PSNR
of the noisy frame, of the frame without its offsets, and of one with noise of pixels alone. "None": the correction for
offsets of half the noise on frames without any, and the deviation that it adds, over the noise's.

Denoised, `--preset default`, PSNR (peak: the values in use) of the noisy frame, with the stripes left in
(`correct_offsets = false`), and by the default; drawn scenes of discs and squares with rows of {OFFSETS:g}, and the
first {PHOTOGRAPHS} of the test half of kodak24."""


def striped(clean: Pixels, pixel: float, rows: float, seed: int) -> tuple[Pixels, Pixels]:
    """A frame with row noise, and its offsets."""
    generator = np.random.default_rng(seed)
    offsets = generator.normal(0, rows, (len(clean), 1))
    return (clean + offsets + generator.normal(0, pixel, clean.shape)).astype(np.float32), offsets


def left(frame: Pixels, clean: Pixels, offsets: Pixels, noise: RowNoise) -> tuple[float, float]:
    """Deviation of what stays of the offsets, and PSNR of the frame without them."""
    corrected = without_row_noise(frame, [noise])
    stays = (corrected - frame)[:, :1] + offsets
    return float(stays.std()), peak_signal_noise_ratio(clean, corrected, data_range=255)


def corrected() -> str:
    lines: list[list[object]] = []
    for share in SHARES:
        found, measured = [], []
        for number, picture in enumerate(centres("test")):
            clean = grey(picture)
            frame, offsets = striped(clean, SIGMA, share * SIGMA, number)
            stripes = find_patterns(frame).rows
            found += [stripes.sigma / (share * SIGMA)] if stripes else []
            stays, psnr = left(frame, clean, offsets, fit_row_noise([frame], "rows", share * SIGMA))
            before = peak_signal_noise_ratio(clean, frame, data_range=255)
            alone = peak_signal_noise_ratio(clean, frame - offsets, data_range=255)
            measured.append((stays / (share * SIGMA), before, psnr, alone))
        mean = np.mean(measured, axis=0)
        of = f"{len(found)} of {len(measured)}" + (f", {np.mean(found):.2f}" if found else "")
        lines.append([f"{share:g}", of, f"{mean[0]:.2f}", *(f"{psnr:.2f}" for psnr in mean[1:])])
    lines.append(["none", *harmless()])
    return table(["rows", "found", "left", "noisy", "corrected", "pixels alone"], lines)


def harmless() -> list[str]:
    """What the correction for rows of half the noise does to frames without such noise."""
    found, measured = 0, []
    for number, picture in enumerate(centres("test")):
        clean = grey(picture)
        frame, none = striped(clean, SIGMA, 0.0, number)
        found += find_patterns(frame).rows is not None
        stays, psnr = left(frame, clean, none, fit_row_noise([frame], "rows", SIGMA / 2))
        measured.append((stays / SIGMA, peak_signal_noise_ratio(clean, frame, data_range=255), psnr))
    stays, before, after = np.mean(measured, axis=0)
    return [f"{found} of {len(measured)}", f"{stays:.2f}", f"{before:.2f}", f"{after:.2f}", f"{before:.2f}"]


def drawn(seed: int) -> Pixels:
    """Discs and squares of 500 to 1800 on a ramp."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    picture = 800 + 2.0 * x + 1.0 * y
    for _ in range(12):
        top, side, radius = generator.integers(0, SIDE, 2), generator.integers(8, 40), generator.integers(4, 24)
        value = generator.uniform(500, 1800)
        square = generator.random() < 0.5
        inside = (np.abs(y - top[0]) < side / 2) & (np.abs(x - top[1]) < side / 2)
        disc = (y - top[0]) ** 2 + (x - top[1]) ** 2 < radius**2
        picture[inside if square else disc] = value
    return picture


def denoised() -> str:
    lines: list[list[object]] = []
    frames = [(f"drawn {seed}", drawn(seed), pixel, OFFSETS) for seed, pixel in zip(SEEDS, PIXELS, strict=True)]
    photographs = [grey(picture) for picture in centres("test")[:PHOTOGRAPHS]]
    frames += [(f"photograph {number}", clean, *CAMERA) for number, clean in enumerate(photographs, start=1)]
    for name, clean, pixel, rows in frames:
        frame, _ = striped(clean, pixel, rows, 7)
        peak = 255.0 if rows == CAMERA[1] else float(np.ptp(clean))
        kept, removed = (
            apply(train([frame], TrainConfig().updated({"sensor": {"correct_offsets": removed}})), "sensor", frame)
            for removed in (False, True)
        )
        psnrs = [peak_signal_noise_ratio(clean, one, data_range=peak) for one in (frame, kept, removed)]
        lines.append([name, f"{pixel:g}", f"{rows:g}", *(f"{psnr:.2f}" for psnr in psnrs)])
        print(lines[-1], flush=True)
    return table(["frame", "pixels", "rows", "noisy", "stripes left in", "default"], lines)


def main() -> None:
    write_section("Row noise", "python -m benchmarks.rows", f"{NOTES}\n\n{corrected()}\n\n{denoised()}")


if __name__ == "__main__":
    main()
