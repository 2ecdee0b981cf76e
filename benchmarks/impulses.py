"""Salt and pepper: how much is found, and what replacing it is worth: python -m benchmarks.impulses"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.patterns import centres
from benchmarks.quality.methods import apply
from benchmarks.results import table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.impulses import find_impulses
from zsn2m_runtime.sample_types import Pixels

SIGMA = 10.0  # deviation of the other noise
SHARES = (0.01, 0.05)  # of the samples, half of them black
PICTURES = 2
SPECK = 8.0, 25.0  # levels from the median of the neighbours, and from the truth: docs/decisions/heavy-tails.md
PLAIN = (0.0, 25.0)  # deviations of clamped noise of frames without impulses
NOTES = f"""\
Kodak24 and Set14, the test half, the middle 256 x 256, 8 bits, noise of {SIGMA:g} and salt and pepper; the mean of the
first {PICTURES} of Kodak24, and the worst. Found: of the impulses, those that are replaced in training, and of the
other samples. PSNR and specks (more than {SPECK[0]:g} levels from the median of their neighbours and {SPECK[1]:g} from
the truth) of `--preset instant` with impulses kept (`sensor.correct_impulses = false`) and replaced. Last, of all
pictures without impulses, clean and with clamped noise of {PLAIN[1]:g}, those said to have some."""


def noisy(clean: Pixels, sigma: float, share: float, seed: int) -> tuple[Pixels, Pixels]:
    """An 8-bit frame with noise and impulses, and where these are. Shape: (h, w, 3) each."""
    generator = np.random.default_rng(seed)
    frame = clean + generator.normal(0, sigma, clean.shape)
    drawn = generator.random(clean.shape)
    frame = np.where(drawn < share / 2, 0, np.where(drawn > 1 - share / 2, 255, frame))
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8), (drawn < share / 2) | (drawn > 1 - share / 2)


def specks(denoised: Pixels, clean: Pixels) -> float:
    """Share of the samples that are specks."""
    frame = np.clip(np.rint(denoised), 0, 255).astype(np.uint8)
    beside, wrong = (np.abs(frame - np.asarray(other, np.float64)) for other in (cv2.medianBlur(frame, 3), clean))
    return float(((beside > SPECK[0]) & (wrong > SPECK[1])).mean())


def found(frame: Pixels, impulses: Pixels) -> tuple[float, float]:
    """Shares of the impulses and of the other samples that are replaced in training."""
    those = find_impulses([frame], [None])
    changed = those.frames[0] != frame if those else np.zeros_like(impulses)
    return float(changed[impulses].mean()), float(changed[~impulses].mean())


def measured(clean: Pixels, share: float, seed: int) -> list[float]:
    """Shares found; PSNR and specks with impulses kept and replaced."""
    frame, impulses = noisy(clean, SIGMA, share, seed)
    row = [*found(frame, impulses)]
    for replaced in (False, True):
        config = TrainConfig.from_preset("instant").updated({"sensor": {"correct_impulses": replaced}})
        result = apply(train([frame], config), "sensor", frame)
        row += [peak_signal_noise_ratio(clean, result.clip(0, 255), data_range=255), specks(result, clean)]
    return row


def in_frames() -> str:
    lines: list[list[object]] = []
    for share in SHARES:
        rows = np.array([measured(clean, share, seed) for seed, clean in enumerate(centres("test")[:PICTURES])])
        hits, others, *_ = rows.mean(axis=0)
        line: list[object] = [f"{100 * share:g} %", f"{100 * hits:.1f} %", f"{100 * others:.2f} %"]
        for psnr, left in (rows[:, 2:4].T, rows[:, 4:].T):
            line.append(f"{psnr.mean():.2f} ({psnr.min():.2f}), {100 * left.mean():.3f} % ({100 * left.max():.3f})")
        lines.append(line)
        print(line, flush=True)
    return table(["impulses", "found", "others replaced", "kept", "replaced"], lines)


def false_alarms() -> str:
    frames = [noisy(clean, sigma, 0, seed)[0] for sigma in PLAIN for seed, clean in enumerate(centres("test"))]
    return f"Without impulses: {sum(find_impulses([frame], [None]) is not None for frame in frames)} of {len(frames)}."


def main() -> None:
    write_section("Salt and pepper", "python -m benchmarks.impulses", f"{NOTES}\n\n{in_frames()}\n\n{false_alarms()}")


if __name__ == "__main__":
    main()
