"""Frames with noise of known level and correlation, and bundles that were trained on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from support.bundles import edit_manifest
from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.familiarity import training_stats
from zsn2m_runtime.noise_record import NoiseRecord, TrainingStats

SIZE = (160, 192)


SIGMA = 12.0


Array = np.ndarray[Any, Any]


def scene(channels: int = 3, texture: float = 0.0, low: float = 50.0, size: tuple[int, int] = SIZE) -> Array:
    """A gradient with hard-edged squares in it, and texture of two and more pixels all over."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    picture = low + 80 * columns / size[1] + 40 * ((rows // 40 + columns // 40) % 2)
    blobs = np.random.default_rng(3).standard_normal((size[0] // 2, size[1] // 2)).repeat(2, axis=0).repeat(2, axis=1)
    return np.repeat((picture + texture * blobs)[..., None], channels, axis=2)


def noise(seed: int, sigma: float = SIGMA, lag_1: float = 0.0, shape: tuple[int, ...] = (*SIZE, 3)) -> Array:
    """Normal noise of a known correlation."""
    outer, centre = correlation_taps(lag_1)
    unit = np.random.default_rng(seed).standard_normal((shape[0] + 2, shape[1] + 2, *shape[2:]))
    unit = outer * (unit[:-2] + unit[2:]) + centre * unit[1:-1]
    return np.asarray(sigma * (outer * (unit[:, :-2] + unit[:, 2:]) + centre * unit[:, 1:-1]))


def whole(frame: Array) -> Array:
    """As an 8-bit sensor gives it."""
    return np.rint(frame).clip(0, 255).astype(np.uint8)


def known(*frames: Array) -> tuple[NoiseRecord, TrainingStats]:
    """What a bundle keeps of its training frames."""
    model = estimate_noise(frames)
    return model.record(), training_stats(frames, model)


def bundle_knowing(bundle: Path, folder: Path, *frames: Array) -> Path:
    """A copy of a bundle, as if it had been trained on these frames."""
    noise_record, look = (record.model_dump(mode="json") for record in known(*frames))
    copy = shutil.copytree(bundle, folder / "cam.zsn2m")
    edit_manifest(copy, lambda content: content.update(noise=noise_record, look=look))
    return copy


def plain_record(
    slope: float, floor: float, channels: int = 3, neighbours: tuple[float, float] = (0.0, 0.0)
) -> NoiseRecord:
    """Of normal noise that the channels do not share, its variance slope x + floor."""
    return NoiseRecord(
        slope=(slope,) * channels, floor=(floor,) * channels, span=(0.0, 255.0), skew=(0.0,) * channels,
        neighbours=neighbours, channels=0.0, correlated=neighbours != (0.0, 0.0),
    )  # fmt: skip
