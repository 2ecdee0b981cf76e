"""Coarse noise that all channels share, as film grain, which a network of colours keeps as texture.

Nothing in a frame of colours tells it from texture for certain. The grey network, which knows grey noise of every
coarseness, takes it from the mean of the channels: where that is much more than the result lost, and than what the
network of colours takes, it is said.

Source: docs/decisions/grain-of-colours.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.report.presence import middle
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Pixels

TIMES = 2.4  # what was removed, the grey network takes. Set on tuning frames: grain 2.5 to 10, other noise up to 2.1
LEAST = 0.015  # deviation of what it takes, of the values in use: fainter, and it is the grain that pictures have
TINY = 1e-6
ALIKE = 0.35  # correlation of its neighbours: finer noise the network of colours knows


@dataclass(frozen=True)
class Kept:
    """What the grey network takes from the mean of the channels: deviation, sensor units; times what was removed."""

    sigma: float
    times: float

    def in_words(self) -> str:
        """What it may be, and what to do."""
        return (
            f"coarse noise that all channels share, as film grain, may be left: of the mean of the channels a network "
            f"of grey frames takes {self.sigma:.2g} (standard deviation), {self.times:.2g} times what a network of "
            f"colours takes; it may be texture, too; if it is grain, train on a grey copy of the frame"
        )


@torch.no_grad()
def kept_by_colours(noisy: Pixels, denoised: Pixels) -> Kept | None:
    """What of coarse noise that all channels share seems to be left; None where hardly any is.

    Shape:
        noisy, denoised: (h, w) or (h, w, c), sensor units
    """
    low, high = value_span([noisy])
    if noisy.shape[2:] != (COLOURS,) or high <= low:
        return None
    rows, columns = (middle(length) for length in noisy.shape[:2])
    before, after = (pixels[rows, columns].mean(axis=2, dtype=np.float64) for pixels in (noisy, denoised))
    planes = (torch.from_numpy(to_nchw(noisy[rows, columns])) - low) / (high - low)
    grey = planes.mean(dim=1, keepdim=True)
    taken = (grey - pretrained(1)(grey))[0, 0].double().numpy()
    sigma, removed = float(taken.std()), max(float((before - after).std()) / (high - low), TINY)
    if sigma <= LEAST or sigma <= TIMES * removed or _alike(taken) <= ALIKE:
        return None  # of most frames: the network of colours need not run
    of_colours = (grey - pretrained(COLOURS)(planes).mean(dim=1, keepdim=True)).numpy()
    times = sigma / max(removed, float(of_colours.std()))
    return Kept(sigma * (high - low), times) if times > TIMES else None


def _alike(values: Doubles) -> float:
    """Correlation of neighbours, beside and below. Shape: (h, w)."""
    shared = (values[:, 1:] * values[:, :-1]).mean() + (values[1:] * values[:-1]).mean()
    return float(shared / 2 / np.square(values).mean())
