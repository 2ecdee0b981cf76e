"""What is seen of one frame, to compare it with others: its noise, brightness and detail.

At most 256 x 256 pixels are looked at. Measured: docs/results/cross-frame.md#familiarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.blank.areas import filled
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel
from zsn2m_runtime.noise.patches import SIDE
from zsn2m_runtime.sample_types import Mask, Pixels, is_whole

MOST_PIXELS = 256**2  # of a frame that are looked at; measured, docs/results/cross-frame.md#familiarity
TILE = 64  # pixels; of larger frames, tiles of so many are looked at, evenly spaced
BLOCK = 4  # pixels of a block, whose mean says brightness and whose halves and quarters say detail
TEXTURED = 0.9  # quantile of the patches' detail: that of the tenth that has most
CALM = 0.25  # quantile of the patches' detail that is noise alone where a frame has flat places
BUSY = 1.5  # detail of the calm ones in units of the noise: more, and the frame is nowhere flat
ROUNDING = 1 / 12  # variance that rounding to whole numbers adds; below, noise of them counts as so much


@dataclass(frozen=True)
class FrameStats:
    """What is seen of one frame.

    Shape:
        blocks: (n, c), mean of each block
        level, detail: (m, c), of each patch; detail has the variance of white noise where there is noise alone
    """

    noise: NoiseModel
    blocks: Doubles
    level: Doubles
    detail: Doubles
    rounding: float  # variance that whole numbers add; 0 for others


def measure(frame: Pixels, blank: Mask | None = None) -> FrameStats:
    """Look at one frame.

    Shape:
        frame: (h, w) or (h, w, 3), sensor units, at least 16 x 16
        blank: (h, w), what is not looked at; None: nothing
    Raises:
        InputError: frame too small, or blank all over.
    """
    sample = _sampled(frame.reshape(*frame.shape[:2], -1))
    hidden = None if blank is None else _sampled(blank[..., None])[..., 0]
    rounding = ROUNDING if is_whole(sample.dtype) else 0.0
    if hidden is None or not hidden.any():
        return FrameStats(estimate_noise([sample], [None]), *_blocks(sample.astype(np.float32)), rounding)
    noise = estimate_noise([sample], [hidden])
    return FrameStats(noise, *_shown(_blocks(filled(sample, hidden).astype(np.float32)), hidden), rounding)


def _sampled(frame: Pixels) -> Pixels:
    """The frame itself, or evenly spaced tiles of it put together, with at most about MOST_PIXELS."""
    height, width = frame.shape[:2]
    if height * width <= MOST_PIXELS:
        return frame
    high, wide = min(TILE, height), min(TILE, width)
    count = MOST_PIXELS // (high * wide)
    across = min(max(2, round((count * width / height) ** 0.5)), count // 2, width // wide)
    down = min(count // across, height // high)
    rows, columns = _places(height, high, down), _places(width, wide, across)
    return np.asarray(frame[np.ix_(rows, columns)])


def _places(length: int, side: int, count: int) -> npt.NDArray[np.int64]:
    """Rows (or columns) of so many tiles, from the first to the last; one is in the middle."""
    free = length - side
    starts = np.linspace(0, free, count, dtype=np.int64) if count > 1 else np.array([free // 2])
    return (starts[:, None] + np.arange(side)).ravel()


def _blocks(frame: npt.NDArray[np.float32]) -> tuple[Doubles, Doubles, Doubles]:
    """Blocks, level and detail."""
    height, width = (side // SIDE * SIDE for side in frame.shape[:2])
    quarters = block_means(frame[:height, :width], BLOCK // 2)
    a, b, c, d = (quarters[row::2, column::2] for row in (0, 1) for column in (0, 1))
    detail = (np.square(a + b - c - d) + np.square(a - b + c - d)) / 2
    blocks = (a + b + c + d) / 4
    channels = frame.shape[2]
    level, patches = (block_means(values, SIDE // BLOCK).reshape(-1, channels) for values in (blocks, detail))
    return blocks.reshape(-1, channels), level, patches


def _shown(found: tuple[Doubles, Doubles, Doubles], blank: Mask) -> tuple[Doubles, Doubles, Doubles]:
    """What `_blocks` found where nothing is blank; of a frame with blank spots all over, everywhere."""
    height, width = (side // SIDE * SIDE for side in blank.shape)
    share = blank[:height, :width, None].astype(np.float32)
    blocks, patches = (block_means(share, side).ravel() == 0 for side in (BLOCK, SIDE))
    if not (blocks.any() and patches.any()):
        return found
    return found[0][blocks], found[1][patches], found[2][patches]


def block_means(values: npt.NDArray[np.floating], side: int) -> Doubles:
    """Means of whole blocks. Shape: (h, w, c) -> (h / side, w / side, c)."""
    height, width = (length // side * side for length in values.shape[:2])
    blocks = values[:height, :width].reshape(height // side, side, width // side, side, -1)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def strength(stats: FrameStats, trained: NoiseModel, least: float) -> tuple[float, float]:
    """The noise of a frame over that expected at its brightness, and the latter, as standard deviations."""
    expected, own = (np.maximum(model.variance(stats.level), least).mean() for model in (trained, stats.noise))
    return float(np.sqrt(own / expected)), float(np.sqrt(expected))


def texture(stats: FrameStats, trained: NoiseModel, least: float) -> float:
    """Detail of the patches that have most, without the frame's own noise; in units of the variance expected."""
    expected = np.maximum(trained.variance(stats.level), least)
    excess = ((stats.detail - _own_detail(stats, least)) / expected).mean(axis=1)
    return max(0.0, float(np.quantile(excess, TEXTURED)))


def is_busy(stats: FrameStats, least: float) -> bool:
    """Whether a frame is nowhere flat: then its texture passes for noise."""
    relative = (stats.detail / _own_detail(stats, least)).mean(axis=1)
    return bool(np.quantile(relative, CALM) > BUSY)


def _own_detail(stats: FrameStats, least: float) -> Doubles:
    """The detail that the frame's own noise makes. Shape: (m, c)."""
    own = np.einsum("iiyx->yx", stats.noise.correlation) / stats.noise.channels
    near = own[REACH - BLOCK + 1 : REACH + BLOCK, REACH - BLOCK + 1 : REACH + BLOCK]
    halves, whole = np.repeat((1.0, -1.0), BLOCK // 2), np.ones(BLOCK)
    pattern = np.outer(np.correlate(halves, halves, "full"), np.correlate(whole, whole, "full")) / BLOCK**2
    share = max(0.0, float((near * (pattern + pattern.T) / 2).sum()))  # 1 for white noise
    return np.maximum(stats.noise.variance(stats.level) * share, least)
