"""Regular detail with known noise: lines, checkerboards, lattices, weaves, halftones; a new one for each seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_runtime.sample_types import Pixels

SIDE = 192  # pixels
PERIODS = (2.0, 2.3, 2.7, 3.0, 3.5, 4.0, 5.0)
SIGMAS = (1.0, 2.0, 5.0, 10.0, 20.0)  # of 255
CONTRASTS = (10.0, 45.0)  # amplitude of the texture, of 255
SHADES = 25.0  # of the scene below it

Draw = Callable[[np.random.Generator, float], Pixels]


@dataclass(frozen=True)
class Texture:
    """Which frame: drawn again from this alone. period: pixels; sigma: of the noise, of 255."""

    kind: str
    period: float
    sigma: float
    seed: int


def _places() -> tuple[Pixels, Pixels]:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    return rows, columns


def _wave(period: float, angle: float, phase: float) -> Pixels:
    rows, columns = _places()
    return np.sin(2 * np.pi / period * (rows * np.sin(angle) + columns * np.cos(angle)) + phase)


def _phase(generator: np.random.Generator) -> float:
    return float(generator.uniform(0.6, 2.5))  # a sine of period 2 is nothing at phase 0


def lines(generator: np.random.Generator, period: float) -> Pixels:
    """Rows or columns."""
    return _wave(period, float(generator.choice([0, np.pi / 2])), _phase(generator))


def oblique(generator: np.random.Generator, period: float) -> Pixels:
    return _wave(period, float(generator.uniform(0.2, 1.3)), _phase(generator))


def ruled(generator: np.random.Generator, period: float) -> Pixels:
    """A grating of hard-edged bars, as a display or a drawing has: harmonics."""
    return np.sign(lines(generator, period))


def checkers(generator: np.random.Generator, period: float) -> Pixels:
    phases = _phase(generator), _phase(generator)
    return np.sign(_wave(period, 0, phases[0]) * _wave(period, np.pi / 2, phases[1]) + 1e-9)


def lattice(generator: np.random.Generator, period: float) -> Pixels:
    """Atoms of a crystal: hexagonal."""
    turn = generator.uniform(0, np.pi / 3)
    return np.sum([_wave(period, turn + third * np.pi / 3, 0.5 + third) for third in range(3)], axis=0) / 1.8


def weave(generator: np.random.Generator, period: float) -> Pixels:
    """Threads that take turns: warp in one square, weft in the next."""
    phase = _phase(generator)
    over = np.sign(_wave(2 * period, 0, phase) * _wave(2 * period, np.pi / 2, phase) + 1e-9)
    return np.where(over > 0, _wave(period, 0, phase), _wave(period, np.pi / 2, phase))


def halftone(generator: np.random.Generator, period: float) -> Pixels:
    """A screen at 45 degrees whose dots grow with the shade."""
    shade = cv2.GaussianBlur(generator.standard_normal((SIDE, SIDE)), (0, 0), 20)
    turn = np.pi / 4 + generator.uniform(-0.1, 0.1)
    screen = (_wave(period, turn, 0.7) + _wave(period, turn + np.pi / 2, 0.9)) / 2
    return np.tanh(3 * (screen + 0.5 * shade / np.abs(shade).max()))


def moire(generator: np.random.Generator, period: float) -> Pixels:
    """Two screens nearly alike."""
    turn = generator.uniform(0, np.pi)
    return (_wave(period, turn, 0.8) + _wave(period * 1.05, turn + 0.06, 0.6)) / 2


def half(generator: np.random.Generator, period: float) -> Pixels:
    """In one half of the frame alone."""
    mask = np.zeros((SIDE, SIDE))
    mask[:, : SIDE // 2] = 1
    return oblique(generator, period) * (mask if generator.random() < 0.5 else mask.T)


def patch(generator: np.random.Generator, period: float) -> Pixels:
    """In an ellipse, with soft ends."""
    mask = np.zeros((SIDE, SIDE))
    centre, axes = generator.integers(60, SIDE - 60, 2), generator.integers(40, 70, 2)
    cv2.ellipse(mask, tuple(map(int, centre)), tuple(map(int, axes)), 30, 0, 360, 1.0, -1)
    return lattice(generator, period) * cv2.GaussianBlur(mask, (0, 0), 2)


def cloth(generator: np.random.Generator, period: float) -> Pixels:
    """Threads that hang in folds: the period and the direction change from place to place."""
    fold = cv2.GaussianBlur(generator.standard_normal((SIDE, SIDE)), (0, 0), 30)
    along = _places()[0] + 6 * fold / np.abs(fold).max()
    return np.sin(2 * np.pi / period * along + _phase(generator)) * (0.8 + 0.2 * _wave(3 * period, 0, 0.3))


KINDS: dict[str, Draw] = {
    "lines": lines,
    "oblique lines": oblique,
    "ruled": ruled,
    "checkers": checkers,
    "hexagonal lattice": lattice,
    "weave": weave,
    "halftone": halftone,
    "moire": moire,
    "half of the frame": half,
    "lattice in a patch": patch,
    "cloth in folds": cloth,
    "one channel": oblique,
}


def draw(texture: Texture) -> tuple[Pixels, Pixels]:
    """The noisy frame and the clean one: float32, of 255; (h, w), and of one channel (h, w, 3)."""
    generator = np.random.default_rng([texture.seed, list(KINDS).index(texture.kind), round(10 * texture.period)])
    pattern = KINDS[texture.kind](generator, texture.period)
    low, high = np.log(CONTRASTS)
    pattern = np.exp(generator.uniform(low, high)) * pattern
    leaves = dead_leaves(generator, SIDE, random_palette(generator))
    shades = cv2.GaussianBlur(leaves, (0, 0), 2.5)
    scene = 128 + SHADES * (shades - shades.mean(axis=(0, 1))) / (shades.std() + 1e-6)
    if texture.kind == "one channel":
        scene[..., generator.integers(3)] += pattern
    else:
        scene = scene.mean(axis=2) + pattern
    clean = scene.clip(5, 250)
    noisy = clean + generator.normal(0, texture.sigma, clean.shape)
    return noisy.astype(np.float32), clean.astype(np.float32)


def textures(first_seed: int, each: int) -> list[Texture]:
    """So many of each kind, whose periods and noise take turns."""
    found = []
    for number, kind in enumerate(KINDS):
        for place in range(each):
            turn = number + place * len(KINDS)
            found.append(
                Texture(
                    kind,
                    PERIODS[(3 * turn + place) % len(PERIODS)],
                    SIGMAS[(2 * turn + place) % len(SIGMAS)],
                    first_seed + place,
                )
            )
    return found
