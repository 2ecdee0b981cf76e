"""The two losses of a step of method adapt.

Supervised, on synthetic scenes in the frame's colours with noise drawn from the estimated model. Splitting, on the
frame itself: for a frame y = x + n and fresh noise z of the same distribution, y + a z and y - z / a are two
observations of x whose noises are uncorrelated, and independent if n is Gaussian.

Source: Pang et al., Recorrupted-to-Recorrupted, CVPR 2021; measured, docs/decisions/two-losses.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zsn2m_deploy.config.networks import SensorConfig
from zsn2m_deploy.noise.clipping import has_noise
from zsn2m_deploy.noise.draw import MOST_SKEW
from zsn2m_deploy.noise.fields import NoiseFields
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_runtime.noise.model import NoiseModel

Network = Callable[[Tensor], Tensor]

# Skewness up to which the noises of a recorrupted pair are independent enough: docs/decisions/two-losses.md.
SYMMETRIC = 0.65  # of patches
MANY_PHOTONS = 0.6  # of photons, on average
LEAST_SHOWN = 0.1  # share of crops that is not blank; crops with less of it weigh less, so that none weighs by far more


def pairs_are_independent(noise: NoiseModel, guesses: Sequence[FirstGuess]) -> bool:
    """Whether the two noises of a recorrupted pair are independent enough to learn from.

    Args:
        noise: of the frames, normalised
        guesses: crops of them, denoised by the pretrained network: photon noise is the more skewed the darker it is
    """
    least, most = float(noise.skew.min()), float(noise.skew.max())
    if noise.correlated or noise.tails or least < -SYMMETRIC or most > SYMMETRIC:
        return False
    device = guesses[0].clean.device
    line, gain = VarianceLine(noise, device), per_channel(noise.photon_gain, device)
    of_photons = [
        (gain / line(guess.clean).sqrt()).clamp_max(MOST_SKEW)[has_noise(guess.noisy, noise.ends) > 0]
        for guess in guesses
    ]
    return float(torch.cat(of_photons).mean()) <= MANY_PHOTONS  # no samples give NaN, and False


def sensor_loss(
    network: Network, frame: Tensor, scene: Tensor, prior: Network, noise: NoiseFields, config: SensorConfig
) -> Tensor:
    """The loss of one step: weight_synthetic |f(x + z) - x|^2 + weight_recorrupted |f(y + a z) - (y - z / a)|^2.

    Shape:
        frame: (b, c, h, w), crops of noisy frames y, normalised; one more channel is 0 where a frame is blank, where
            the second term counts nothing
        scene: (b, c, h, w), crops of drawn scenes x, normalised
    Args:
        prior: the pretrained network, whose result says how strong the noise z is at each pixel

    Source: the module's.
    """
    frame, shown = frame[:, : scene.shape[1]], frame[:, scene.shape[1] :]
    loss = frame.new_zeros(())
    if config.weight_synthetic:
        loss = loss + config.weight_synthetic * (network(noise.corrupt(scene)) - scene).square().mean()
    if config.weight_recorrupted:
        with torch.no_grad():
            z = noise.draw(prior(frame)) * noise.unclipped(frame)
        loss = loss + config.weight_recorrupted * recorrupted_loss(network, frame, shown, z, config.recorruption)
    return loss


def recorrupted_loss(network: Network, frame: Tensor, shown: Tensor, z: Tensor, a: float) -> Tensor:
    """The mean of |f(y + a z) - (y - z / a)|^2 over what is not blank.

    Shape:
        frame, z: (b, c, h, w), noisy crops y and fresh noise of their distribution
        shown: (b, 1, h, w), 0 where a frame is blank; (b, 0, h, w): nothing is

    Source: the module's.
    """
    error = (network(frame + a * z) - (frame - z / a)).square()
    if shown.shape[1]:
        error = error * shown / shown.mean().clamp_min(LEAST_SHOWN)
    return error.mean()
