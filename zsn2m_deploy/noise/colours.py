"""Grey noise that goes with no noise of colours: where grey texture passed for it, the pretrained network says so.

Noise is drawn from the model on the network's own result, and what the network removes of that, along the one direction
of colour that texture has, is compared with what it removed of the frame: where it is calm both are alike if the model
is right. Texture passes for much more than the network removes of it.

Source: docs/decisions/noise-of-colours.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zsn2m_deploy.noise.draw import with_fresh_noise
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_runtime.mosaic_record import COLOURS
from zsn2m_runtime.noise.colours import BASIS, quiet_rings
from zsn2m_runtime.noise.model import REACH, SHARED, Doubles, NoiseModel
from zsn2m_runtime.noise.patches import FEWEST, SIDE, STEP
from zsn2m_runtime.noise.spectrum import ring_of, spectra_of

ROUNDS = 2  # of drawing
CALM = 0.3  # quantile of the patches, by what is removed
# Of what is removed of fresh noise, where pixels share it: texture has 0.20 to 0.33, cameras 0.68 and more
TEXTURE = 0.5
DOUBT = 0.3  # of how far the network changed the correlation of channels: so much more is asked of it
LEAST = 0.1  # of the power of noise of colours is left: cameras have 0.4 and more
TINY = 1e-12
GREY, ACROSS = BASIS[0], BASIS[1:]


@dataclass(frozen=True)
class _Rest:
    """The grey noise of a model that goes with no colours.

    Shape:
        deviation: (3,), of the channels' noise; covariance: (3, 3, 9, 9); direction: (3,), of colour
    """

    deviation: Doubles
    covariance: Doubles
    direction: Doubles

    @classmethod
    def of(cls, noise: NoiseModel, levels: Doubles) -> _Rest:
        """Of noise at some brightnesses. Shape: levels: (n, 3)."""
        deviation, covariance = covariance_at(noise, levels)
        here = covariance[:, :, REACH, REACH]
        share = np.linalg.solve(ACROSS @ here @ ACROSS.T + TINY * np.eye(2), ACROSS @ here @ GREY)
        return cls(deviation, covariance, GREY - share @ ACROSS)

    def left(self, noise: NoiseModel, share: Doubles) -> NoiseModel:
        """The noise where so much of the rest is left at each ring of frequencies. Shape: share: (rings,)."""
        around = np.zeros((SIDE, SIDE))
        around[: 2 * REACH + 1, : 2 * REACH + 1] = np.einsum(
            "i,ijyx,j->yx", self.direction, self.covariance, self.direction
        )
        power = np.fft.fft2(np.roll(around, (-REACH, -REACH), (0, 1))).real.clip(0)
        here = self.covariance[:, :, REACH, REACH]
        least = LEAST * float(np.trace(ACROSS @ here @ ACROSS.T)) / 2
        of_each = share[ring_of(SIDE)]
        of_each = np.minimum(of_each * max(least / max(float((power * of_each).mean()), TINY), 1), 1)
        gone = np.roll(np.fft.ifft2(power * (1 - of_each)).real, (REACH, REACH), (0, 1))
        gone = gone[: 2 * REACH + 1, : 2 * REACH + 1]
        covariance = self.covariance - np.outer(GREY, GREY)[:, :, None, None] * gone
        variance = np.einsum("iiyx->iyx", covariance)[:, REACH, REACH]
        factor = variance / np.square(self.deviation)
        return replace(
            noise,
            correlation=covariance / np.sqrt(variance[:, None] * variance)[:, :, None, None],
            slope=noise.slope * factor,
            floor=noise.floor * factor,
        )


def covariance_at(noise: NoiseModel, levels: npt.NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Deviation of each channel, (c,), and covariance of channels and near pixels, (c, c, 9, 9), at levels, (n, c)."""
    deviation = np.sqrt(noise.variance(levels).mean(axis=0))
    return deviation, noise.correlation * (deviation[:, None] * deviation)[:, :, None, None]


@torch.no_grad()
def without_grey_texture(
    noise: NoiseModel, network: Callable[[Tensor], Tensor], guesses: Sequence[FirstGuess], seed: int
) -> NoiseModel:
    """Noise of three channels with no more grey in it than the network removes; independent where hardly any is shared.

    The same noise of grey frames, and where pixels share it and what is removed is near what it says.

    Args:
        network: that made the guesses
    """
    if noise.channels != COLOURS or all(bool((guess.noisy == guess.noisy[:, :1]).all()) for guess in guesses):
        return noise
    if any(min(guess.noisy.shape[2:]) < SIDE for guess in guesses):  # crops of the smallest frames have no patch
        return noise
    rng, found = np.random.default_rng(seed), noise
    levels = np.concatenate([guess.levels().double().cpu().numpy() for guess in guesses])
    for turn in range(ROUNDS):
        rest = _Rest.of(found, levels)
        frame, fresh = _removed(found, rest.direction, network, guesses, rng)
        if len(frame) < FEWEST:
            return noise
        if turn == 0 and noise.correlated and _calm(frame) > TEXTURE * _calm(fresh):
            return noise
        ratio = quiet_rings(spectra_of(frame)[..., 0]) / np.maximum(quiet_rings(spectra_of(fresh)[..., 0]), TINY)
        # texture is coarse, so no more is left of coarser noise
        found = rest.left(found, np.minimum.accumulate(ratio.clip(0, 1)[::-1])[::-1])
    changed = float(np.abs(found.between - noise.between).max())
    told = float(np.abs(found.between - np.eye(COLOURS)).max()) > SHARED + DOUBT * changed
    return found if found.correlated or told else noise.without_correlation()


def _removed(
    noise: NoiseModel,
    direction: Doubles,
    network: Callable[[Tensor], Tensor],
    guesses: Sequence[FirstGuess],
    rng: np.random.Generator,
) -> tuple[Doubles, Doubles]:
    """Patches of what is removed of the frames and of fresh noise, one channel, over the deviation expected there.

    Shape:
        returns: (n, 16, 16, 1) each
    """
    found: tuple[list[Doubles], list[Doubles]] = ([], [])
    for guess in guesses:
        fresh = with_fresh_noise(noise, guess.clean, rng)
        deviation = np.sqrt(noise.variance(guess.clean.movedim(1, 3).cpu().numpy()).mean(axis=3))
        blank = np.zeros(deviation.shape, bool) if guess.shown is None else guess.shown[:, 0].cpu().numpy() == 0
        shown = ~_windows(blank).any(axis=(1, 2))
        for part, gone in zip(found, (guess.noisy - guess.clean, fresh - network(fresh)), strict=True):
            grey = gone.double().movedim(1, 3).cpu().numpy() @ direction / deviation
            part.append(_windows(grey)[shown][..., None])
    frame, drawn_there = map(np.concatenate, found)
    return frame, drawn_there


def _windows(planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Shape: (b, h, w) -> (n, 16, 16)."""
    windows = np.lib.stride_tricks.sliding_window_view(planes, (SIDE, SIDE), axis=(1, 2))[:, ::STEP, ::STEP]
    return windows.reshape(-1, SIDE, SIDE)


def _calm(patches: Doubles) -> float:
    """Power that is removed from calm patches. Shape: (n, side, side, 1)."""
    return float(np.quantile(np.square(patches).mean(axis=(1, 2, 3)), CALM))
