"""The sensor stage: the pretrained SensorNet learns one sensor's noise, and what its frames look like.

Two losses a step. One is on synthetic scenes in the frame's colours with noise drawn from the estimated model: it knows
no image, so it cannot learn one by heart. The other is on the frame itself, from a recorrupted pair: for noise n and a
fresh z of the same distribution, y + a z and y - z / a see the same clean image with noises that share nothing.

Source: Pang et al., Recorrupted-to-Recorrupted, CVPR 2021; measured, docs/decisions/two-losses.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zsn2m_deploy.config import SensorConfig
from zsn2m_deploy.noise.clipping import has_noise
from zsn2m_deploy.noise.draw import MOST_SKEW, photon_gain
from zsn2m_deploy.noise.fields import NoiseFields
from zsn2m_deploy.noise.refine import FirstGuess
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_runtime.noise.model import NoiseModel

Network = Callable[[Tensor], Tensor]

SYMMETRIC = 0.65  # skewness of patches up to which the noises of a recorrupted pair share little; measured
MANY_PHOTONS = 0.6  # mean skewness of photons up to which they do; measured
LEAST_SHOWN = 0.1  # share of crops that are not blank: fewer count less


def pairs_are_independent(noise: NoiseModel, guesses: Sequence[FirstGuess]) -> bool:
    """Whether recorrupted pairs of noise of this kind, in frames looked at, share little enough to learn from."""
    least, most = float(noise.skew.min()), float(noise.skew.max())
    if noise.correlated or least < -SYMMETRIC or most > SYMMETRIC:
        return False
    device = guesses[0].clean.device
    line, gain = VarianceLine(noise, device), per_channel(photon_gain(noise), device)
    of_photons = [
        (gain / line(guess.clean).sqrt()).clamp_max(MOST_SKEW)[has_noise(guess.noisy, noise.ends) > 0]
        for guess in guesses
    ]
    return float(torch.cat(of_photons).mean()) <= MANY_PHOTONS  # without samples: no


def sensor_loss(
    network: Network, frame: Tensor, scene: Tensor, clean: Network, noise: NoiseFields, config: SensorConfig
) -> Tensor:
    """The loss of one step.

    Shape:
        frame, scene: (b, c, h, w), crops of noisy frames and of clean synthetic scenes, normalised; one more channel of
            a frame is 0 where it is blank, which is not learned from
    Args:
        clean: a first guess of the clean frame, which says how strong the noise is where
    """
    frame, shown = frame[:, : scene.shape[1]], frame[:, scene.shape[1] :]
    loss = frame.new_zeros(())
    if config.weight_synthetic:
        loss = loss + config.weight_synthetic * (network(noise.corrupt(scene)) - scene).square().mean()
    if config.weight_recorrupted:
        with torch.no_grad():
            z = noise.draw(clean(frame)) * noise.unclipped(frame)
        noisier, target = frame + config.recorruption * z, frame - z / config.recorruption
        error = (network(noisier) - target).square()
        if shown.shape[1]:
            error = error * shown / shown.mean().clamp_min(LEAST_SHOWN)
        loss = loss + config.weight_recorrupted * error.mean()
    return loss
