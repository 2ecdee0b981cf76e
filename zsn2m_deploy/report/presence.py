"""Has the frame any noise? What the pretrained network, which was taught every level, takes for noise in it says so.

Of a frame without noise an estimate finds its texture and shading. The network finds hardly any of that noise, or what
it removes is as alike from pixel to pixel as no noise is, or alike and not everywhere; of real noise it removes three
quarters and more, everywhere.

Set on the tuning half of docs/results/verdicts.md#verdicts, where frames that a camera processed come nearest: 0.2 of
the estimate, a likeness of 0.62, 2.4 times as much in some places as in others.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.familiarity import block_means
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Pixels, is_whole

SIDE = 256  # pixels of the centre that the network looks at
OF_ROUNDING = 0.4  # whole numbers: rounding alone is a noise of 0.29
LEAST_TAKEN = 0.12  # of the estimated deviation
MOST_ALIKE = 0.67  # correlation of what is removed with its neighbours, beside and below
ALIKE, UNEVEN = 0.45, 3.0  # or that much, and deviations of a tenth of the places over those of another
TINY = 1e-6
BLOCK = 16  # pixels of a place


def has_noise(frame: Pixels, model: NoiseModel) -> bool:
    """Whether a frame has noise that is worth the word.

    Shape:
        frame: (h, w) or (h, w, 3), sensor units
    """
    low, high = value_span([frame])
    if high <= low:
        return False
    rows, columns = (_middle(side) for side in frame.shape[:2])
    planes = (torch.from_numpy(to_nchw(frame[rows, columns])) - low) / (high - low)
    with torch.no_grad():
        taken = (planes - pretrained(planes.shape[1])(planes))[0].numpy().astype(np.float64)
    power = float(np.square(taken).mean())
    if is_whole(frame.dtype) and max(math.sqrt(power) * (high - low), model.sigma([frame])) < OF_ROUNDING:
        return False
    if math.sqrt(power) * (high - low) < LEAST_TAKEN * model.sigma([frame]):
        return False
    beside = float((taken[..., 1:] * taken[..., :-1]).mean()) / power
    below = float((taken[..., 1:, :] * taken[..., :-1, :]).mean()) / power
    alike = (beside + below) / 2
    return min(beside, below) <= MOST_ALIKE and not (alike > ALIKE and _unevenness(taken) > UNEVEN)


def _middle(length: int) -> slice:
    """Of rows or columns, as many as the network's stride divides."""
    side = min(SIDE, length) // SensorNet.stride * SensorNet.stride
    return slice((length - side) // 2, (length - side) // 2 + side)


def _unevenness(taken: Doubles) -> float:
    """Deviations where most is removed over those where least is. Shape: (c, h, w)."""
    power = block_means(np.square(taken).transpose(1, 2, 0), min(BLOCK, *taken.shape[1:])).mean(axis=2)
    least, most = np.quantile(power, (0.1, 0.9))
    return math.sqrt(float(most / max(least, TINY * most)))
