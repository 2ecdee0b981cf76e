"""What a noisy frame says about its sensor: noise level, and the values that it really uses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zsn2m_runtime.sample_types import Pixels

# Median absolute deviation of a normal distribution in units of its standard deviation.
MAD_OF_NORMAL = 0.6744897501960817
_MAX_SAMPLES = 1_000_000  # values looked at per frame: percentiles to about 0.01 % in milliseconds
_TAIL_PERCENT = 0.1  # of the values at either end may be hot pixels or glints


def estimate_sigma(pixels: Pixels) -> float:
    """Standard deviation of the noise, in sensor units, averaged over the channels.

    The median absolute value of the finest diagonal Haar coefficients; exact for white Gaussian noise, too low
    for spatially correlated noise.

    Shape:
        pixels: (h, w) or (h, w, 3)
        returns: 0 for frames below 2 x 2

    Source: Donoho and Johnstone, Biometrika 1994.
    """
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    if min(height, width) < 2:
        return 0.0
    step = 2 * max(1, round((height * width / _MAX_SAMPLES) ** 0.5))
    blocks = [pixels[row:height:step, column:width:step].astype(np.float32) for row in (0, 1) for column in (0, 1)]
    detail = (blocks[0] - blocks[1] - blocks[2] + blocks[3]) / 2
    planes = detail.reshape(-1, 1 if pixels.ndim == 2 else 3)
    return float(np.mean(np.median(np.abs(planes), axis=0)) / MAD_OF_NORMAL)


def value_span(frames: Sequence[Pixels]) -> tuple[float, float]:
    """Lowest and highest value in use, robust to hot pixels: the 0.1 and 99.9 percentiles over all frames.

    Shape:
        frames: each (h, w) or (h, w, 3)
        returns: (low, high) in sensor units
    """
    samples = []
    for frame in frames:
        step = max(1, round((frame.size / _MAX_SAMPLES) ** 0.5))
        samples.append(frame[::step, ::step].astype(np.float32).ravel())
    low, high = np.percentile(np.concatenate(samples), (_TAIL_PERCENT, 100 - _TAIL_PERCENT))
    return float(low), float(high)
