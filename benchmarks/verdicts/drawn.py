"""Frames that are drawn: sparse light on a dark ground, dense cells, a wall, a 12-bit camera; a new one for each seed.

Seeds below 1000 are for tuning, those from 1000 on for tests.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_runtime.sample_types import Pixels

SIDE = 192  # pixels

Drawn = tuple[Pixels, Pixels]  # noisy as a file holds it, and clean; sensor units


def spots(generator: np.random.Generator, count: int, width: tuple[float, float], peaks: np.ndarray) -> Pixels:
    """Round spots of light on black, (h, w)."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    light = np.zeros((SIDE, SIDE), np.float32)
    for peak in peaks[:count]:
        y, x = generator.uniform(0, SIDE, 2)
        spread = generator.uniform(*width)
        light += peak * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * spread**2)).astype(np.float32)
    return light


def blobs(generator: np.random.Generator) -> Drawn:
    """A few bright cells of many photons."""
    peaks = generator.uniform(0.3, 1, 60) * generator.uniform(60, 800)
    return _counted(generator, spots(generator, int(generator.integers(10, 50)), (2, 8), peaks))


def beads(generator: np.random.Generator) -> Drawn:
    """Alike beads, nearly points."""
    peaks = np.full(200, generator.uniform(50, 400))
    return _counted(generator, spots(generator, int(generator.integers(30, 150)), (1.2, 1.9), peaks))


def stars(generator: np.random.Generator) -> Drawn:
    """Points of very different brightness."""
    peaks = generator.uniform(8, 30) * np.minimum(generator.pareto(0.8, 300) + 1, 200)
    return _counted(generator, spots(generator, int(generator.integers(80, 300)), (0.9, 1.3), peaks))


def cells(generator: np.random.Generator) -> Drawn:
    """Cells side by side, with texture inside."""
    light = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(generator.integers(40, 90))):
        drawn = np.zeros_like(light)
        centre, axes = generator.integers(0, SIDE, 2), generator.integers(8, 26, 2)
        turn, level = float(generator.uniform(0, 180)), float(generator.uniform(0.2, 1))
        cv2.ellipse(drawn, tuple(map(int, centre)), tuple(map(int, axes)), turn, 0, 360, level, -1, cv2.LINE_AA)
        light = np.maximum(light, drawn)
    grain = cv2.GaussianBlur(generator.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 1.5)
    light = cv2.GaussianBlur(light * (1 + 0.8 * grain / grain.std() * 0.3), (0, 0), 0.8).clip(0)
    return _counted(generator, light * np.float32(generator.uniform(20, 300)))


def sample(generator: np.random.Generator) -> Drawn:
    """Part of `sample --grey --bits 16`."""
    photons, read = float(generator.choice([40, 150, 600])), float(generator.choice([1, 4, 9]))
    config = SampleConfig(
        width=384, height=384, channels=1, bit_depth=16, photons=photons, read_noise=read,
        seed=int(generator.integers(1 << 30)),
    )  # fmt: skip
    noisy, clean = next(sample_frames(config))
    top, left = generator.integers(0, 384 - SIDE, 2)
    part = slice(top, top + SIDE), slice(left, left + SIDE)
    return noisy.pixels[part], clean.pixels[part].astype(np.float32)


def camera12(generator: np.random.Generator) -> Drawn:
    """A 12-bit camera with good light, in 16 bits: little noise."""
    leaves = dead_leaves(generator, SIDE, random_palette(generator))[..., 0]
    clean = 64 + 3800 * np.clip(leaves, 0, 1).astype(np.float32)
    gain, read = generator.uniform(0.1, 1.5), generator.uniform(1.0, 4.0)
    counted = generator.poisson((clean - 64) / gain) * gain + 64 + generator.normal(0, read, clean.shape)
    return np.clip(np.rint(counted), 0, 4095).astype(np.uint16), clean


def wall(generator: np.random.Generator) -> Drawn:
    """Bricks with rough faces and narrow joints, in colour, 8 bits."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    high, wide = int(generator.integers(8, 16)), int(generator.integers(16, 34))
    shifted = columns + (rows // high % 2) * (wide // 2)
    joint = (rows % high < 2) | (shifted % wide < 2)
    tone = generator.uniform(0.7, 1.1, (SIDE // high + 2, 2 * SIDE // wide + 2))[rows // high, shifted // wide]
    rough = cv2.GaussianBlur(generator.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 0.8)
    face = generator.uniform(90, 170) * tone + generator.uniform(6, 18) * rough / rough.std()
    grey = np.where(joint, generator.uniform(40, 80), face).astype(np.float32)
    clean = np.clip(grey[..., None] * np.array([1.1, 0.9, 0.8], np.float32), 0, 255)
    noisy = clean + generator.normal(0, generator.uniform(6, 30), clean.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8), clean.astype(np.float32)


KINDS: dict[str, Callable[[np.random.Generator], Drawn]] = {
    "blobs": blobs,
    "beads": beads,
    "stars": stars,
    "dense cells": cells,
    "sample": sample,
    "12-bit camera": camera12,
    "wall": wall,
}


def draw(kind: str, seed: int) -> Drawn:
    """The frame of a kind and seed."""
    return KINDS[kind](np.random.default_rng([seed, len(kind)]))


def _counted(generator: np.random.Generator, light: Pixels) -> Drawn:
    """Photons counted over a background, by a camera with an offset; as 16 bits."""
    photons = light + np.float32(generator.uniform(0.5, 12))
    gain, offset, read = generator.uniform(1, 8), generator.uniform(90, 500), generator.uniform(1.2, 6)
    noisy = generator.poisson(photons) * gain + offset + generator.normal(0, read, light.shape)
    return np.clip(np.rint(noisy), 0, 65535).astype(np.uint16), (photons * gain + offset).astype(np.float32)
