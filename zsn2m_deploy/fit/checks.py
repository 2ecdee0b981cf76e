"""Checks of a trained network on its own frames, without a clean image; memory and time are bounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from zsn2m_deploy.noise.clipping import clipped, has_noise
from zsn2m_deploy.noise.mean import mean_bias
from zsn2m_deploy.noise.variance import VarianceLine, per_channel, shared_by_channels
from zsn2m_runtime.noise.model import NoiseModel

Network = Callable[[Tensor], Tensor]

# The numbers of frames and pixels are chosen, not measured; they bound time and memory.
_FRAMES = 8  # frames that are used, with up to 9 pieces each
_SIDE = 128  # pixels, the largest side of a piece
_PIECES = 9  # pieces that the error is estimated on
_BLOCK = 8  # pixels; the mean of a block of 8 x 8 has sigma^2 / 64 of the noise's variance
_BATCH = 16  # pixels; errors are averaged over blocks of 16 x 16, whose spread gives the standard error
_PERTURBATION = 0.1  # of the noise's standard deviation; small, as Ramani et al. (2008) ask
_CONFIDENCE = 3.0  # standard errors; exceeded by chance once in 740 times if errors are Gaussian
# Relative error of the variance. On FMD the deviation is 10 % off: docs/results/noise.md#noise-at-each-brightness.
_KNOWN = 0.2
_NEGLIGIBLE = 1e-6  # mean square, normalised: a quarter of a grey level of 255
_STRUCTURE = 0.8  # share of the frames' variance; chosen: a constant result misses all of it
_DIVERGED = 0.5  # of the power that the teacher removes: docs/decisions/grd-falls-back.md


class Remembered:
    """A network for checks of the same frames: what it gave for a piece of a frame it gives again.

    For a network and frames that do not change meanwhile but for a constant, which `add_to_output` is told.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._given: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}

    def __call__(self, noisy: Tensor) -> Tensor:
        """Denoise a piece: (b, c, h, w), normalised -> the same."""
        place = noisy.data_ptr(), noisy.shape, noisy.stride()
        if place not in self._given:
            self._given[place] = noisy, self._network(noisy)  # the piece is kept, so that no other one takes its place
        return self._given[place][1]

    def add_to_output(self, offset: Tensor) -> None:
        """Add what the network now adds to each channel of its results, (c,), to what it gave before."""
        self._given = {place: (noisy, gave + offset[:, None, None]) for place, (noisy, gave) in self._given.items()}


@torch.no_grad()
def is_dead(network: Network, frames: Sequence[Tensor], sigma: float) -> bool:
    """Whether the 8 x 8 block means of a network's results no longer follow those of its frames.

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
    Args:
        sigma: standard deviation of the noise, normalised; to remove noise from the block means is no error
    """
    error = structure = allowed = 0.0
    for noisy in _pieces(frames):
        expected = avg_pool2d(noisy, _BLOCK)
        error += _power(avg_pool2d(network(noisy), _BLOCK) - expected)
        structure += _power(expected)
        allowed += max(sigma**2 / _BLOCK, _NEGLIGIBLE)  # 8 times the noise of a block mean
    return not error <= max(_STRUCTURE * structure, allowed)  # NaN counts as dead


@dataclass(frozen=True)
class Error:
    """Estimated mean squared error of a network's results, and of its frames; all values are normalised.

    error: of the results; margin: by how much that estimate may be wrong
    noise: variance of the noise, which is the error of the frames
    removed: mean square of what the network removes
    cleared: covariance of what it removes with the noise
    shares: of each channel, as `best_share`
    """

    error: float
    margin: float
    noise: float
    removed: float
    cleared: float
    shares: tuple[float, ...] = ()

    @property
    def best_share(self) -> float:
        """Which share of what is removed should be, for the smallest error: 1 if all of it is noise, 0 if none is."""
        return _best_share(self.cleared, self.removed)

    def left(self, share: float) -> float:
        """The error if only a share of what is removed were, over the error of the frames."""
        error = self.noise - 2 * share * self.cleared + share**2 * self.removed
        return error / self.noise if self.noise > 0 else math.inf

    @property
    def worse(self) -> bool:
        """Whether the results have a larger error than the frames, beyond the margin."""
        return self.error - self.margin > max(self.noise, _NEGLIGIBLE)


@torch.no_grad()
def estimated_error(network: Network, frames: Sequence[Tensor], noise: NoiseModel, seed: int) -> Error | None:
    """Stein's unbiased risk estimate of a network on its frames; None for noise where it does not hold.

    It does not hold for correlated noise and for noise with heavy tails.

    For noise of variance v, independent from pixel to pixel, the error is the mean of |y - f(y)|^2 - v + 2 v df/dy
    (Stein, Estimation of the mean of a multivariate normal distribution, 1981). The last term is measured with a random
    perturbation (Ramani, Blu and Unser, Monte-Carlo SURE, 2008), which channels share as they share the noise.

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
    Args:
        noise: of the frames, normalised, refined by the pretrained network
        seed: of the perturbation
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
        step = _PERTURBATION * variance.sqrt() * shared_by_channels(signs, noise)
        passed = (network(noisy + step) - clean) * step / _PERTURBATION**2
        estimate = (clean - noisy).square() - variance + 2 * passed
        errors.append(avg_pool2d(estimate.mean(dim=1, keepdim=True), _BATCH).flatten())
        variances.append(float(variance.mean()))
        removed.append((clean - noisy).square().mean(dim=(0, 2, 3)))
        cleared.append((variance - passed).mean(dim=(0, 2, 3)))
    blocks, known = torch.cat(errors), sum(variances) / len(variances)
    spread = float(blocks.std()) / math.sqrt(len(blocks)) if len(blocks) > 1 else math.inf
    of_removed, of_cleared = (torch.stack(part).mean(dim=0).tolist() for part in (removed, cleared))
    return Error(
        float(blocks.mean()),
        math.hypot(_CONFIDENCE * spread, _KNOWN * known),
        known,
        sum(of_removed) / len(of_removed),
        sum(of_cleared) / len(of_cleared),
        tuple(map(_best_share, of_cleared, of_removed)),
    )


@torch.no_grad()
def diverged(grd: Network, mbd: Network, frames: Sequence[Tensor]) -> bool:
    """Whether GRD-Net differs from its teacher, MBD-Net, by more than half of the power that MBD-Net removes.

    Such a network was trained for too short a time, or its results no longer follow its frames. Source:
    docs/decisions/grd-falls-back.md.

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
    """The mean of a network's results minus that of its frames, for each channel.

    Shape:
        frames: each (c, h, w), normalised, at least 16 x 16
        returns: (c,)
    Args:
        noise: None: noise has mean zero. Else what clipping adds to its mean is subtracted, and channels with a tone
            curve are compared by their medians: docs/decisions/mean-is-kept.md
    """
    return mean_bias(((noisy, network(noisy)) for noisy in _pieces(frames)), noise)


def _best_share(cleared: float, removed: float) -> float:
    return min(max(cleared, 0.0) / removed, 1.0) if removed > 0 else 1.0


def _pieces(frames: Sequence[Tensor]) -> Iterator[Tensor]:
    """Pieces at corners, edges and centre of the first frames: (1, c, side, side), side a power of 2."""
    for frame in frames[:_FRAMES]:
        height, width = frame.shape[-2:]
        side = 2 ** (min(_SIDE, height, width).bit_length() - 1)
        for top in {0, (height - side) // 2, height - side}:
            for left in {0, (width - side) // 2, width - side}:
                yield frame[None, :, top : top + side, left : left + side]


def _power(frames: Tensor) -> float:
    """Mean square of frames without their channel means."""
    return float((frames - frames.mean(dim=(-2, -1), keepdim=True)).square().mean())
