"""Faults that patterns are looked for in, drawn on pictures, and frames without any."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.patterns import Patterns, patterns_in_words
from zsn2m_runtime.sample_types import Pixels

SIGMA = 15.0
RAW = np.array([0.55, 1.0, 0.7])  # a sensor's red and blue before white balance
LAYOUTS = ("RGGB", "GRBG")
QUAD = ("RRGG", "RRGG", "GGBB", "GGBB")
X_TRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
SHARES = (0.1, 0.15, 0.25, 1.5)
QUALITIES = (20, 80)

Drawn = Callable[[Pixels, np.random.Generator], Pixels]
Judge = Callable[[Patterns], bool]


@dataclass(frozen=True)
class Case:
    """A kind of frame, and what is right to find in it."""

    name: str
    draw: Drawn
    right: Judge


def whole(frame: Pixels) -> Pixels:
    return np.rint(frame).clip(0, 255).astype(np.uint8)


def grey(picture: Pixels) -> Pixels:
    return picture.astype(np.float64) if picture.ndim == 2 else picture.astype(np.float64).mean(axis=2)


def colour(picture: Pixels) -> Pixels:
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def filtered(picture: Pixels, letters: tuple[str, ...]) -> Pixels:
    """What a sensor with such filters sees."""
    mosaic, side = np.empty(picture.shape[:2]), len(letters)
    for y in range(side):
        for x in range(side):
            mosaic[y::side, x::side] = picture[y::side, x::side, "RGB".index(letters[y][x])]
    return mosaic


def noisy(frame: Pixels, generator: np.random.Generator, sigma: float = SIGMA) -> Pixels:
    return whole(frame + generator.normal(0, sigma, frame.shape))


def mosaics() -> list[Case]:
    cases = []
    for layout in LAYOUTS:
        letters = (layout[:2], layout[2:])

        def named(found: Patterns, layout: str = layout) -> bool:
            return found.mosaic is not None and layout in found.mosaic.layouts

        for balance, gains in (("raw", RAW), ("white-balanced", np.ones(3))):
            for sigma in (SIGMA, 40.0):

                def draw(
                    picture: Pixels,
                    generator: np.random.Generator,
                    letters: tuple[str, ...] = letters,
                    gains: Pixels = gains,
                    sigma: float = sigma,
                ) -> Pixels:
                    return noisy(filtered(colour(picture) * gains, letters), generator, sigma)

                cases.append(Case(f"{layout}, {balance}, noise {sigma:g}", draw, named))
    for name, square in (("quad Bayer, raw", QUAD), ("X-Trans, raw", X_TRANS)):

        def draw_square(picture: Pixels, generator: np.random.Generator, square: tuple[str, ...] = square) -> Pixels:
            return noisy(filtered(colour(picture) * RAW, square), generator)

        cases.append(Case(name, draw_square, lambda found: found.mosaic is not None or found.repetition is not None))
    return cases


def stripes() -> list[Case]:
    cases = []
    for share in SHARES:

        def rows(picture: Pixels, generator: np.random.Generator, share: float = share) -> Pixels:
            frame = grey(picture)
            return noisy(frame + generator.normal(0, share * SIGMA, (len(frame), 1)), generator)

        cases.append(Case(f"rows of {share:g} of the noise", rows, lambda found: found.rows is not None))

    def blue_columns(picture: Pixels, generator: np.random.Generator) -> Pixels:
        frame = colour(picture).astype(np.float64)
        frame[..., 2] += generator.normal(0, 0.3 * SIGMA, (1, frame.shape[1]))
        return noisy(frame, generator)

    def taps(picture: Pixels, generator: np.random.Generator) -> Pixels:
        frame = grey(picture)
        middle = frame.shape[1] // 2
        frame[:, :middle] += generator.normal(0, 0.4 * SIGMA, (len(frame), 1))
        frame[:, middle:] += generator.normal(0, 0.4 * SIGMA, (len(frame), 1))
        return noisy(frame, generator)

    return [
        *cases,
        Case("columns of 0.3, blue alone", blue_columns, lambda one: one.columns is not None),
        Case("rows of 0.4, another in each half", taps, lambda one: one.rows is not None and one.rows.half == "each"),
    ]


def regular() -> list[Case]:
    def repeated(of: Callable[[Pixels, Pixels], Pixels]) -> Drawn:
        def draw(picture: Pixels, generator: np.random.Generator) -> Pixels:
            frame = grey(picture)
            return noisy(frame + SIGMA * of(*np.mgrid[: frame.shape[0], : frame.shape[1]]), generator)

        return draw

    def dither(picture: Pixels, generator: np.random.Generator) -> Pixels:
        matrix = np.array([[0.0]])
        for _ in range(2):  # Bayer's, 4 x 4
            matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
        frame = grey(picture)
        across = np.tile(matrix + 0.5, (frame.shape[0] // 4 + 1, frame.shape[1] // 4 + 1))
        return 255 * (frame / 255 > across[: frame.shape[0], : frame.shape[1]] / 16).astype(np.uint8)

    def found(one: Patterns) -> bool:
        return one.repetition is not None and one.mosaic is None

    return [
        Case("lines of period 2", repeated(lambda y, x: x % 2), found),
        Case("interlaced fields that differ", repeated(lambda y, x: y % 2), found),
        Case("column pairs, period 4", repeated(lambda y, x: x // 2 % 2), found),
        Case("checkerboard", repeated(lambda y, x: (x + y) % 2), found),
        Case("ordered dither", dither, lambda one: one.dither is not None),
        Case(
            "enlarged twice", lambda p, _: p.repeat(2, axis=0).repeat(2, axis=1), lambda one: one.enlarged is not None
        ),
    ]


def ordinary() -> list[Case]:
    """Without a fault: other noises and JPEG."""

    def none(found: Patterns) -> bool:
        return bool(patterns_in_words(found))

    def jpeg(quality: int) -> Drawn:
        def draw(picture: Pixels, _: np.random.Generator) -> Pixels:
            packed = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
            return np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED))

        return draw

    def smooth(picture: Pixels, generator: np.random.Generator) -> Pixels:
        outer, centre = correlation_taps(0.4)
        unit = generator.standard_normal(picture.shape)
        return whole(
            picture
            + SIGMA * cv2.sepFilter2D(unit, -1, np.array([outer, centre, outer]), np.array([outer, centre, outer]))
        )

    def photons(picture: Pixels, generator: np.random.Generator) -> Pixels:
        return generator.poisson(picture / 40.0).astype(np.uint16)

    def hot(picture: Pixels, generator: np.random.Generator) -> Pixels:
        frame = noisy(picture, generator)
        frame[generator.random(frame.shape) < 0.005] = 255
        return frame

    def demosaicked(picture: Pixels, generator: np.random.Generator) -> Pixels:
        mosaic = noisy(filtered(colour(picture), ("RG", "GB")), generator)
        return np.asarray(cv2.cvtColor(mosaic, cv2.COLOR_BayerBG2RGB))

    return [
        *(Case(f"noise {sigma:g}", functools.partial(noisy, sigma=sigma), none) for sigma in (2.0, 25.0)),
        Case("few photons", photons, none),
        Case("correlated noise", smooth, none),
        Case("hot pixels", hot, none),
        Case("demosaicked noise", demosaicked, none),
        *(Case(f"JPEG, quality {quality}", jpeg(quality), none) for quality in QUALITIES),
    ]
