"""Noise that all channels share and that is alike from pixel to pixel, as film grain or what is left of chroma noise.

A network of colours keeps it as texture, and in patches of colours texture hides it. The mean of the channels is a grey
frame, whose noise the grey network knows: what that takes there, much more than the network of colours does, may be
grain.

Source: docs/decisions/grain-of-colours.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zsn2m_deploy.noise.colours import covariance_at
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel

TIMES = 2.4  # what the others remove, the grey network takes. Grain 2.5 to 10, other noise up to 1.4, texture to 2.1
LEAST = 0.015  # deviation of what it takes, of the values in use: fainter, and it is the grain that pictures have
TINY = 1e-6
ALIKE = 0.35  # correlation of its neighbours: finer noise the network of colours knows
LOOKED_AT = 2  # guesses that say whether there is any

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Taken:
    """What the grey network takes from means of channels. Shape: each (n, h, w), normalised; of several sizes."""

    grey: tuple[Doubles, ...]

    @classmethod
    @torch.no_grad()
    def of(cls, means: Sequence[Tensor], grey: Network) -> Taken:
        """Of the means of channels, each (n, 1, h, w)."""
        return cls(tuple((mean - grey(mean))[:, 0].double().cpu().numpy() for mean in means))

    @property
    def sigma(self) -> float:
        """Its standard deviation."""
        return float(np.concatenate([part.ravel() for part in self.grey]).std())

    @property
    def alike(self) -> float:
        """Correlation of neighbours, beside and below."""
        shared = sum(
            ((part[:, :, 1:] * part[:, :, :-1]).mean() + (part[:, 1:] * part[:, :-1]).mean()) / 2 * part.size
            for part in self.grey
        )
        return float(shared / sum(np.square(part).sum() for part in self.grey))

    def is_grain(self, removed: float) -> bool:
        """Whether it may be grain, where others take so much from the mean (standard deviation)."""
        return self.sigma > LEAST and self.sigma > TIMES * max(removed, TINY) and self.alike > ALIKE


def has_grain(guesses: Sequence[FirstGuess], grey: Network) -> bool:
    """Whether the grey network takes grain from crops of three channels that the network which guessed keeps.

    Args:
        grey: the pretrained network of grey frames
    """
    looked = guesses[:LOOKED_AT]
    taken = Taken.of([_shown(guess, guess.noisy) for guess in looked], grey)
    removed = torch.cat([_shown(guess, guess.noisy - guess.clean).flatten() for guess in looked])
    return taken.is_grain(float(removed.std()))


def guessed_with(grey: Network, guesses: Sequence[FirstGuess]) -> list[FirstGuess]:
    """Guesses whose means of the channels are the grey network's."""
    found = []
    for guess in guesses:
        with torch.no_grad():
            mean = grey(guess.noisy.mean(dim=1, keepdim=True))
        found.append(guess._replace(clean=guess.clean - guess.clean.mean(dim=1, keepdim=True) + mean))
    return found


def with_grain(noise: NoiseModel, grain: NoiseModel, levels: Doubles) -> NoiseModel:
    """Noise whose mean over the channels is grain, and whose differences of colours are as they were.

    Shape:
        levels: (n, 3), brightnesses of the frame
    Args:
        grain: noise of the mean of the channels, of one channel
    """
    deviation, covariance = covariance_at(noise, levels)
    across = np.eye(COLOURS) - 1 / COLOURS  # takes grey out
    covariance = np.einsum("ia,abyx,jb->ijyx", across, covariance, across)
    of_colours = np.einsum("iiyx->iyx", covariance)[:, REACH, REACH]
    covariance = covariance + grain.variance(levels.mean(axis=1, keepdims=True)).mean() * grain.correlation[0, 0]
    variance = np.einsum("iiyx->iyx", covariance)[:, REACH, REACH]
    share = of_colours / np.maximum(np.square(deviation), TINY**2)
    return replace(
        noise,
        correlation=covariance / np.sqrt(variance[:, None] * variance)[:, :, None, None],
        slope=noise.slope * share + grain.slope,
        floor=noise.floor * share + grain.floor,
        skew=grain.skew,
        skew_error=grain.skew_error,
        tails=grain.tails,
        kurtosis=grain.kurtosis,
    )


def of_mean(noise: NoiseModel, levels: npt.NDArray[Any]) -> NoiseModel:
    """The noise of the mean of the channels, of one channel.

    Shape:
        levels: (n, 3), brightnesses of the frame
    """
    deviation, covariance = covariance_at(noise, levels)
    mean = covariance.mean(axis=(0, 1))
    share = mean[REACH, REACH] / np.square(deviation).mean()
    return replace(
        noise,
        correlation=(mean / mean[REACH, REACH])[None, None],
        slope=share * noise.slope.mean(keepdims=True),
        floor=share * noise.floor.mean(keepdims=True),
        skew=noise.skew.mean(keepdims=True),
        skew_error=noise.skew_error.mean(keepdims=True),
    )


def _shown(guess: FirstGuess, planes: Tensor) -> Tensor:
    """The mean of the channels, 0 where a frame is blank. Shape: (b, 3, h, w) -> (b, 1, h, w)."""
    mean = planes.mean(dim=1, keepdim=True)
    return mean if guess.shown is None else mean * guess.shown
