"""A camera that turns over a drawn scene, and a denoiser of its noise that gives what it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.denoisers import gain_denoiser
from support.known_noise import plain_record
from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.denoiser import Denoiser

Array = np.ndarray[Any, Any]

SIGMA, SIDE = 10.0, 128


def averaging(folder: Path, monkeypatch: pytest.MonkeyPatch, dtype: str = "uint8") -> Denoiser:
    """One whose network gives what it is given, of noise that is known."""
    monkeypatch.setattr(Denoiser, "noises", (plain_record(0.0, SIGMA**2, 1),))
    monkeypatch.setattr(Denoiser, "averages", True)
    return gain_denoiser(folder, dtype, 1, (0.0, 255.0))


def view(right: int = 0, height: int = SIDE) -> Array:
    """A clean scene from 30 to 230, from so far right, (h, SIDE)."""
    scene = clean_scene(SampleConfig(width=2 * SIDE, height=height))[..., 1]
    return (30 + 200 * scene[:, right : right + SIDE]).astype(np.float32)


def noisy(clean: Array, seed: int) -> Array:
    noise = np.random.default_rng(seed).normal(0, SIGMA, clean.shape)
    return np.asarray(np.rint(clean + noise).clip(0, 255).astype(np.uint8))


def pan(count: int = 6, step: int = 3) -> tuple[list[Array], list[Array]]:
    """Clean frames of a camera that turns, and noisy ones."""
    clean = [view(step * index) for index in range(count)]
    return clean, [noisy(frame, index) for index, frame in enumerate(clean)]


def error(result: Array, clean: Array) -> float:
    """In units of a frame's noise, away from the borders."""
    inside = (slice(16, -16), slice(16, -16))
    return float(np.sqrt(np.mean(np.square(result.astype(np.float64) - clean)[inside]))) / SIGMA
