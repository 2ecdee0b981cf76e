"""What the report plots."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from zsn2m_deploy.report.removed import Histogram
from zsn2m_deploy.report.svg import Axes, Bars, Line, plot
from zsn2m_runtime.noise.facts import NoiseFacts

SMOOTHED = 9  # losses that a point of the smooth curve is the mean of


def histogram_plot(histogram: Histogram) -> str:
    """Bars of what was removed, a line of the estimated noise."""
    edges = histogram.edges
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    marks = (
        Bars(edges, [100 * share for share in histogram.removed], "removed"),
        Line([(x, 100 * share) for x, share in zip(middles, histogram.expected, strict=True)], "noise"),
    )
    return plot(marks, Axes("removed value, sensor units", "% of samples", lowest=0.0), "Histogram of what was removed")


def correlation_plot(removed: Sequence[float], expected: Sequence[float], name: str) -> str:
    """Both correlations over the distance in pixels."""
    marks = (Line([*enumerate(expected)], "noise", dots=True), Line([*enumerate(removed)], "removed", dots=True))
    return plot(marks, Axes("pixels further", "correlation", whole=True), name)


def noise_plot(noise: NoiseFacts) -> str:
    """Standard deviation over brightness."""
    points = [(point.brightness, point.sigma) for point in noise.curve]
    return plot(
        [Line(points, "noise", dots=True)],
        Axes("brightness, sensor units", "standard deviation", lowest=0.0),
        "Noise against brightness",
    )


def training_plot(losses: Sequence[float], iterations: int) -> str:
    """The loss of a stage, and its running mean."""
    step = iterations / max(1, len(losses))
    half = SMOOTHED // 2
    windows = [losses[max(0, i - half) : i + half + 1] for i in range(len(losses))]
    smooth = [(i * step, sum(window) / len(window)) for i, window in enumerate(windows)]
    marks = (Line([(i * step, loss) for i, loss in enumerate(losses)], "faint"), Line(smooth, "removed"))
    axes = Axes("step", "loss", logarithmic=min(losses, default=0.0) > 0)
    return plot(marks, axes, "Loss over the steps of training")
