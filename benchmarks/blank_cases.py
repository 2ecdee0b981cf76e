"""Frames with padding, and frames that have areas of one value without any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.results import DATA
from benchmarks.split import half_of
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Mask, Pixels

SIDE, SIGMA = 192, 25
BARS = 32  # rows
BARS_NAME = f"bars of {BARS}"
SKY_NAME = "sky at 255 behind roofs"


def pair(number: int, image: Path) -> tuple[Pixels, Pixels]:
    """A clean crop and the same with noise."""
    with open_image(image) as file:
        clean = file.read().pixels[100 : 100 + SIDE, 200 : 200 + SIDE]
    noise = np.random.default_rng(1000 + number).normal(0, SIGMA, clean.shape)
    return clean, (clean + noise).round().clip(0, 255).astype(np.uint8)


def padded_with(frame: Pixels, name: str, mask: Mask) -> Pixels:
    padded = frame.copy()
    padded[mask] = 255 if name == SKY_NAME else 0
    return padded


def masks() -> dict[str, Mask]:
    down, along = np.mgrid[:SIDE, :SIDE]
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 10, 1)
    inside = cv2.warpAffine(np.ones((SIDE, SIDE), np.uint8), turn, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    return {
        BARS_NAME: (down < BARS) | (down >= SIDE - BARS),
        "round aperture": np.hypot(down - SIDE / 2, along - SIDE / 2) > 80,
        "turned by 10 degrees": inside == 0,
        SKY_NAME: down < 60 + 30 * (along // 48 % 3),
    }


def of_test_half(name: str) -> Iterator[Pixels]:
    files = sorted(path for path in (DATA / name).rglob("*") if path.suffix.lower() in (".png", ".jpg", ".tif"))
    for path in files if len(files) == 1 else half_of(files, "test"):
        with open_image(path) as image:
            pages = list(range(image.page_count))
        for page in pages if len(files) > 1 else half_of(pages, "test"):
            yield read(path, page).pixels


def read(path: Path, page: int = 0) -> Frame:
    with open_image(path) as image:
        return image.read(page)


def drawn_frames() -> dict[str, Callable[[int], Pixels]]:
    """Frames of a seed that have areas of one value without being padded; sizes and scenes differ with the seed."""

    def few_photons(seed: int) -> Pixels:
        drawn = np.random.default_rng(seed)
        return np.asarray(drawn.poisson(drawn.choice([0.01, 0.05, 0.2, 0.6]) * _blobs(drawn)), np.uint16)

    def below_a_level(seed: int) -> Pixels:
        drawn = np.random.default_rng(seed)
        scene = 100 + drawn.uniform(5, 60) * _blobs(drawn)
        return (scene + drawn.normal(0, drawn.uniform(0, 0.2), scene.shape)).round().clip(0, 255).astype(np.uint8)

    def saturated_sky(seed: int) -> Pixels:
        drawn = np.random.default_rng(seed)
        blobs = _blobs(drawn)
        scene = drawn.uniform(200, 500) - drawn.uniform(0.8, 3) * np.arange(len(blobs))[:, None] + 30 * blobs
        return (scene + drawn.normal(0, drawn.uniform(1, 10), scene.shape)).round().clip(0, 255).astype(np.uint8)

    def sky_behind_roofs(seed: int) -> Pixels:
        drawn = np.random.default_rng(seed)
        height, width = _blobs(drawn).shape
        scene = np.full((height, width), drawn.uniform(255, 400))
        for left in range(0, width, 40):
            scene[int(drawn.uniform(60, height)) :, left : left + 40] = drawn.uniform(20, 200)
        return (scene + drawn.normal(0, drawn.uniform(1, 10), scene.shape)).round().clip(0, 255).astype(np.uint8)

    def graphics(seed: int) -> Pixels:
        drawn = np.random.default_rng(seed)
        height, width = _blobs(drawn).shape
        frame = np.full((height, width, 3), drawn.integers(0, 256, 3), np.uint8)
        for _ in range(12):
            top, left = drawn.integers(0, 160, 2)
            frame[top : top + drawn.integers(10, 90), left : left + drawn.integers(10, 90)] = drawn.integers(0, 256, 3)
        return frame

    return {
        "few photons": few_photons,
        "noise below 0.2 levels": below_a_level,
        "sky that saturates slowly": saturated_sky,
        "saturated sky behind roofs": sky_behind_roofs,
        "graphics without noise": graphics,
    }


def _blobs(drawn: np.random.Generator) -> npt.NDArray[np.float64]:
    """A smooth scene, about 0 to 2."""
    down, along = np.mgrid[: drawn.integers(160, 260), : drawn.integers(160, 260)]
    scene = 0.1 + along / 400
    for _ in range(4):
        row, column, radius = drawn.uniform(0, 200), drawn.uniform(0, 200), drawn.uniform(10, 60)
        scene = scene + 0.5 / (1 + np.exp((np.hypot(down - row, along - column) - radius) / drawn.uniform(0.5, 20)))
    return np.asarray(scene)
