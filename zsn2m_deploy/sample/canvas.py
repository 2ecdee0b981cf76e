"""An antialiased canvas: every object is a shader, sampled 4 x 4 times per pixel and averaged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

# Takes pixel coordinates x (1, n) and y (m, 1); returns colour (m, n, 3) or (3,) and opacity (m, n) in 0..1.
Shader = Callable[[Floats, Floats], tuple[Floats, Floats]]

SUPERSAMPLING = 4
STRIP_ROWS = 16  # bounds memory: a strip of 16384 pixels is 4 million samples


class Box(NamedTuple):
    """A rectangle in pixels; it may reach beyond the canvas."""

    left: float
    top: float
    right: float
    bottom: float


class Canvas:
    """An RGB picture in [0, 1] that shaders are painted on.

    Shape:
        pixels: (h, w, 3) float32; pixel (row, column) covers [column, column + 1) x [row, row + 1)
    """

    def __init__(self, pixels: Floats) -> None:
        self.pixels = pixels

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def unit(self) -> float:
        """The shorter side in pixels: what sizes of objects are given in."""
        return float(min(self.height, self.width))

    def paint(self, box: Box, shader: Shader) -> None:
        """Paint a shader over what is there, inside a box."""
        left, right = max(math.floor(box.left), 0), min(math.ceil(box.right), self.width)
        top, bottom = max(math.floor(box.top), 0), min(math.ceil(box.bottom), self.height)
        if left >= right:
            return
        x = _sample_positions(left, right)[None, :]
        for start in range(top, bottom, STRIP_ROWS):
            stop = min(start + STRIP_ROWS, bottom)
            colour, opacity = shader(x, _sample_positions(start, stop)[:, None])
            below = self.pixels[start:stop, left:right]
            below *= 1.0 - _average(opacity)[..., None]
            below += _average(colour * opacity[..., None])


def _sample_positions(start: int, stop: int) -> Floats:
    count = (stop - start) * SUPERSAMPLING
    return ((np.arange(count) + 0.5) / SUPERSAMPLING + start).astype(np.float32)


def _average(samples: Floats) -> Floats:
    """Mean over each pixel's samples.

    Shape:
        samples: (m * 4, n * 4) or (m * 4, n * 4, 3)
        returns: (m, n) or (m, n, 3)
    """
    size = (samples.shape[1] // SUPERSAMPLING, samples.shape[0] // SUPERSAMPLING)
    return np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def rgb(colour: Colour) -> Floats:
    """A colour as array.

    Shape:
        returns: (3,)
    """
    return np.asarray(colour, dtype=np.float32)


def mix(first: Floats, second: Floats, share: npt.NDArray[np.floating[Any]]) -> Floats:
    """Blend two colours.

    Shape:
        first, second: (3,) or (m, n, 3)
        share: (m, n) of the second colour, in [0, 1]
        returns: (m, n, 3)
    """
    weight = share[..., None]
    return np.asarray(first * (1 - weight) + second * weight, dtype=np.float32)


def solid(inside: npt.NDArray[np.bool_]) -> Floats:
    """Opacity 1 where a sample lies inside, else 0."""
    return inside.astype(np.float32)


def paint_disc(canvas: Canvas, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """Paint a disc; centre (x, y) and radius in pixels."""
    centre_x, centre_y = centre

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return rgb(colour), solid((x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2)

    canvas.paint(around(centre, radius), shade)


def paint_polygon(canvas: Canvas, corners: list[tuple[float, float]], colour: Colour) -> None:
    """Paint a convex polygon; corners (x, y) in pixels, in either direction."""
    turn = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    ordered = corners if turn > 0 else corners[::-1]

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        inside = np.ones((y.size, x.size), dtype=np.bool_)
        for (ax, ay), (bx, by) in zip(ordered, ordered[1:] + ordered[:1], strict=True):
            inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
        return rgb(colour), solid(inside)

    xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
    canvas.paint(Box(min(xs), min(ys), max(xs), max(ys)), shade)


def paint_text(canvas: Canvas, text: str, box: Box, colour: Colour) -> None:
    """Write one line of text, as large as fits into a box (the lettering is OpenCV's)."""
    face, thickness, scale, margin = cv2.FONT_HERSHEY_DUPLEX, 5, 4.0, 12
    (width, height), baseline = cv2.getTextSize(text, face, scale, thickness)
    mask = np.zeros((height + baseline + 2 * margin, width + 2 * margin), dtype=np.uint8)
    cv2.putText(mask, text, (margin, margin + height), face, scale, 255, thickness, cv2.LINE_AA)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    zoom = min((box.right - box.left) / mask.shape[1], (box.bottom - box.top) / mask.shape[0])
    left = (box.left + box.right - zoom * mask.shape[1]) / 2
    top = (box.top + box.bottom - zoom * mask.shape[0]) / 2

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        column, row = np.floor((x - left) / zoom).astype(int), np.floor((y - top) / zoom).astype(int)
        inside = (column >= 0) & (column < mask.shape[1]) & (row >= 0) & (row < mask.shape[0])
        value = mask[row.clip(0, mask.shape[0] - 1), column.clip(0, mask.shape[1] - 1)]
        return rgb(colour), np.where(inside, value / 255, 0).astype(np.float32)

    canvas.paint(box, shade)


def around(centre: tuple[float, float], radius: float) -> Box:
    """The box around a disc."""
    return Box(centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)


def filtered_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: tuple[float, float]) -> Floats:
    """Smooth random texture of mean 0 and variance 1; sigma (x, y) of the Gaussian filter in pixels.

    Shape:
        returns: shape
    """
    coarseness = max(1, int(min(sigma) / 3))  # draw wide texture small, then enlarge it: as smooth, much faster
    rows, columns = (-(-side // coarseness) for side in shape)
    white = rng.standard_normal((rows, columns), dtype=np.float32)
    small = cv2.GaussianBlur(white, (0, 0), sigmaX=sigma[0] / coarseness, sigmaY=sigma[1] / coarseness)
    field = np.asarray(cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)
