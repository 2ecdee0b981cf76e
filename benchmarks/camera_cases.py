"""A drawn camera: light behind an RGGB mosaic, photons and read noise, demosaicking, tone curve, finish, 8 bits.

The truth is the same way without noise.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quality.cases import SIDE
from zsn2m_runtime.files import open_image
from zsn2m_runtime.mosaic_record import PLACES
from zsn2m_runtime.noise.jpeg import WHITE, compressed
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Pixels

BALANCE = np.array([2.0, 1.0, 1.5])  # what red, green and blue light is multiplied by: about a camera's in daylight
WELL = 0.95  # of full scale that white has
LEVELS = {"weak": (2e-4, 1e-3), "medium": (1e-3, 3e-3), "strong": (4e-3, 8e-3)}  # of full scale: a photon, read noise
# Linear interpolation: the mean of the nearest samples of a colour.
CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
SQUARE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4


def _sharpened(picture: Doubles) -> Doubles:
    """As cameras do it: a little smoothing, then an unsharp mask."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.6)
    return np.asarray(smooth + 0.6 * (smooth - cv2.GaussianBlur(smooth, (0, 0), 1.5)))


def _whole(picture: Doubles) -> Doubles:
    return np.rint(picture).clip(0, WHITE)


def _plain(picture: Doubles) -> Doubles:
    return picture


FINISHES: dict[str, Callable[[Doubles], Doubles]] = {  # (h, w, 3), of 0 to 255 -> the same
    "nothing": _plain,
    "smooth": lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.7)),
    "sharp": _sharpened,
    **{f"JPEG {quality}": partial(compressed, quality=quality) for quality in (75, 85, 95)},
}


@dataclass(frozen=True)
class Camera:
    """A camera: how strong its noise is, and what it does after the tone curve."""

    level: str
    finish: str

    def photograph(self, picture: Doubles, rng: np.random.Generator | None) -> Doubles:
        """What the camera makes of a picture, whole numbers; without noise if there is no generator.

        Shape:
            picture: (h, w, 3), sRGB of 0 to 255 -> the same
        """
        gain, read = LEVELS[self.level]
        light = _linear(picture / WHITE) * WELL / BALANCE
        mosaic = np.empty(light.shape[:2])
        for row, column, channel in PLACES:
            mosaic[row::2, column::2] = light[row::2, column::2, channel]
        if rng is not None:
            mosaic = gain * rng.poisson(mosaic / gain) + rng.normal(0, read, mosaic.shape)
        developed = WHITE * _curve(_demosaicked(mosaic) * BALANCE / WELL)
        return _whole(FINISHES[self.finish](developed))


@dataclass(frozen=True)
class Case:
    """A frame of a drawn camera. Shape: (h, w, 3); noisy is of 8 bits."""

    camera: Camera
    clean: Doubles
    noisy: Pixels


def case(image: Path, camera: Camera) -> Case:
    """The centre of an image, photographed with and without noise."""
    with open_image(image) as file:
        whole = file.read().pixels
    top, left = ((side - SIDE) // 2 for side in whole.shape[:2])
    picture = whole[top : top + SIDE, left : left + SIDE].astype(np.float64)
    rng = np.random.default_rng(zlib.crc32(f"{image.stem} {camera.level} {camera.finish}".encode()))
    return Case(camera, camera.photograph(picture, None), camera.photograph(picture, rng).astype(np.uint8))


def _demosaicked(mosaic: Doubles) -> Doubles:
    planes = np.zeros((*mosaic.shape, 3))
    for row, column, channel in PLACES:
        planes[row::2, column::2, channel] = mosaic[row::2, column::2]
    kernels = (SQUARE, CROSS, SQUARE)
    filled = [
        cv2.filter2D(planes[..., c], -1, kernel, borderType=cv2.BORDER_REFLECT_101) for c, kernel in enumerate(kernels)
    ]
    return np.stack(filled, axis=2)


def _linear(picture: Doubles) -> Doubles:
    picture = picture.clip(0, 1)
    return np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)


def _curve(light: Doubles) -> Doubles:
    light = light.clip(0, None)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
