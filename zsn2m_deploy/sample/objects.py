"""What stands or moves in the scene: test targets on the meadow, balloons, a boat, and cells.

Positions are shares of the width and height, sizes shares of the shorter side; `shift` (x, y) is in pixels.
"""

from __future__ import annotations

import numpy as np

from zsn2m_deploy.sample.canvas import (
    Box,
    Canvas,
    Colour,
    Floats,
    around,
    mix,
    paint_disc,
    paint_polygon,
    paint_text,
    rgb,
    solid,
)

Point = tuple[float, float]

PAPER, INK = (0.86, 0.85, 0.80), (0.10, 0.10, 0.13)
WOOD, WOOD_DARK = (0.52, 0.36, 0.22), (0.32, 0.21, 0.13)
FAN_CENTRE, FAN_RADIUS, FAN_SPOKES = (0.17, 0.81), 0.125, 18
SIGN_CENTRE, SIGN_HALF = (0.50, 0.765), (0.165, 0.072)
CLOTH_TOP, CLOTH_BOTTOM, CLOTH_HALF = 0.875, 0.985, (0.15, 0.21)
CLOTH_LIGHT, CLOTH_RED, CLOTH_BLUE = rgb((0.84, 0.78, 0.68)), rgb((0.70, 0.20, 0.18)), rgb((0.20, 0.28, 0.52))
VIEW_CENTRE, VIEW_RADIUS = (0.83, 0.81), 0.125
VIEW_DARK = (0.07, 0.07, 0.10)
BOAT_CENTRE, BOAT_SIZE = (0.40, 0.575), 0.10
# Balloons: centre, radius, gores, the two colours.
BALLOONS: tuple[tuple[Point, float, int, Colour, Colour], ...] = (
    ((0.33, 0.165), 0.115, 14, (0.82, 0.20, 0.16), (0.86, 0.74, 0.34)),
    ((0.88, 0.14), 0.050, 10, (0.22, 0.24, 0.52), (0.84, 0.82, 0.78)),
)
# Cells: place inside the view (shares of its radius), size of the body (share), colour of the body.
GREEN, MAGENTA, AMBER = (0.10, 0.70, 0.24), (0.66, 0.14, 0.56), (0.72, 0.52, 0.10)
CELLS: tuple[tuple[Point, float, Colour], ...] = (
    ((-0.40, -0.30), 0.20, GREEN),
    ((0.22, -0.52), 0.16, MAGENTA),
    ((0.45, 0.05), 0.22, GREEN),
    ((-0.10, 0.12), 0.14, AMBER),
    ((-0.52, 0.30), 0.15, MAGENTA),
    ((0.02, 0.58), 0.19, GREEN),
    ((0.50, 0.52), 0.10, AMBER),
    ((-0.05, -0.72), 0.08, AMBER),
)
NUCLEUS = (0.16, 0.26, 0.62)


def draw_targets(canvas: Canvas) -> None:
    """Draw the resolution fan, the sign, the woven cloth and the dark view that cells appear in."""
    _draw_fan(canvas)
    _draw_sign(canvas)
    _draw_cloth(canvas)
    centre, radius = _place(canvas, VIEW_CENTRE), VIEW_RADIUS * canvas.unit
    _draw_plate(canvas, centre, radius)
    paint_disc(canvas, centre, radius, VIEW_DARK)


def draw_balloons(canvas: Canvas, shift: Point) -> None:
    """Draw the balloons, moved by `shift` (the small one the other way)."""
    for index, (place, size, gores, first, second) in enumerate(BALLOONS):
        x, y = _place(canvas, place)
        sign = 1 if index == 0 else -1
        centre = (x + sign * shift[0], y + sign * shift[1])
        radius = size * canvas.unit
        basket = (centre[0], centre[1] + 1.62 * radius)
        for side in (-1, 1):
            rope, width = centre[0] + side * 0.30 * radius, 0.03 * radius
            hook = basket[0] + side * 0.14 * radius
            corners = [(rope - width, centre[1] + radius), (rope + width, centre[1] + radius)]
            paint_polygon(canvas, [*corners, (hook + width, basket[1]), (hook - width, basket[1])], WOOD_DARK)
        _draw_envelope(canvas, centre, radius, (gores, first, second))
        _rectangle(canvas, basket, (0.18 * radius, 0.13 * radius), WOOD)


def draw_boat(canvas: Canvas, shift: Point) -> None:
    """Draw the sailing boat, moved by `shift` along the water."""
    x, y = _place(canvas, BOAT_CENTRE)
    x, size = x - shift[0], BOAT_SIZE * canvas.unit
    paint_polygon(canvas, [(x, y - 0.9 * size), (x, y), (x + 0.5 * size, y)], PAPER)
    mast = x - 0.05 * size
    paint_polygon(canvas, [(mast, y - 0.8 * size), (mast, y), (x - 0.38 * size, y)], (0.74, 0.30, 0.22))
    hull = [(x - 0.48 * size, y + 0.05 * size), (x + 0.58 * size, y + 0.05 * size)]
    hull += [(x + 0.40 * size, y + 0.22 * size), (x - 0.34 * size, y + 0.22 * size)]
    paint_polygon(canvas, hull, WOOD_DARK)


def draw_cells(canvas: Canvas, shift: Point) -> None:
    """Draw glowing cells with a nucleus into the round view; every second one moves by `shift`."""
    (centre_x, centre_y), radius = _place(canvas, VIEW_CENTRE), VIEW_RADIUS * canvas.unit

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        inside = (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2
        light = np.zeros((y.size, x.size, 3), dtype=np.float32) + rgb(VIEW_DARK)
        for index, ((place_x, place_y), size, colour) in enumerate(CELLS):
            moves = index % 2
            cell_x = centre_x + place_x * radius + moves * shift[0]
            cell_y = centre_y + place_y * radius + moves * shift[1]
            squared = ((x - cell_x) ** 2 + 1.3 * (y - cell_y) ** 2) / (size * radius) ** 2
            light += np.exp(-0.5 * squared**1.5)[..., None] * rgb(colour)
            light += np.exp(-4.0 * squared)[..., None] * rgb(NUCLEUS)
        return np.minimum(light, 0.9), solid(inside)

    canvas.paint(around((centre_x, centre_y), radius), shade)


def _place(canvas: Canvas, share: Point) -> Point:
    return share[0] * canvas.width, share[1] * canvas.height


def _rectangle(canvas: Canvas, centre: Point, half: Point, colour: Colour) -> None:
    left, right, top, bottom = (
        centre[0] - half[0],
        centre[0] + half[0],
        centre[1] - half[1],
        centre[1] + half[1],
    )
    paint_polygon(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], colour)


def _draw_envelope(canvas: Canvas, centre: Point, radius: float, look: tuple[int, Colour, Colour]) -> None:
    """Draw a balloon's envelope: gores meet at the top, light comes from the right."""
    gores, first, second = look

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        across, down = (x - centre[0]) / radius, (y - centre[1]) / radius
        circle = np.sqrt((1 - down**2).clip(1e-6, None))
        half_width = np.where(down > 0.5, 0.866 - (down - 0.5) * 0.80, circle)  # a cone below the sphere
        longitude = np.arcsin((across / half_width).clip(-1, 1))
        stripe = (np.floor((longitude / np.pi + 0.5) * gores) % 2).astype(np.float32)
        light = 0.80 + 0.22 * across / half_width - 0.12 * down
        inside = (np.abs(across) < half_width) & (down > -1) & (down < 1.25)
        colour = mix(rgb(first), rgb(second), stripe) * light.clip(0.45, 1.03)[..., None]
        return colour, solid(inside)

    box = Box(centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + 1.25 * radius)
    canvas.paint(box, shade)


def _draw_plate(canvas: Canvas, centre: Point, radius: float) -> None:
    """Draw a round plate on a post."""
    _rectangle(canvas, (centre[0], centre[1] + 1.2 * radius), (0.07 * radius, 0.25 * radius), WOOD_DARK)
    paint_disc(canvas, centre, radius * 1.08, PAPER)


def _draw_fan(canvas: Canvas) -> None:
    """Draw the resolution fan: spokes that get finer towards the centre."""
    centre, radius = _place(canvas, FAN_CENTRE), FAN_RADIUS * canvas.unit
    _draw_plate(canvas, centre, radius)

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        distance = np.hypot(x - centre[0], y - centre[1]) / radius
        angle = np.arctan2(y - centre[1], x - centre[0])
        spoke = np.sin(FAN_SPOKES * angle) > 0
        ring = ((distance > 0.56) & (distance < 0.60)) | ((distance > 0.94) & (distance < 1.0))
        return rgb(INK), solid((spoke | ring) & (distance < 1.0))

    canvas.paint(around(centre, radius), shade)


def _draw_sign(canvas: Canvas) -> None:
    """Draw the sign: two lines of lettering on a framed board on two posts."""
    (x, y), unit = _place(canvas, SIGN_CENTRE), canvas.unit
    wide, high = SIGN_HALF[0] * unit, SIGN_HALF[1] * unit
    for side in (-1, 1):
        _rectangle(canvas, (x + side * 0.75 * wide, y + 1.3 * high), (0.05 * wide, 0.5 * high), WOOD_DARK)
    _rectangle(canvas, (x, y), (wide, high), WOOD)
    _rectangle(canvas, (x, y), (0.94 * wide, 0.86 * high), PAPER)
    paint_text(canvas, "ZSN2M", Box(x - 0.86 * wide, y - 0.72 * high, x + 0.86 * wide, y + 0.26 * high), INK)
    line = Box(x - 0.86 * wide, y + 0.38 * high, x + 0.86 * wide, y + 0.72 * high)
    paint_text(canvas, "one frame is enough", line, (0.52, 0.14, 0.12))


def _draw_cloth(canvas: Canvas) -> None:
    """Draw the cloth on the meadow: a plaid woven of threads that lie over and under each other."""
    top, bottom = CLOTH_TOP * canvas.height, CLOTH_BOTTOM * canvas.height
    middle, unit = SIGN_CENTRE[0] * canvas.width, canvas.unit
    threads = min(96.0, 0.42 * unit)  # never finer than about one thread per pixel

    def shade(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        down = (y - top) / (bottom - top)
        across = (x - middle) / (unit * (CLOTH_HALF[0] + (CLOTH_HALF[1] - CLOTH_HALF[0]) * down))
        column, row = across * threads / 2, down * threads / 3.2
        over = (np.floor(column) + np.floor(row)) % 2
        bulge = np.where(over > 0, np.sin(np.pi * (column % 1)), np.sin(np.pi * (row % 1)))
        bars = (((across * 4.0) % 1.0) < 0.42).astype(np.float32) + 0 * down
        bands = (((down * 3.0) % 1.0) < 0.42).astype(np.float32) + 0 * across
        colour = mix(CLOTH_LIGHT, CLOTH_RED, (bars * (0.35 + 0.5 * over)).clip(0, 1))
        colour = mix(colour, CLOTH_BLUE, (bands * (0.35 + 0.5 * (1 - over))).clip(0, 1))
        inside = (np.abs(across) < 1) & (down > 0) & (down < 1)
        return colour * (0.62 + 0.38 * np.sqrt(bulge.clip(0, 1)))[..., None], solid(inside)

    reach = CLOTH_HALF[1] * unit
    canvas.paint(Box(middle - reach, top, middle + reach, bottom), shade)
