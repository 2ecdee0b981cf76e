"""Synthetic scenes: dead leaves, that is, random shapes in random order with sizes of a power law, textured.

Photographs share their statistics with such pictures (Lee, Mumford and Huang, 2001), and a network trained on them
denoises photographs nearly as well as one trained on photographs (Achddou, Gousseau and Ladjal, 2021). The ranges that
sizes, colours and textures are drawn from are chosen, not fitted; fewer or weaker textures change little
(docs/decisions/scene-textures.md).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SUPERSAMPLING = 2  # shapes are drawn hard-edged at twice the size, then averaged down
SMALLEST_RADIUS = 1.0  # pixels
LARGEST_RADIUS = 0.6  # of the side
TEXTURES = (0.09, 0.07, 0.12)  # standard deviation of the rough, striped and smooth texture, of the palette's span
TEXTURE_CHOICES = 5  # of which three are textures: two shapes in five are plain


class _Ellipse(NamedTuple):
    centre: tuple[int, int]
    axes: tuple[int, int]
    angle: float  # degrees

    def draw(self, picture: Floats, value: tuple[float, ...]) -> None:
        cv2.ellipse(picture, self.centre, self.axes, self.angle, 0, 360, value, -1)


class _Polygon(NamedTuple):
    corners: npt.NDArray[np.int32]

    def draw(self, picture: Floats, value: tuple[float, ...]) -> None:
        cv2.fillPoly(picture, [self.corners], value)


class _Line(NamedTuple):
    start: tuple[int, int]
    end: tuple[int, int]
    width: int

    def draw(self, picture: Floats, value: tuple[float, ...]) -> None:
        cv2.line(picture, self.start, self.end, value, self.width)


def dead_leaves(generator: np.random.Generator, side: int, palette: Floats) -> Floats:
    """A scene in the colours of a palette; values may leave the palette's range a little.

    Shape:
        palette: (n, 3)
        returns: (side, side, 3)
    """
    large = side * SUPERSAMPLING
    picture = np.empty((large, large, 3), np.float32)
    picture[:] = palette[generator.integers(len(palette))]
    amounts = [np.zeros((large, large), np.float32) for _ in TEXTURES]
    for radius in _radii(generator, large):
        shape = _shape(generator, large, radius)
        shape.draw(picture, tuple(palette[generator.integers(len(palette))].tolist()))
        chosen = generator.integers(TEXTURE_CHOICES)
        for index, amount in enumerate(amounts):
            shape.draw(amount, (abs(generator.normal()) if index == chosen else 0.0,))
    span = float(palette.max() - palette.min())
    textures = (
        _fractal(generator, large, generator.uniform(0.6, 1.2)),
        _stripes(generator, large),
        _fractal(generator, large, 1.6),
    )
    for amount, texture, strength in zip(amounts, textures, TEXTURES, strict=True):
        tint = 1 + 0.2 * generator.standard_normal(3).astype(np.float32)
        picture += (amount * texture * (strength * span))[..., None] * tint
    return _blurred(generator, np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.float32))


def random_scene(generator: np.random.Generator, side: int, channels: int) -> Floats:
    """A scene in random colours, 0 to 1; of one channel it is grey.

    Shape:
        returns: (side, side, 1), or (side, side, 3) for more channels
    """
    scene = dead_leaves(generator, side, random_palette(generator)).clip(0, 1)
    return scene if channels > 1 else np.asarray(scene.mean(axis=2, keepdims=True))


def random_palette(generator: np.random.Generator) -> Floats:
    """A few colours around one, from nearly alike to the full range of 0 to 1.

    Shape:
        returns: (n, 3)
    """
    count = generator.integers(3, 40)
    base = generator.random((1, 3)) * 0.8 + 0.1
    spread = np.exp(generator.uniform(np.log(0.03), np.log(0.6)))
    brightness = spread * generator.standard_normal((count, 1))
    hue = generator.uniform(0, 0.25) * generator.standard_normal((count, 3))
    return np.asarray(np.clip(base + brightness + hue, 0, 1), np.float32)


def _radii(generator: np.random.Generator, large: int) -> npt.NDArray[np.float64]:
    """Radii with a density of r^-alpha; half of the scenes have the small shapes on top."""
    count = int(np.exp(generator.uniform(np.log(150), np.log(1500))))
    exponent = 1 - generator.uniform(1.5, 2.7)
    smallest, largest = SMALLEST_RADIUS * SUPERSAMPLING, LARGEST_RADIUS * large
    share = generator.random(count)
    radii = (smallest**exponent + share * (largest**exponent - smallest**exponent)) ** (1 / exponent)
    return np.sort(radii)[::-1] if generator.random() < 0.5 else radii


def _shape(generator: np.random.Generator, large: int, radius: float) -> _Ellipse | _Polygon | _Line:
    x, y = (int(value) for value in generator.integers(0, large, 2))
    kind, angle = generator.random(), generator.uniform(0, np.pi)
    if kind < 0.35:
        axes = max(1, int(radius)), max(1, int(radius * np.exp(generator.normal(0, 0.6))))
        return _Ellipse((x, y), axes, np.degrees(angle))
    if kind < 0.85:
        count = generator.integers(3, 8)
        directions = np.sort(generator.uniform(0, 2 * np.pi, count))
        reach = radius * generator.uniform(0.4, 1.3, count)
        stretch = np.exp(generator.normal(0, 0.4))
        along, across = np.cos(directions) * reach * stretch, np.sin(directions) * reach / stretch
        corners = np.stack(
            [x + along * np.cos(angle) - across * np.sin(angle), y + along * np.sin(angle) + across * np.cos(angle)], 1
        )
        return _Polygon(corners.round().astype(np.int32))
    far_x, far_y = 6 * radius * np.cos(angle), 6 * radius * np.sin(angle)
    width = max(1, int(generator.uniform(0.5, 3) * SUPERSAMPLING))
    return _Line((int(x - far_x), int(y - far_y)), (int(x + far_x), int(y + far_y)), width)


def _fractal(generator: np.random.Generator, side: int, slope: float) -> Floats:
    """Noise with amplitudes of |frequency|^-slope and a standard deviation of 1."""
    spectrum = np.fft.rfft2(generator.standard_normal((side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    texture = np.fft.irfft2(spectrum * frequency**-slope, s=(side, side))
    return np.asarray(texture / texture.std(), np.float32)


def _stripes(generator: np.random.Generator, side: int) -> Floats:
    """A grating with bends."""
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    angle = generator.uniform(0, np.pi)
    period = np.exp(generator.uniform(np.log(4), np.log(30)))
    along = rows * np.sin(angle) + columns * np.cos(angle)
    return np.asarray(np.sin(2 * np.pi / period * along + 1.5 * _fractal(generator, side, 1.5)), np.float32)


def _blurred(generator: np.random.Generator, scene: Floats) -> Floats:
    """Half of the scenes are a little soft, as through a lens; one in eight is out of focus."""
    kind = generator.random()
    if kind < 0.4:
        return scene
    width = generator.uniform(0.3, 0.8) if kind < 0.875 else np.exp(generator.uniform(np.log(0.8), np.log(4)))
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), float(width)), np.float32)
