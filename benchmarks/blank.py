"""Do blank areas cost anything? Frames with padding against the same without; which real frames have some.

Crops of 192 x 192 of the test frames of Kodak24 (every second one, from the second), Gaussian noise of 25, preset
`fast`. PSNR over the scene alone, and over the 16 pixels beside the padding with one and the same network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.results import DATA, table, write_section
from zsn2m_deploy.config import load_config
from zsn2m_deploy.training import Trained, train
from zsn2m_runtime.blank import blank_areas, filled, with_blank_kept
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Pixels
from zsn2m_runtime.surroundings import Mask

SIDE, SIGMA, RING = 192, 25, 16
REAL = ("polyu/noisy", "cells/noisy", "fmd", "sidd_val", "seq_beads", "seq_brightfield")
TIMED = (1080, 1920)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2, help="of Kodak24")
    images = sorted((DATA / "kodak24").glob("*.png"))[1::2][: parser.parse_args().images]
    means = {name: np.mean(found, axis=0) for name, found in _quality(images).items()}
    rows: list[list[object]] = [[name, *(f"{mean:.2f}" for mean in of)] for name, of in means.items()]
    quality = table(["padding", "without", "with", "rim, without", "rim, filled", "rim, as it is"], rows)
    found = table(["frames", "looked at", "with blank areas", "largest share"], [_seen(name) for name in REAL])
    write_section("Blank areas", "python -m benchmarks.blank", f"{quality}\n\n{found}\n\n{_cost()}")


def _quality(images: list[Path]) -> dict[str, list[list[float]]]:
    """PSNR in dB: of the scene after training without and with padding; of its rim with one network."""
    rows: dict[str, list[list[float]]] = {name: [] for name in _masks()}
    for number, image in enumerate(images):
        with open_image(image) as file:
            clean = file.read().pixels[100 : 100 + SIDE, 200 : 200 + SIDE]
        generator = np.random.default_rng(1000 + number)
        noisy = (clean + generator.normal(0, SIGMA, clean.shape)).round().clip(0, 255).astype(np.uint8)
        whole = train([noisy], load_config(None, "fast"))
        for name, mask in _masks().items():
            padded = noisy.copy()
            padded[mask] = 0
            blank = blank_areas(padded)
            rim = cv2.dilate(mask.astype(np.uint8), np.ones((2 * RING + 1, 2 * RING + 1))).astype(bool) & ~mask
            own = _denoised(train([padded], load_config(None, "fast")), padded, blank)
            by_one = [_denoised(whole, *of) for of in ((noisy, None), (padded, blank), (padded, None))]
            scores = [(by_one[0], ~mask), (own, ~mask), *((of, rim) for of in by_one)]
            rows[name].append([_psnr(result, clean, where) for result, where in scores])
            print(image.name, name, rows[name][-1], flush=True)
    return rows


def _masks() -> dict[str, Mask]:
    down, along = np.mgrid[:SIDE, :SIDE]
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 10, 1)
    inside = cv2.warpAffine(np.ones((SIDE, SIDE), np.uint8), turn, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    return {
        "bars of 32": (down < 32) | (down >= SIDE - 32),
        "round aperture": np.hypot(down - SIDE / 2, along - SIDE / 2) > 80,
        "turned by 10 degrees": inside == 0,
    }


def _denoised(trained: Trained, frame: Pixels, blank: Mask | None) -> Pixels:
    shown = (filled(frame, blank).astype(np.float32) - trained.offset) / trained.scale
    with torch.no_grad():
        clean = trained.networks["sensor"](torch.from_numpy(shown.transpose(2, 0, 1)[None]))[0]
    values = clean.numpy().transpose(1, 2, 0) * trained.scale + trained.offset
    return with_blank_kept(np.rint(values.clip(0, 255)).astype(np.uint8), frame, blank)


def _psnr(result: Pixels, clean: Pixels, where: Mask) -> float:
    return float(10 * np.log10(255**2 / np.square(result.astype(np.float64) - clean)[where].mean()))


def _seen(name: str) -> list[object]:
    shares = []
    for path in sorted((DATA / name).rglob("*")):
        if path.suffix.lower() not in (".png", ".jpg", ".tif") or {"clean", "masks", "gt"} & set(path.parts):
            continue
        with open_image(path) as image:
            found = blank_areas(image.read().pixels)
        shares.append(0.0 if found is None else float(found.mean()))
    return [name, len(shares), sum(share > 0 for share in shares), f"{100 * max(shares, default=0):.2g} %"]


def _cost() -> str:
    generator = np.random.default_rng(0)
    frame = generator.normal(100, 20, (*TIMED, 3)).clip(0, 255).astype(np.uint8)
    bars = frame.copy()
    bars[:140], bars[-140:] = 0, 0
    looking, blank = _seconds(lambda: blank_areas(frame)), blank_areas(bars)
    finding, filling = _seconds(lambda: blank_areas(bars)), _seconds(lambda: filled(bars, blank))
    return (
        f"1920 x 1080 colour, 8 bits: {1000 * looking:.0f} ms to see that nothing is blank; with two bars "
        f"{1000 * finding:.0f} ms to find them and {1000 * filling:.0f} ms to fill them."
    )


def _seconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
