"""Fixed-pattern noise: an offset of each pixel that all frames of a sensor have. Found in several frames, and removed.

What a denoiser takes from frames of different scenes has nothing in common but that pattern: the covariance of its mean
over half of the frames with that over the others is the pattern's power. Of a scene that stands still, detail would be
taken for it, so nothing is looked for there. Measured: docs/decisions/fixed-pattern-noise.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Mask, Pixels

MOST_FRAMES = 32  # that are looked at, evenly spaced
FEW, LOOKED_AT = 8, 256  # frames, and pixels of the sides of their centres, that say whether there is a pattern
BLOCK = 8  # pixels; means of such blocks say whether two scenes are the same
SAME = 0.3  # correlation of their steps, above which they are; 0.13 at most of Kodak24's
WORTH = 0.15  # deviation of the pattern, over that of the noise beside it


class FixedPattern(NamedTuple):
    """The offsets of a sensor's pixels.

    pattern: as a frame, sensor units, with the least error that so many frames leave
    sigma: standard deviation of the true offsets
    of_others: for each frame, what the others tell of the pattern: in the mean of all, its own noise would go in part
    """

    pattern: Pixels
    sigma: float
    of_others: list[Pixels]

    def without(self, places: Mask) -> FixedPattern:
        """The same with no offset at places of the frame."""
        kept = ~places
        return FixedPattern(self.pattern * kept, self.sigma, [pattern * kept for pattern in self.of_others])


class FixedPatternCorrection(nn.Module):
    """Takes a fixed pattern from frames of its own size; leaves others as they are.

    Shape:
        forward: (n, c, h, w), in the pattern's units -> the same
        pattern: (c, h, w)
    """

    def __init__(self, pattern: Tensor) -> None:
        super().__init__()
        self.pattern = nn.Buffer(pattern)

    def forward(self, noisy: Tensor) -> Tensor:
        """Correct frames."""
        found: Tensor = self.pattern
        for axis in (1, 2):
            size = noisy.shape[axis + 1]
            places = torch.arange(size, device=noisy.device)
            # Compared as a tensor: of numbers the ONNX exporter would take the outcome for a constant.
            fits = (torch.full((1,), size, device=noisy.device) == found.shape[axis]).to(noisy.dtype)
            found = found.index_select(axis, places.clamp(0, found.shape[axis] - 1)) * fits
        return noisy - found


def find_fixed_pattern(frames: Sequence[Pixels], denoise: Callable[[Pixels], Pixels]) -> FixedPattern | None:
    """The pattern that frames of different scenes share; None: not worth a word, or not to be told.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, finite
        denoise: as a frame -> the same
    """
    if len({frame.shape for frame in frames}) > 1:
        return None
    chosen = _of_different_scenes(frames)
    height, width = frames[0].shape[:2]
    top, left = max(0, (height - LOOKED_AT) // 2), max(0, (width - LOOKED_AT) // 2)
    crops = [frames[place][top : top + LOOKED_AT, left : left + LOOKED_AT] for place in chosen[:FEW]]
    if len(chosen) < 2 or _shared(crops, denoise) is None:  # the whole frames take minutes
        return None
    found = _shared([frames[place] for place in chosen], denoise)
    if found is None:
        return None
    of_chosen = dict(zip(chosen, found.of_others, strict=True))
    return found._replace(of_others=[of_chosen.get(place, found.pattern) for place in range(len(frames))])


def _of_different_scenes(frames: Sequence[Pixels]) -> list[int]:
    """Places of frames of which no two are of one scene."""
    chosen: list[int] = []
    steps: list[Doubles] = []
    for place in np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).astype(int).tolist():
        found = _steps(frames[place])
        if all(float(np.corrcoef(found, other)[0, 1]) <= SAME for other in steps):
            chosen.append(place)
            steps.append(found)
    return chosen


def _shared(frames: Sequence[Pixels], denoise: Callable[[Pixels], Pixels]) -> FixedPattern | None:
    """What is removed of all frames, shrunk to the least error; None if too little."""
    removed = [np.asarray(frame - denoise(frame), np.float32) for frame in frames]
    removed = [noise - noise.mean(axis=(0, 1)) for noise in removed]
    half = len(removed) // 2
    power = float((np.mean(removed[:half], axis=0) * np.mean(removed[half:], axis=0)).mean())
    alone = float(np.mean([np.square(noise).mean() for noise in removed])) - power  # of the noise beside the pattern
    if power <= WORTH**2 * alone:
        return None
    total = np.sum(removed, axis=0)

    def told(together: Pixels, count: int) -> Pixels:
        return np.asarray(together * (power / (count * power + alone)), np.float32)

    of_others = [told(total - noise, len(removed) - 1) for noise in removed]
    return FixedPattern(told(total, len(removed)), math.sqrt(power), of_others)


def _steps(frame: Pixels) -> Doubles:
    """Steps between the means of blocks, (n,)."""
    means = block_means(frame.reshape(*frame.shape[:2], -1), BLOCK)
    return np.concatenate([np.diff(means, axis=axis).ravel() for axis in (0, 1)])
