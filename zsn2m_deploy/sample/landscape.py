"""The still part of the scene: sky, mountains, lake and meadow.

Positions are shares of the width and height, sizes shares of the shorter side; grain of texture is in pixels.
"""

from __future__ import annotations

import numpy as np

from zsn2m_deploy.sample.canvas import (
    Box,
    Canvas,
    Colour,
    Floats,
    filtered_noise,
    mix,
    paint_disc,
    paint_polygon,
    rgb,
    solid,
)

TEXTURE_SEED = 20240  # any number: the texture is part of the scene, not of the noise

HORIZON = 0.50  # share of the height
SHORE = 0.64

SKY_TOP, SKY_MIDDLE, SKY_LOW = rgb((0.20, 0.38, 0.66)), rgb((0.55, 0.68, 0.80)), rgb((0.86, 0.74, 0.58))
CLOUD = rgb((0.86, 0.84, 0.82))
SUN, SUN_GLOW = (0.88, 0.84, 0.62), rgb((0.88, 0.78, 0.56))
SUN_CENTRE, SUN_RADIUS = (0.69, 0.36), 0.045
WATER_FAR, WATER_NEAR = rgb((0.62, 0.66, 0.68)), rgb((0.14, 0.30, 0.42))
WATER_LIGHT = rgb((0.78, 0.78, 0.72))
MEADOW_FAR, MEADOW_NEAR = rgb((0.50, 0.58, 0.26)), rgb((0.20, 0.36, 0.14))

# Mountains, far ones first: apex x (share of the width), apex height and half width (of the shorter side).
FAR_LIT, FAR_SHADED = (0.58, 0.60, 0.72), (0.44, 0.48, 0.64)
NEAR_LIT, NEAR_SHADED = (0.44, 0.46, 0.52), (0.24, 0.29, 0.40)
SNOW_LIT, SNOW_SHADED = (0.86, 0.86, 0.86), (0.62, 0.68, 0.78)
FAR_PEAKS = ((0.50, 0.11, 0.20), (0.62, 0.09, 0.17), (0.80, 0.10, 0.20), (1.02, 0.13, 0.22))
NEAR_PEAKS = ((0.02, 0.19, 0.22), (0.38, 0.15, 0.19), (0.20, 0.25, 0.24), (0.92, 0.17, 0.21))
RIPPLES = 120.0  # phase of the ripples from the horizon to the shore, in radians
SNOW_SHARE = 0.34  # of a near mountain's height
PINES = ((0.03, 0.16), (0.09, 0.12), (0.14, 0.09), (0.97, 0.17), (0.91, 0.12), (0.86, 0.09))
PINE_LIGHT, PINE_DARK = (0.17, 0.31, 0.20), (0.10, 0.20, 0.15)


def draw_landscape(canvas: Canvas) -> None:
    """Draw everything that stands still, except the test targets."""
    rng = np.random.default_rng(TEXTURE_SEED)
    _draw_sky(canvas, rng)
    for apex, height, half_width in FAR_PEAKS:
        _draw_mountain(canvas, (apex, height, half_width), FAR_LIT, FAR_SHADED)
    for apex, height, half_width in NEAR_PEAKS:
        _draw_mountain(canvas, (apex, height, half_width), NEAR_LIT, NEAR_SHADED)
        _draw_snow(canvas, (apex, height, half_width))
    _draw_lake(canvas)
    _draw_meadow(canvas, rng)
    for foot, height in PINES:
        _draw_pine(canvas, foot * canvas.width, height * canvas.unit)


def _draw_sky(canvas: Canvas, rng: np.random.Generator) -> None:
    rows, unit = int(np.ceil(HORIZON * canvas.height)) + 1, canvas.unit
    depth = (np.arange(rows, dtype=np.float32) / rows)[:, None]
    upper = mix(SKY_TOP, SKY_MIDDLE, (depth / 0.6).clip(0, 1))
    sky = mix(upper, SKY_LOW, ((depth - 0.45) / 0.55).clip(0, 1)) * np.ones((1, canvas.width, 1), np.float32)
    size = (rows, canvas.width)
    drift = filtered_noise(rng, size, (0.09 * unit, 0.022 * unit))
    puffs = filtered_noise(rng, size, (0.022 * unit, 0.009 * unit))
    cover = ((drift + 0.4 * puffs - 0.5) * 0.7).clip(0, 0.85) * (1 - depth)
    sky = mix(sky, CLOUD, cover)
    x = np.arange(canvas.width, dtype=np.float32)[None, :] - SUN_CENTRE[0] * canvas.width
    y = np.arange(rows, dtype=np.float32)[:, None] - SUN_CENTRE[1] * canvas.height
    glow = 0.8 * np.exp(-np.sqrt(x**2 + y**2) / (0.11 * unit))
    canvas.pixels[:rows] = mix(sky, SUN_GLOW, glow)
    centre = (SUN_CENTRE[0] * canvas.width, SUN_CENTRE[1] * canvas.height)
    paint_disc(canvas, centre, SUN_RADIUS * unit, SUN)


def _draw_mountain(canvas: Canvas, peak: tuple[float, float, float], lit: Colour, shaded: Colour) -> None:
    """Draw one mountain: a lit flank on the sun's side, a shaded one on the other."""
    foot, unit = HORIZON * canvas.height + 1, canvas.unit
    x, top = peak[0] * canvas.width, foot - peak[1] * unit
    side, reach = _sun_side(peak[0]), peak[2] * unit
    ridge = x - 0.25 * side * reach
    paint_polygon(canvas, [(x, top), (x - reach, foot), (x + reach, foot)], lit)
    paint_polygon(canvas, [(x, top), (ridge, foot), (x - side * reach, foot)], shaded)


def _draw_snow(canvas: Canvas, peak: tuple[float, float, float]) -> None:
    """Draw the snow on a mountain: a ragged lower rim that follows a triangle wave."""
    foot, unit = HORIZON * canvas.height + 1, canvas.unit
    x_apex, height, half_width = peak[0] * canvas.width, peak[1] * unit, peak[2] * unit
    side = _sun_side(peak[0])

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        down = (y - (foot - height)) / height
        across = (x - x_apex) / half_width
        teeth = 0.30 * np.abs(((9.0 * across) % 1.0) - 0.5) + 0.12 * np.abs(((23.0 * across) % 1.0) - 0.5)
        inside = (np.abs(across) < down) & (down < SNOW_SHARE - teeth)
        lit = (side * (across + 0.25 * side * down) > 0).astype(np.float32)
        return mix(rgb(SNOW_SHADED), rgb(SNOW_LIT), lit), solid(inside)

    reach = half_width * SNOW_SHARE
    canvas.paint(Box(x_apex - reach, foot - height, x_apex + reach, foot - height * (1 - SNOW_SHARE)), shade)


def _sun_side(x: float) -> float:
    return 1.0 if x < SUN_CENTRE[0] else -1.0


def _draw_lake(canvas: Canvas) -> None:
    """Draw the lake: ripples that get finer towards the horizon, and the sun's glitter."""
    top, bottom = HORIZON * canvas.height, (SHORE + 0.05) * canvas.height
    sun_x, unit = SUN_CENTRE[0] * canvas.width, canvas.unit

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        depth = ((y - top) / (bottom - top)).clip(0, None)
        phase = RIPPLES * np.log1p(9.0 * depth) / np.log(10.0) * min(1.0, (bottom - top) / RIPPLES)
        bend = 1.2 * np.sin(x / unit * 19.0 + 9.0 * depth) + 0.7 * np.sin(x / unit * 47.0 - 21.0 * depth)
        ripple = np.sin(phase + bend) * (0.25 + 0.75 * depth)
        glitter = np.exp(-(((x - sun_x) / (unit * (0.03 + 0.10 * depth))) ** 2))
        water = mix(WATER_FAR, WATER_NEAR, (depth**0.7 + 0 * x).clip(0, 1))
        light = (0.16 + 0.16 * ripple + glitter * (0.35 + 0.5 * (ripple > 0.1))).clip(0, 1)
        return mix(water, WATER_LIGHT, light), solid((y >= top) & (x >= 0))

    canvas.paint(Box(0, top, canvas.width, bottom), shade)


def _draw_meadow(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the meadow: blades of grass are noise filtered along the vertical."""
    top = int(SHORE * canvas.height)
    size, unit = (canvas.height - top, canvas.width), canvas.unit
    x = np.arange(canvas.width, dtype=np.float32)[None, :]
    y = np.arange(top, canvas.height, dtype=np.float32)[:, None]
    depth = (y - top) / size[0]
    fine = filtered_noise(rng, size, (0.7, 1.6))
    blades = filtered_noise(rng, size, (0.9, 4.0))
    patches = filtered_noise(rng, size, (0.07 * unit, 0.025 * unit))
    tone = 1.0 + 0.09 * fine * (1 - depth) + 0.16 * blades * depth**0.5 + 0.07 * patches
    colour = mix(MEADOW_FAR, MEADOW_NEAR, depth.clip(0, 1) + 0 * x) * tone.clip(0.4, 1.7)[..., None]
    rim = top + unit * (0.018 + 0.012 * np.sin(x / unit * 7.0) + 0.004 * np.sin(x / unit * 31.0))
    cover = (y - rim + 0.5).clip(0, 1)[..., None]
    canvas.pixels[top:] = canvas.pixels[top:] * (1 - cover) + colour * cover


def _draw_pine(canvas: Canvas, x: float, height: float) -> None:
    """Draw one pine on the shore: four tiers, dark on the left."""
    foot = (SHORE + 0.035) * canvas.height
    for tier in range(4):
        top = foot - height * (1.0 - 0.21 * tier)
        low, reach = top + 0.36 * height, (0.09 + 0.045 * tier) * height
        paint_polygon(canvas, [(x, top), (x - reach, low), (x + reach, low)], PINE_LIGHT)
        paint_polygon(canvas, [(x, top), (x - reach, low), (x, low)], PINE_DARK)
