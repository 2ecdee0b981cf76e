"""Frames whose truth is known, in two halves: thresholds are set on one and measured on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.quality import cases
from benchmarks.split import Half, half_of, seeds
from benchmarks.verdicts import drawn
from zsn2m_runtime.sample_types import Pixels

CROP = 192  # pixels of the centre: the verdict is of the same kind as on larger frames, in half the time
NOISES = ("gauss 25", "poisson 25", "gauss [5,50] 8-bit")
PHOTOGRAPHS = {"kodak24": 2, "set14": 1}  # noises of each image, in turn
REAL = {"sidd_val": 2, "polyu": 2, "fmd": 4}  # every so many-th pair of a half; fmd: one capture of a scene
DRAWN_EACH = 6  # frames of each drawn kind
BYTE = (0.0, 255.0)


@dataclass(frozen=True)
class Spec:
    """Which frame: drawn again from this alone."""

    group: str
    image: str
    noise: str


@dataclass(frozen=True)
class Example:
    """A frame and its truth.

    Shape:
        noisy: (h, w) or (h, w, 3) uint8, uint16 or float32, as a file holds it; clean: the same, float32
    """

    spec: Spec
    noisy: Pixels
    clean: Pixels
    value_range: tuple[float, float]


def specs(half: Half) -> list[Spec]:
    """The frames of a half."""
    found = []
    for group, each in PHOTOGRAPHS.items():
        for index, image in enumerate(half_of(cases.names(group), half)):
            found += [Spec(group, image, NOISES[(index + step) % len(NOISES)]) for step in range(each)]
    for group, step in REAL.items():
        images = half_of(cases.names(group), half) if group != "fmd" else _scenes(half)
        found += [Spec(group, image, "real") for image in images[:: step if group != "fmd" else 1]]
    found += [Spec("drawn", str(seed), kind) for kind in drawn.KINDS for seed in seeds(half, DRAWN_EACH)]
    return found


def _scenes(half: Half) -> list[str]:
    """One capture of every second scene of fmd."""
    return half_of([name for name in cases.names("fmd") if name.endswith("_1.png")], half)


def load(spec: Spec) -> Example:
    """The frame of a spec."""
    if spec.group == "drawn":
        noisy, clean = drawn.draw(spec.noise, int(spec.image))
        high = 65535.0 if noisy.dtype == np.uint16 else 255.0
        return Example(spec, noisy, clean, (0.0, high))
    if spec.noise == "real":
        made = cases.case(spec.group, spec.image, "real", 0, cases.names(spec.group))
        return Example(spec, _crop(made.noisy).astype(np.uint8), _crop(made.clean_as_bright), BYTE)
    whole = spec.noise.endswith("8-bit")
    made = cases.case(spec.group, spec.image, spec.noise.removesuffix(" 8-bit"), 0, cases.names(spec.group))
    noisy = _crop(made.noisy)
    return Example(spec, np.clip(np.rint(noisy), 0, 255).astype(np.uint8) if whole else noisy, _crop(made.clean), BYTE)


def _crop(pixels: Pixels) -> Pixels:
    height, width = (min(CROP, side) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
