"""Sequences whose truth is known, with noise, and what the temporal blend makes of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.streaming.temporal import Temporal

Array = np.ndarray[Any, Any]
Dtype = str  # of a sample

SIDE = 128
FRAMES = 16
SETTLED = 8  # frames after which the blend holds as many as it ever will
SIGMA = 0.08  # of the noise, as a share of the range
LOSS = 0.05  # dB that moving pixels may lose
OPEN = (1e8, 2e8)  # limits that nothing reaches
HIGH = {
    **dict.fromkeys(("uint16", "uint32", "uint64"), 65535.0),
    **dict.fromkeys(("int16", "int32", "int64"), 32767.0),
    **dict.fromkeys(("float16", "float32", "float64"), 1.0),
    "uint8": 255.0,
    "int8": 127.0,
}


@dataclass(frozen=True)
class Blended:
    """Frames in sensor units, and what the blend makes of them."""

    clean: Array
    denoised: Array
    blended: Array

    def gain(self, where: Array | slice = slice(None), frames: slice = slice(1, None)) -> float:
        """Decibels that the blend wins on the pixels where `where`, (frames, h, w), holds."""
        errors = [
            np.mean(np.square(part[frames].astype(np.float64) - self.clean[frames])[where])
            for part in (self.denoised, self.blended)
        ]
        return float(10 * np.log10(errors[0] / errors[1]))

    def moving_gain(self) -> float:
        """The gain where clean frames differ by more than 2 of 255 levels."""
        moving = np.abs(np.diff(self.clean, axis=0)) > 2 / 255 * HIGH[self.denoised.dtype.name]
        assert moving.any()
        return self.gain(moving)

    def flicker(self, frames: slice = slice(SETTLED, None)) -> float:
        """Standard deviation over time, as a share of what it is without the blend."""
        return float(np.mean(deviation(self.blended[frames])) / np.mean(deviation(self.denoised[frames])))


def deviation(frames: Array) -> Array:
    """Standard deviation over time of every sample."""
    return np.asarray(np.std(frames.astype(np.float64), axis=0))


def blend(
    scenes: Sequence[Array], dtype: Dtype = "uint8", sigma: float = SIGMA, *, correlated: bool = False
) -> Blended:
    """Add noise that grows with the root of the brightness to scenes in [0, 1], filter, blend."""
    high = HIGH[dtype]
    sensor = Sensor(dtype=dtype, channels=3 if scenes[0].ndim == 3 else 1, range=(0.0, high), noise_sigma=sigma * high)
    generator, blended, all_denoised = np.random.default_rng(7), [], []
    step = Temporal(sensor)
    for picture in scenes:
        noise = generator.standard_normal(picture.shape, np.float32)
        if correlated:
            noise = 2.2 * cv2.GaussianBlur(noise, (0, 0), 0.8)
        noise *= sigma * np.sqrt(2 * picture)
        noisy = _quantised((picture + noise) * high, dtype)
        denoised = cv2.GaussianBlur(noisy, (0, 0), 1.0)
        all_denoised.append(denoised)
        blended.append(step(noisy, denoised))
    clean = np.stack([picture.astype(np.float64) * high for picture in scenes])
    return Blended(clean, np.stack(all_denoised), np.stack(blended))


def _quantised(values: Array, dtype: Dtype) -> Array:
    return (np.rint(values) if dtype != "float32" else values).clip(0, HIGH[dtype]).astype(dtype)


@functools.cache
def scene(channels: int = 3) -> Array:
    """The sample's scene, away from black and white."""
    return clean_scene(SampleConfig(width=SIDE, height=SIDE, channels=channels)) * np.float32(0.7) + np.float32(0.1)


def moved(picture: Array, right: float, down: float = 0.0) -> Array:
    shift = np.array([[1, 0, right], [0, 1, down]], np.float64)
    size = picture.shape[1::-1]
    return np.asarray(cv2.warpAffine(picture, shift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


def pan(speed: float) -> list[Array]:
    picture = scene()
    return [moved(picture, speed * index, 0.4 * speed * index) for index in range(FRAMES)]


def object_over_background(speed: float) -> list[Array]:
    background, texture = scene(), scene()[::-1, ::-1]
    frames = []
    for index in range(FRAMES):
        mask = moved(np.pad(np.ones((40, 40), np.float32), ((30, 58), (20, 68))), speed * index)[:, :, None].clip(0, 1)
        frames.append(background * (1 - mask) + moved(texture, speed * index) * mask)
    return frames


def edge(contrast: float, speed: float, channels: int = 3) -> list[Array]:
    """A slanting edge on a flat field; contrast in levels of 255."""
    across, down = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))
    frames = []
    for index in range(FRAMES):
        side = (across - 44 - speed * index + 0.3 * (down - SIDE / 2)).clip(0, 1)
        frame = np.float32(0.45) + np.float32(contrast / 255) * side
        frames.append(np.dstack([frame] * channels) if channels == 3 else frame)
    return frames
