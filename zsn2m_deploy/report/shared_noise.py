"""Coarse noise that all channels share, as film grain, which a network of colours keeps as texture.

Nothing in a frame of colours tells it from texture for certain. The grey network, which knows grey noise of every
coarseness, takes it from the mean of the channels: where that is much more than the result lost, and than what the
network of colours takes, it is said. Of frames in which the network of colours finds no noise the grey one is asked.

Source: docs/decisions/grain-of-colours.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.fit.device import on_cpu
from zsn2m_deploy.noise.grain import LEAST, Taken, of_mean
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.report.presence import middle, presence_of
from zsn2m_deploy.report.words import Presence
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels


@dataclass(frozen=True)
class Kept:
    """What the grey network takes from the mean of the channels: deviation, sensor units; times what was removed."""

    sigma: float
    times: float

    def in_words(self, adapts: bool) -> str:
        """What it may be, and what to do; adapts: whether the result is that of method adapt."""
        train = "with --preset default" if adapts else "without --method"
        return (
            f"coarse noise that all channels share, as film grain, may be left: of the mean of the channels a network "
            f"of grey frames takes {self.sigma:.2g} (standard deviation), {self.times:.2g} times what a network of "
            f"colours takes; it may be texture, too; if it is grain, train {train}, or, if that leaves it, on a "
            f"grey copy of the frame"
        )


@torch.no_grad()
def taken_of_mean(frame: Pixels) -> Taken | None:
    """What the grey network takes from the mean of the channels in the middle of a frame; None: it has no colours.

    Shape:
        frame: (h, w) or (h, w, c), sensor units
    """
    low, high = value_span([frame])
    if frame.shape[2:] != (COLOURS,) or high <= low:
        return None
    return Taken.of([_normalised(frame, low, high).mean(dim=1, keepdim=True)], on_cpu(pretrained(1)))


def presence_in_mean(frame: Pixels, noise: NoiseModel, taken: Taken | None) -> Presence:
    """Whether the mean of the channels has noise, of frames in which the network of colours finds none.

    None too where channels share hardly any, or where it is faint.

    Shape:
        frame: (h, w) or (h, w, c), sensor units
    Args:
        taken: as `taken_of_mean`
    """
    if taken is None or not (noise.shared and noise.correlated) or taken.sigma <= LEAST:
        return Presence.NONE
    return presence_of(frame.mean(axis=2, dtype=np.float64), of_mean(noise, frame.reshape(-1, COLOURS)))


@torch.no_grad()
def kept_by_colours(noisy: Pixels, denoised: Pixels, taken: Taken | None) -> Kept | None:
    """What of coarse noise that all channels share seems to be left; None where hardly any is.

    Shape:
        noisy, denoised: (h, w) or (h, w, c), sensor units
    Args:
        taken: as `taken_of_mean` of noisy
    """
    if taken is None:
        return None
    low, high = value_span([noisy])
    before, after = (_middle_of(pixels).mean(axis=2, dtype=np.float64) for pixels in (noisy, denoised))
    removed = float((before - after).std()) / (high - low)
    if not taken.is_grain(removed):
        return None  # of most frames: the network of colours need not run
    planes = _normalised(noisy, low, high)
    means = planes.mean(dim=1, keepdim=True)
    of_colours = float((means - on_cpu(pretrained(COLOURS))(planes).mean(dim=1, keepdim=True)).std())
    most = max(removed, of_colours)
    return Kept(taken.sigma * (high - low), taken.sigma / most) if taken.is_grain(most) else None


def _middle_of(frame: Pixels) -> Pixels:
    rows, columns = (middle(length) for length in frame.shape[:2])
    return frame[rows, columns]


def _normalised(frame: Pixels, low: float, high: float) -> Tensor:
    """The middle of a frame where values in use go from 0 to 1. Shape: (h, w, c) -> (1, c, h, w)."""
    return (torch.from_numpy(to_nchw(_middle_of(frame))) - low) / (high - low)
