"""Frames whose noise is known: pairs of real sets, and crops of kodak24 with drawn noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.quality import cases
from benchmarks.split import Half, half_of, halves_of
from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.noise.tails import bend_of, curved
from zsn2m_runtime.sample_types import Pixels

FIRST = 6  # images of each half of kodak24
SHARED = 0.5  # correlation of channels, drawn
SKEWED = -0.5  # as after a tone curve
RARE, FAR = 0.05, 5.0  # heavy tails: so many samples, so many times as far
ROWS = 0.4  # of the pixels' noise, that each row has as an offset
SMOOTH = 0.7  # pixels, deviation of the blur before derivatives of a clean frame are taken
DARK = 0.12  # of the brightness; with noise of 15 a third of the samples is black

Drawing = Callable[[Pixels, np.random.Generator], npt.NDArray[np.floating]]


def noise_of(shape: tuple[int, ...], lag_1: float, seed: int) -> Pixels:
    """Gaussian noise of variance 1."""
    outer, centre = correlation_taps(lag_1)
    unit = np.random.default_rng(seed).standard_normal((shape[0] + 2, shape[1] + 2, *shape[2:]))
    unit = outer * (unit[:-2] + unit[2:]) + centre * unit[1:-1]
    return np.asarray(outer * (unit[:, :-2] + unit[:, 2:]) + centre * unit[:, 1:-1], np.float32)


def _shared(shape: tuple[int, ...], rng: np.random.Generator) -> Doubles:
    """Normal noise of which the channels share a part."""
    common, own = rng.standard_normal((*shape[:2], 1)), rng.standard_normal(shape)
    return np.asarray(np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own)


def _heavy(shape: tuple[int, ...], rng: np.random.Generator) -> Doubles:
    return np.asarray(np.where(rng.random(shape) < RARE, FAR, 1.0) * rng.standard_normal(shape))


def _eight_bits(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    return np.asarray(np.rint(values).clip(0, 255))


DRAWN: Mapping[str, Drawing] = {
    "Gaussian 10": lambda clean, rng: clean + 10 * rng.standard_normal(clean.shape),
    "Gaussian 25": lambda clean, rng: clean + 25 * rng.standard_normal(clean.shape),
    "Poisson 25": lambda clean, rng: rng.poisson(25 * clean / 255) * (255 / 25),
    "neighbours 0.4": lambda clean, rng: clean + 25 * noise_of(clean.shape, 0.4, int(rng.integers(2**31))),
    "channels 0.5": lambda clean, rng: clean + 25 * _shared(clean.shape, rng),
    "skewness -0.5": lambda clean, rng: clean + 20 * curved(rng.standard_normal(clean.shape), bend_of(SKEWED)),
    "5 % five times": lambda clean, rng: clean + 10 * _heavy(clean.shape, rng),
    "Student t of 5": lambda clean, rng: clean + 10 * rng.standard_t(5, clean.shape),
    "rows 0.4": lambda clean, rng: (
        clean + 15 * (rng.standard_normal(clean.shape) + ROWS * rng.standard_normal((len(clean), 1, 1)))
    ),
    "dark, clipped": lambda clean, rng: _eight_bits(DARK * clean + 15 * rng.standard_normal(clean.shape)),
    "50, clipped": lambda clean, rng: _eight_bits(clean + 50 * rng.standard_normal(clean.shape)),
}


def registered(noisy: Pixels, clean: Pixels) -> Pixels:
    """The clean frame as it is shifted and as sharp as the noisy one, by its derivatives up to second order.

    Of pairs that were not moved it changes nothing: SIDD's level by 0.1 % (PolyU's by 4 %, at most by a third).

    Shape:
        noisy, clean: (h, w) or (h, w, 3); returns: the same
    """
    planes = np.atleast_3d(clean).astype(np.float64)
    noise = np.atleast_3d(noisy) - planes
    smooth = cv2.GaussianBlur(planes, (0, 0), SMOOTH).reshape(planes.shape)
    down, across = np.gradient(smooth, axis=(0, 1))
    parts = [down, across, *np.gradient(down, axis=(0, 1)), np.gradient(across, axis=1)]
    apart = [part - part.mean(axis=(0, 1)) for part in (*parts, noise)]
    *terms, left = (part.reshape(-1) for part in apart)
    explained = np.stack(terms, axis=1) @ np.linalg.lstsq(np.stack(terms, axis=1), left, rcond=None)[0]
    return np.asarray((planes + explained.reshape(planes.shape)).reshape(clean.shape), np.float32)


def frames(kind: str, half: Half) -> Iterator[cases.Case]:
    """The frames of a real set, or kodak24 with drawn noise."""
    if kind in cases.REAL:
        names = cases.names(kind)
        for name in names:
            if halves_of(kind)[Path(name).stem] == half:
                case = cases.case(kind, name, "real", 0, names)
                yield replace(case, clean=registered(case.noisy, case.clean))
        return
    names = cases.names("kodak24")
    for name in half_of(names, half)[:FIRST]:
        clean = cases.case("kodak24", name, "gauss 25", 0, names).clean
        noisy = DRAWN[kind](clean, np.random.default_rng(names.index(name))).astype(np.float32)
        yield cases.Case("kodak24", Path(name).stem, kind, 0.0, 0, DARK * clean if "dark" in kind else clean, noisy)
