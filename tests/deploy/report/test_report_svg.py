"""The plots: well-formed, with everything inside the frame, and round numbers at the axes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from zsn2m_deploy.report.svg import HEIGHT, WIDTH, Axes, Bars, Line, log_ticks, plot, ticks

LINE = Line([(0.0, 3.0), (1.0, 5.0), (2.0, 4.0)], "removed", dots=True)


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-1.0, 1.0, [-1, -0.5, 0, 0.5, 1]),
        (3.1, 3.9, [3.2, 3.4, 3.6, 3.8]),
        (0.0, 65535.0, [0, 20000, 40000, 60000]),
        (5.0, 5.0, [5]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_logarithmic_ticks_are_round_even_in_a_narrow_range() -> None:
    assert log_ticks(-1, 0) == pytest.approx([0.1, 0.2, 0.5, 1])
    assert log_ticks(-4, 1) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1, 10])
    assert log_ticks(-1.4, -1.2) == pytest.approx([0.04, 0.045, 0.05, 0.055, 0.06], abs=0.01)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_everything_is_inside(logarithmic: bool) -> None:
    bars = Bars([0.0, 1.0, 2.0], [1.0, 6.0], "removed")
    root = drawn(plot([LINE, bars], Axes("x <&>", "y", logarithmic=logarithmic), 'it\'s "quoted"'))
    text = ElementTree.tostring(root, encoding="unicode")
    for name, most in (("x", WIDTH), ("cx", WIDTH), ("x2", WIDTH), ("y", HEIGHT), ("cy", HEIGHT), ("y2", HEIGHT)):
        values = [float(value) for value in re.findall(rf'(?<![a-z0-9]){name}="(-?[0-9.]+)"', text)]
        assert values and all(0 <= value <= most for value in values), name
    assert root.get("aria-label") == 'it\'s "quoted"'
    assert "x <&>" in [element.text for element in root.iter("text")]


def test_a_higher_value_is_higher_up() -> None:
    dots = [float(dot.get("cy", "nan")) for dot in drawn(plot([LINE], Axes("x", "y"), "d")).iter("circle")]
    assert dots[0] > dots[2] > dots[1]


def test_one_value_and_none_at_all() -> None:
    drawn(plot([Line([(1.0, 1.0)], "removed")], Axes("x", "y"), "d"))
    drawn(plot([Line([(0.0, 2.0), (1.0, 2.0)], "removed")], Axes("x", "y", logarithmic=True), "d"))
    assert plot([Line([], "removed")], Axes("x", "y"), "d") == ""


def test_what_a_logarithm_cannot_show_is_left_out() -> None:
    root = drawn(
        plot([Line([(0, 0.0), (1, 1.0), (2, 10.0)], "removed", dots=True)], Axes("x", "y", logarithmic=True), "d")
    )
    assert len(list(root.iter("circle"))) == 2
