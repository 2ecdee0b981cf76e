"""Do blank areas cost anything? Frames with padding against the same without; which frames have some; what it takes.

Crops of 192 x 192 of the test frames of Kodak24 (every second one, from the second), Gaussian noise of 25. PSNR over
the 16 pixels beside the padding by the pretrained network, and over the scene after trainings, if those are asked for.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch

from benchmarks.blank_cases import BARS, BARS_NAME, drawn_frames, masks, of_test_half, padded_with, pair, read
from benchmarks.quality import cases
from benchmarks.results import DATA, table, write_section
from benchmarks.split import half_of
from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.config.training import Preset
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_runtime.blank.areas import blank_areas, filled, with_blank_kept
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Mask, Pixels

RING = 16  # pixels beside the padding
REAL = ("polyu/noisy", "sidd_val/noisy", "fmd/noisy", "cells/noisy", "seq_beads", "seq_brightfield")
CLEAN = ("kodak24", "polyu/clean", "sidd_val/clean", "fmd/clean")
FILES = ("min_pad.tif", "letterbox.png", "registered.tif", "cutout.png", "nan32.tif")
SEEDS = range(1000, 1020)
TIMED = (1080, 1920)


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4, help="of Kodak24")
    parser.add_argument("--trained", type=int, default=0, help="of these images, with five trainings each")
    parser.add_argument("--preset", default="fast", choices=get_args(Preset), help="of the trainings")
    given = parser.parse_args()
    found = table(
        ["frames", "looked at", "with blank areas", "largest share"],
        [_seen(f"{name}, test half", of_test_half(name)) for name in (*REAL, *CLEAN)]
        + [_seen(f"drawn: {name}", (draw(seed) for seed in SEEDS)) for name, draw in drawn_frames().items()]
        + [_seen(f"faults/{name}", [read(DATA / "faults" / name)]) for name in FILES],
    )
    cost = _cost()
    print(found, cost, sep="\n\n", flush=True)
    images = [DATA / "kodak24" / name for name in half_of(cases.names("kodak24"), "test")][: given.images]
    rims = _table(["padding", "before it", "filled", "cut", "as it is"], [_rims(*of) for of in enumerate(images)])
    parts, command = [rims, EXPLAINED, found, cost], f"python -m benchmarks.blank --images {len(images)}"
    if given.trained:
        trained = [_scenes(*of, given.preset) for of in enumerate(images[: given.trained])]
        parts.insert(2, _table(["scene of", "trained without padding", "trained with it"], trained))
        command += f" --trained {given.trained} --preset {given.preset}"
    write_section("Blank areas", command, "\n\n".join(parts))


def _table(header: list[str], of_images: list[dict[str, list[float]]]) -> str:
    means = {name: np.mean([of[name] for of in of_images], axis=0) for name in of_images[0]}
    rows: list[list[object]] = [[name, *(f"{mean:.2f}" for mean in of)] for name, of in means.items()]
    return table(header, rows).replace("nan", "")


EXPLAINED = """\
PSNR in dB, mean of the images. Of the 16 pixels beside the padding, by the pretrained network: of the frame before it
was padded, which knows more than can be known; of the padded frame, filled; of the scene cut at its rim, whose border
is a frame's; of the padded frame, not filled. Only bars leave something that can be cut. The sky is no padding, but
light that saturates with a sharp border, which cannot be told from it; the frame before it has none. The clean picture
of the files of faults is not known: what is found is right at 20.8 % of min_pad, 41.7 % of letterbox, 12.2 % of
registered, 45.6 % of cutout, 42.2 % of nan32. What Kodak24 has is mostly the rim of its scans, of 0 and of 99. Clean
pictures, graphics and a saturated sky with a sharp border have areas of one value without being padded: where there is
no noise, little tells the two apart, and such areas stay as they are, which is no loss."""


def _rims(number: int, image: Path) -> dict[str, list[float]]:
    """PSNR in dB beside the padding: of the frame before it, filled, cut, as it is."""
    clean, noisy = pair(number, image)
    network = partial(_denoised, pretrained(3), 0, 255)
    before, rows = network(noisy, None), {}
    for name, mask in masks().items():
        rim = cv2.dilate(mask.astype(np.uint8), np.ones((2 * RING + 1, 2 * RING + 1))).astype(bool) & ~mask
        padded, cut, scene = padded_with(noisy, name, mask), np.nan, slice(BARS, -BARS)
        if name == BARS_NAME:
            cut = _psnr(network(noisy[scene], None), clean[scene], rim[scene])
        filled_in, as_it_is = (network(padded, blank) for blank in (blank_areas(padded), None))
        rows[name] = [*(_psnr(of, clean, rim) for of in (before, filled_in)), cut, _psnr(as_it_is, clean, rim)]
    return rows


def _scenes(number: int, image: Path, preset: Preset) -> dict[str, list[float]]:
    """PSNR in dB of the scene: after training without and with padding."""
    clean, noisy = pair(number, image)
    whole, rows = train([noisy], load_config(None, preset)), {}
    for name, mask in masks().items():
        padded = padded_with(noisy, name, mask)
        own = train([padded], load_config(None, preset))
        results = _by(whole, noisy, None), _by(own, padded, blank_areas(padded))
        rows[name] = [_psnr(result, clean, ~mask) for result in results]
        print(image.name, name, rows[name], flush=True)
    return rows


def _by(trained: Trained, frame: Pixels, blank: Mask | None) -> Pixels:
    return _denoised(trained.networks["sensor"], trained.offset, trained.scale, frame, blank)


def _denoised(network: torch.nn.Module, offset: float, scale: float, frame: Pixels, blank: Mask | None) -> Pixels:
    shown = (filled(frame, blank).astype(np.float32) - offset) / scale
    with torch.no_grad():
        clean = network(torch.from_numpy(shown.transpose(2, 0, 1)[None]))[0]
    values = clean.numpy().transpose(1, 2, 0) * scale + offset
    return with_blank_kept(np.rint(values.clip(0, 255)).astype(np.uint8), frame, blank)


def _psnr(result: Pixels, clean: Pixels, where: Mask) -> float:
    return float(10 * np.log10(255**2 / np.square(result.astype(np.float64) - clean)[where].mean()))


def _seen(name: str, frames: Iterable[Pixels | Frame]) -> list[object]:
    shares = []
    for frame in frames:
        pixels, alpha = (frame.pixels, frame.alpha) if isinstance(frame, Frame) else (frame, None)
        found = blank_areas(pixels, alpha)
        shares.append(0.0 if found is None else float(found.mean()))
    return [name, len(shares), sum(share > 0 for share in shares), f"{100 * max(shares, default=0):.3g} %"]


def _cost() -> str:
    generator = np.random.default_rng(0)
    frame = generator.normal(100, 20, (*TIMED, 3)).clip(0, 255).astype(np.uint8)
    bars, aperture = frame.copy(), frame.copy()
    bars[:140], bars[-140:] = 0, 0
    down, along = np.mgrid[: TIMED[0], : TIMED[1]]
    aperture[np.hypot(down - TIMED[0] / 2, along - TIMED[1] / 2) > 700] = 0
    looking = _seconds(lambda: blank_areas(frame))
    costs = []
    for shown in (bars, aperture):
        blank, result = blank_areas(shown), frame.copy()
        steps: list[Callable[[], object]] = [partial(blank_areas, shown), partial(filled, shown, blank)]
        steps.append(partial(with_blank_kept, result, shown, blank))
        costs.append(" + ".join(f"{1000 * _seconds(step):.0f}" for step in steps))
    return (
        f"1920 x 1080 colour, 8 bits, CPU time on one thread: {1000 * looking:.0f} ms to see that nothing is blank; to "
        f"find, fill and keep two bars {costs[0]} ms, a round aperture {costs[1]} ms. The default network takes 1.5 s."
    )


def _seconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        started = time.thread_time()
        call()
        times.append(time.thread_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
