"""The sensor stage: the pretrained SensorNet learns one sensor's noise, and what its frames look like.

Two losses a step. One is on synthetic scenes in the frame's colours with noise drawn from the estimated model: it knows
no image, so it cannot learn one by heart. The other is on the frame itself, from a recorrupted pair: for noise n and a
fresh z of the same distribution, y + a z and y - z / a see the same clean image with noises that share nothing.

Source: Pang et al., Recorrupted-to-Recorrupted, CVPR 2021; measured, docs/decisions/two-losses.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.config import REAL_STRENGTH, SCENE_SIDE, SYNTHETIC_STRENGTH, SensorConfig
from zsn2m_deploy.noise.clipping import clipped, has_noise
from zsn2m_deploy.noise.draw import MOST_SKEW, curve_skewness, photon_gain, unit_noise, with_skewness
from zsn2m_deploy.noise.refine import Look
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_deploy.pretrain.scenes import dead_leaves
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.tails import bend_of, curved

Network = Callable[[Tensor], Tensor]

FIELD_SIDE = 256  # pixels of a field of unit noise, which wraps around
FIELDS = 16
PALETTE_SIZE = 4096
STRENGTH_POWER = 0.3
SYMMETRIC = 0.65  # skewness of patches up to which the noises of a recorrupted pair share little; measured
MANY_PHOTONS = 0.6  # mean skewness of photons up to which they do; measured
LEAST_SHOWN = 0.1  # share of crops that are not blank: fewer count less
CORRELATED_STRENGTHS = (1.3, 2.5)  # times the estimate, for correlated noise: flat places hold less of it; measured


class NoiseFields:
    """Draws noise of a model: pieces of fields drawn once, wrapped around at random.

    Args:
        model: of normalised frames
        stronger: by this factor
        seed: of the fields
        generator: on the CPU, for the pieces
    """

    def __init__(
        self, model: NoiseModel, stronger: float, seed: int, device: torch.device, generator: torch.Generator
    ) -> None:
        rng = np.random.default_rng(seed)
        fields = np.stack([unit_noise(model, (FIELD_SIDE, FIELD_SIDE), rng) for _ in range(FIELDS)])
        bends = [bend_of(skew) for skew in curve_skewness(model)]
        bent = np.stack([curved(fields[..., channel], bend) for channel, bend in enumerate(bends)], axis=-1)
        self._symmetric, self._curved = (
            torch.from_numpy(drawn.astype(np.float32)).movedim(3, 1).to(device) for drawn in (fields, bent)
        )
        self._variance = VarianceLine(model, device, stronger**2)
        self._stronger = stronger
        self._gain = per_channel(stronger * photon_gain(model), device)
        self._ends = model.ends
        self._strengths = CORRELATED_STRENGTHS if model.correlated else (1.0, 1.0)
        self._generator = generator

    def noise(self, clean: Tensor) -> Tensor:
        """Symmetric noise for clean crops, as strong as clipping leaves it.

        Shape:
            clean: (b, c, h, w), h and w at most 256
            returns: the same
        """
        variance = self._variance(clean)
        left = clipped(clean, self._stronger * self._gain, variance, self._ends).variance
        return self._units(clean, self._symmetric) * (variance * left).sqrt()

    def noisy(self, clean: Tensor) -> Tensor:
        """Crops as the sensor gives them: skewed by its tone curve or by few photons, and clipped.

        Shape:
            clean: (b, c, h, w), h and w at most 256
            returns: the same
        """
        factors = [self._factor() for _ in clean]
        factor = clean.new_tensor(factors).view(-1, 1, 1, 1)
        deviation = self._variance(clean).sqrt()
        skewed = with_skewness(self._units(clean, self._curved), self._gain / deviation)
        return (clean + factor * deviation * skewed).clamp(*self._ends)

    def present(self, noisy: Tensor) -> Tensor:
        """1 where crops have noise, 0 where all samples around are at an end. Shape: (b, c, h, w) -> the same."""
        return has_noise(noisy, self._ends)

    def _units(self, clean: Tensor, fields: Tensor) -> Tensor:
        height, width = clean.shape[-2:]
        drawn = []
        for _ in range(len(clean)):
            field, top, left = (self._draw(end) for end in (FIELDS, FIELD_SIDE, FIELD_SIDE))
            turned = fields[field].roll((-top, -left), (1, 2))
            drawn.append(turned[:, :height, :width])
        return torch.stack(drawn)

    def _factor(self) -> float:
        least, most = self._strengths
        if least == most:
            return least
        return float(least * (most / least) ** float(torch.rand(1, generator=self._generator)))

    def _draw(self, end: int) -> int:
        return int(torch.randint(end, (1,), generator=self._generator))


def noise_factor(strength: float) -> float:
    """How many times as strong as estimated the noise is taken for: more is smoother.

    1 from strength 1 to 10, the paper's values for synthetic and for real noise, for here the noise is known; 2 at 100,
    one half at 0.1.
    """
    beyond = strength / min(max(strength, SYNTHETIC_STRENGTH), REAL_STRENGTH)
    return float(beyond**STRENGTH_POWER)


def pairs_are_independent(noise: NoiseModel, looks: Sequence[Look]) -> bool:
    """Whether recorrupted pairs of noise of this kind, in frames looked at, share little enough to learn from."""
    least, most = float(noise.skew.min()), float(noise.skew.max())
    if noise.correlated or least < -SYMMETRIC or most > SYMMETRIC:
        return False
    device = looks[0].clean.device
    line, gain = VarianceLine(noise, device), per_channel(photon_gain(noise), device)
    of_photons = [
        (gain / line(look.clean).sqrt()).clamp_max(MOST_SKEW)[has_noise(look.noisy, noise.ends) > 0] for look in looks
    ]
    return float(torch.cat(of_photons).mean()) <= MANY_PHOTONS  # without samples: no


def synthetic_scenes(palette: Tensor, config: SensorConfig, seed: int) -> Tensor:
    """Scenes in the colours of the frames.

    Shape:
        palette: (n, c) colours, normalised
        returns: (scenes, c, side, side)
    """
    generator = np.random.default_rng(seed)
    colours = palette.cpu().numpy().astype(np.float32)
    grey = colours.shape[1] == 1
    chosen = colours[generator.integers(len(colours), size=PALETTE_SIZE)]
    chosen = np.repeat(chosen, 3, axis=1) if grey else chosen
    scenes = np.stack([dead_leaves(generator, SCENE_SIDE, chosen) for _ in range(config.scenes)])
    if grey:
        scenes = scenes.mean(axis=3, keepdims=True)
    return torch.from_numpy(scenes).movedim(3, 1)


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
        loss = loss + config.weight_synthetic * (network(noise.noisy(scene)) - scene).square().mean()
    if config.weight_recorrupted:
        with torch.no_grad():
            z = noise.noise(clean(frame)) * noise.present(frame)
        noisier, target = frame + config.recorruption * z, frame - z / config.recorruption
        error = (network(noisier) - target).square()
        if shown.shape[1]:
            error = error * shown / shown.mean().clamp_min(LEAST_SHOWN)
        loss = loss + config.weight_recorrupted * error.mean()
    return loss
