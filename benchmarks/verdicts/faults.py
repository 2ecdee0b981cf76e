"""Faults planted in results and in frames: the report must notice each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmarks.quality import cases
from benchmarks.split import FIRST_TEST_SEED, half_of
from benchmarks.verdicts import drawn
from benchmarks.verdicts.frames import Example
from zsn2m_runtime.sample_types import Pixels

EACH = 4  # frames of each faulty kind
SIDE = 192
SPARSE = ("blobs", "beads", "stars")


def results(example: Example, denoised: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Faulty results for a frame, by name; the first is the perfect one, which is none."""
    noisy, own = example.noisy.astype(np.float32), denoised.astype(np.float32)
    made = {
        "perfect": example.clean,
        "blur 5 x 5": cv2.blur(noisy, (5, 5)),
        "fine texture dropped": cv2.GaussianBlur(own, (0, 0), 1.2),
    }
    if example.spec.noise in SPARSE:
        opened = cv2.morphologyEx(cv2.GaussianBlur(own, (0, 0), 0.7), cv2.MORPH_OPEN, np.ones((15, 15)))
        made["spots erased"] = np.where(np.arange(own.shape[1]) < own.shape[1] // 2, opened, own)
    for name, result in made.items():
        yield name, stored(result, example)


def stored(result: Pixels, example: Example) -> Pixels:
    """A result as a file of the frame's type holds it."""
    if example.noisy.dtype == np.float32:
        return result.astype(np.float32)
    return np.clip(np.rint(result), *example.value_range).astype(example.noisy.dtype)


def _without_noise(index: int) -> list[Pixels]:
    kind = list(drawn.KINDS)[index % len(drawn.KINDS)]
    noisy, clean = drawn.draw(kind, FIRST_TEST_SEED + index)
    return [np.rint(clean).astype(noisy.dtype)]


def _striped(index: int) -> list[Pixels]:
    noisy, _ = drawn.draw("sample", FIRST_TEST_SEED + index)
    rows = np.random.default_rng(index).normal(0, 1.5 * float(np.std(np.diff(noisy.astype(float)))), (SIDE, 1))
    return [np.clip(np.rint(noisy + rows), 0, 65535).astype(np.uint16)]


def _mosaic(index: int) -> list[Pixels]:
    image = half_of(cases.names("kodak24"), "test")[index]
    colour = cases.case("kodak24", image, "gauss [5,50]", 0, cases.names("kodak24")).noisy[:SIDE, :SIDE]
    colour = colour * np.array([0.6, 1.0, 0.7], np.float32)  # as daylight without white balance
    grey = colour[..., 1].copy()
    grey[::2, ::2], grey[1::2, 1::2] = colour[::2, ::2, 0], colour[1::2, 1::2, 2]
    return [np.clip(np.rint(grey), 0, 255).astype(np.uint8)]


def _mixed(index: int) -> list[Pixels]:
    generator = np.random.default_rng(FIRST_TEST_SEED + index)
    image = half_of(cases.names("kodak24"), "test")[index]
    clean = cases.case("kodak24", image, "gauss 25", 0, cases.names("kodak24")).clean[:SIDE, :SIDE]
    return [
        np.clip(np.rint(clean + generator.normal(0, sigma, clean.shape)), 0, 255).astype(np.uint8) for sigma in (6, 40)
    ]


FRAMES: dict[str, Callable[[int], list[Pixels]]] = {
    "no noise": _without_noise,
    "rows shifted": _striped,
    "mosaic": _mosaic,
    "two gains": _mixed,
}
