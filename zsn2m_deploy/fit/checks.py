"""Whether a finished network is sound, judged on its own frames without a clean image, on pieces of bounded size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from zsn2m_deploy.noise.clipping import clipped, has_noise
from zsn2m_deploy.noise.mean import mean_bias
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_runtime.noise.model import NoiseModel

Network = Callable[[Tensor], Tensor]

_FRAMES = 8  # that are judged on, in up to 9 pieces each
_SIDE = 128  # pixels
_BLOCK = 8  # pixels; noise leaves sigma^2 / 64 in the mean of such a block
_PIECES = 9  # whose error is estimated, of all
_BATCH = 16  # pixels of the blocks that the standard error is taken over
_PERTURBATION = 0.1  # of the noise's deviation
_CONFIDENCE = 3.0  # standard errors
_KNOWN = 0.2  # relative error of the variance in textured frames: docs/results/noise.md
_NEGLIGIBLE = 1e-6  # mean square, normalised: an error of a quarter of a grey level of 255
_STRUCTURE = 0.8  # of the frames' structure: a network that loses so much no longer follows them
_DIVERGED = 0.5  # of what the teacher removes: a network farther from it makes more noise than it spares


@torch.no_grad()
def is_dead(network: Network, frames: Sequence[Tensor], sigma: float) -> bool:
    """Whether the 8 x 8 block means of a network's results no longer follow those of its frames.

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
    Args:
        sigma: of the noise, normalised; that much of it is in the block means, and no reason
    """
    error = structure = allowed = 0.0
    for noisy in _pieces(frames):
        expected = avg_pool2d(noisy, _BLOCK)
        error += _power(avg_pool2d(network(noisy), _BLOCK) - expected)
        structure += _power(expected)
        allowed += max(sigma**2 / _BLOCK, _NEGLIGIBLE)
    return not error <= max(_STRUCTURE * structure, allowed)  # NaN counts as dead


@dataclass(frozen=True)
class Error:
    """The mean squared error of a network on its own frames beside that of the frames, normalised: estimates.

    error, margin: of the results, and how far off that may be; noise: variance of the noise
    removed: power of what the network takes away; cleared: how much of that is noise, by its covariance with it
    """

    error: float
    margin: float
    noise: float
    removed: float
    cleared: float

    @property
    def best_share(self) -> float:
        """The share of what the network takes away that leaves the smallest error: all of it if all is noise."""
        return min(max(self.cleared, 0.0) / self.removed, 1.0) if self.removed > 0 else 1.0

    def left(self, share: float) -> float:
        """Power of the error, of that of the noise, where only a share of what the network takes away goes."""
        error = self.noise - 2 * share * self.cleared + share**2 * self.removed
        return error / self.noise if self.noise > 0 else math.inf

    @property
    def worse(self) -> bool:
        """Whether the results are surely further from the picture than the frames themselves."""
        return self.error - self.margin > max(self.noise, _NEGLIGIBLE)


@torch.no_grad()
def estimated_error(network: Network, frames: Sequence[Tensor], noise: NoiseModel, seed: int) -> Error | None:
    """The error of a network without a clean frame; None where the noise is correlated, for which this does not hold.

    For independent noise of variance v it is |y - f(y)|^2 - v + 2 v df/dy on average (Stein, 1981), the last with a
    small perturbation (Ramani, Blu and Unser, 2008).

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
    Args:
        noise: of the frames, normalised, confirmed by the pretrained network
    """
    if noise.correlated or noise.tails:
        return None
    pieces = list(_pieces(frames))
    pieces = pieces[:: max(1, len(pieces) // _PIECES)][:_PIECES]
    generator = torch.Generator().manual_seed(seed)
    gain, line = per_channel(noise.photon_gain, pieces[0].device), VarianceLine(noise, pieces[0].device)
    errors, variances, removed, cleared = [], [], [], []
    for noisy in pieces:
        clean = network(noisy)
        whole = line(clean)
        variance = whole * clipped(clean, gain, whole, noise.ends).variance * has_noise(noisy, noise.ends)
        signs = (torch.randint(0, 2, noisy.shape, generator=generator) * 2 - 1).to(noisy)
        passed = (network(noisy + _PERTURBATION * variance.sqrt() * signs) - clean) * signs / _PERTURBATION
        estimate = (clean - noisy).square() - variance + 2 * variance.sqrt() * passed
        errors.append(avg_pool2d(estimate.mean(dim=1, keepdim=True), _BATCH).flatten())
        variances.append(float(variance.mean()))
        removed.append(float((clean - noisy).square().mean()))
        cleared.append(float((variance - variance.sqrt() * passed).mean()))
    blocks, known = torch.cat(errors), sum(variances) / len(variances)
    spread = float(blocks.std()) / math.sqrt(len(blocks)) if len(blocks) > 1 else math.inf
    return Error(
        float(blocks.mean()),
        math.hypot(_CONFIDENCE * spread, _KNOWN * known),
        known,
        sum(removed) / len(removed),
        sum(cleared) / len(cleared),
    )


@torch.no_grad()
def diverged(grd: Network, mbd: Network, frames: Sequence[Tensor]) -> bool:
    """Whether GRD-Net is farther from MBD-Net, its teacher, than half of the noise that MBD-Net removes.

    Such a network is dead or not trained for long enough. Source: docs/decisions/grd-falls-back.md.

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
    """
    error = removed = allowed = 0.0
    for noisy in _pieces(frames):
        clean = mbd(noisy)
        error += float((grd(noisy) - clean).square().mean())
        removed += float((noisy - clean).square().mean())
        allowed += _NEGLIGIBLE
    return not error <= max(_DIVERGED * removed, allowed)  # NaN counts as diverged


@torch.no_grad()
def result_bias(network: Network, frames: Sequence[Tensor], noise: NoiseModel | None = None) -> Tensor:
    """The mean of a network's results less that of its frames.

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
        returns: (c,)
    Args:
        noise: of the frames, where its mean need not be zero: what clipping adds is taken out, and of channels whose
            noise went through a tone curve the median is zero
    """
    return mean_bias(((noisy, network(noisy)) for noisy in _pieces(frames)), noise)


def _pieces(frames: Sequence[Tensor]) -> Iterator[Tensor]:
    """Corners, edges and centre of the first frames, one at a time: (1, c, side, side), side a power of 2."""
    for frame in frames[:_FRAMES]:
        height, width = frame.shape[-2:]
        side = 2 ** (min(_SIDE, height, width).bit_length() - 1)
        for top in {0, (height - side) // 2, height - side}:
            for left in {0, (width - side) // 2, width - side}:
                yield frame[None, :, top : top + side, left : left + side]


def _power(frames: Tensor) -> float:
    """Mean square of what varies within a frame."""
    return float((frames - frames.mean(dim=(-2, -1), keepdim=True)).square().mean())
