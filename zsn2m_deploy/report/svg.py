"""Small plots as inline SVG; colours come from the page's CSS classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 42
TICKS, FEWEST_TICKS = 5, 3
HEADROOM = 1.06

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A line through points, with dots if asked for."""

    points: Points
    style: str
    dots: bool = False


@dataclass(frozen=True)
class Bars:
    """Bars over bins: one more edge than heights."""

    edges: Sequence[float]
    heights: Sequence[float]
    style: str


@dataclass(frozen=True)
class Axes:
    """Names of the axes and their limits, None where they follow from what is drawn."""

    across: str
    up: str
    lowest: float | None = None
    logarithmic: bool = False
    whole: bool = False  # ticks across are whole numbers


def plot(marks: Sequence[Line | Bars], axes: Axes, description: str) -> str:
    """An SVG element with axes, ticks and marks."""
    points = [point for mark in marks for point in _points(mark) if not axes.logarithmic or point[1] > 0]
    if not points:
        return ""
    frame = _Frame(
        _limits([x for x, _ in points], False),
        _limits([_height(y, axes) for _, y in points] + ([axes.lowest] if axes.lowest is not None else []), True),
        axes,
    )
    drawn = "".join(frame.draw(mark) for mark in marks)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description, quote=True)}">'
        f"{frame.grid()}{drawn}{frame.names()}</svg>"
    )


def ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """About that many round numbers from low to high."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between 10^low and 10^high: 1, 2 and 5 of each decade, or 1 alone of many."""
    factors = (1,) if high - low > 3 else (1, 2, 5)
    decades = range(math.floor(low), math.ceil(high) + 1)
    found = [factor * 10.0**decade for decade in decades for factor in factors]
    within = [value for value in found if low - 1e-9 <= math.log10(value) <= high + 1e-9]
    return within if len(within) >= FEWEST_TICKS else ticks(10**low, 10**high)


@dataclass(frozen=True)
class _Frame:
    """Where values are on the picture."""

    across: tuple[float, float]
    up: tuple[float, float]
    axes: Axes

    def x(self, value: float) -> float:
        low, high = self.across
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.up
        return HEIGHT - BOTTOM - (_height(value, self.axes) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def draw(self, mark: Line | Bars) -> str:
        if isinstance(mark, Bars):
            return self._bars(mark)
        points = [(self.x(x), self.y(y)) for x, y in mark.points if not self.axes.logarithmic or y > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="dot {mark.style}"/>' for x, y in points)
        return f'<polyline points="{path}" class="line {mark.style}"/>{dots if mark.dots else ""}'

    def grid(self) -> str:
        right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = []
        for value in (log_ticks if self.axes.logarithmic else ticks)(*self.up):
            y = self.y(value)
            parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>')
        for value in ticks(*self.across):
            if self.axes.whole and value != round(value):
                continue
            parts.append(f'<text x="{self.x(value):.1f}" y="{floor + 15}" text-anchor="middle">{_number(value)}</text>')
        parts.append(f'<line x1="{LEFT}" y1="{floor}" x2="{right}" y2="{floor}" class="axis"/>')
        return "".join(parts)

    def names(self) -> str:
        middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
        return (
            f'<text x="{LEFT + (WIDTH - LEFT - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(self.axes.across)}</text>"
            f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">'
            f"{escape(self.axes.up)}</text>"
        )

    def _bars(self, mark: Bars) -> str:
        floor = HEIGHT - BOTTOM
        parts = []
        for left, right, height in zip(mark.edges, mark.edges[1:], mark.heights, strict=False):
            x, top = self.x(left), self.y(height)
            width = max(0.5, self.x(right) - x - 0.6)
            parts.append(f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{max(0.0, floor - top):.1f}"/>')
        return f'<g class="bars {mark.style}">{"".join(parts)}</g>'


def _points(mark: Line | Bars) -> Points:
    if isinstance(mark, Line):
        return mark.points
    return [*zip(mark.edges, mark.heights, strict=False), (mark.edges[-1], mark.heights[-1])]


def _height(value: float, axes: Axes) -> float:
    return math.log10(value) if axes.logarithmic else value


def _limits(values: Sequence[float], room: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if not high > low:
        return low - 0.5, high + 0.5
    return low, low + (high - low) * (HEADROOM if room else 1.0)


def _number(value: float) -> str:
    return f"{value:.6g}" if 1e-4 <= abs(value) < 1e5 or not value else f"{value:.2g}"
