"""The line of the variance of noise that neighbouring pixels share, by what the pretrained network removes.

Stein's lemma needs independent noise. But what a network removes of a frame can be compared with what it removes of
fresh noise, drawn from the model on its own result: where that is calm both are alike if the model's variance is right.
So the variance is changed, in bands of brightness, until they are, and a line goes through the bands.

Source: docs/decisions/correlated-noise-line.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from zsn2m_deploy.fit.correlated import ALL_EVEN, FEWEST, UNKNOWN, evenness
from zsn2m_deploy.noise.blocks import BLOCK, CLIPPED, NEAR
from zsn2m_deploy.noise.draw import with_fresh_noise
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Mask

BANDS = 6  # of brightness
CALM = 0.6  # of a band's blocks, those with the least slopes
ROUNDS = 3  # of drawing: the second changes levels by 3 % at most
CLEARED = 0.4  # of the variance of fresh noise is removed: of a network that removes less, what it removes says little
GONE = 0.25  # of a block's samples are clipped: more, and what is removed says little of the noise
MOST = 1.7  # times the deviation of the model before, at most
SPREAD = 0.1  # variances of the noise: bands closer together in brightness give no slope
LEAST_RATIO = 0.2  # of the powers removed, where bands are weighed
TINY = 1e-12


@dataclass(frozen=True)
class _Blocks:
    """What is known of the blocks of crops that are nowhere blank, and hardly clipped if there are many such.

    Shape:
        shown: (all,), which they are
        level, removed: (n, c), brightness of the network's result, and power that it removes
        slopes: (n,), power of the result's slopes
        free: (n,), whether hardly any sample is clipped
    """

    shown: Mask
    level: Doubles
    removed: Doubles
    slopes: Doubles
    free: Mask


@torch.no_grad()
def fit_correlated_line(
    noise: NoiseModel, network: Callable[[Tensor], Tensor], guesses: Sequence[FirstGuess], seed: int
) -> NoiseModel:
    """The noise with the line at which a network removes as much of fresh noise as of the frames.

    The same noise where the network removes little of it, where texture may be what it removes, and of grey frames.

    Args:
        network: that made the guesses
    """
    if all(bool((guess.noisy == guess.noisy[:, :1]).all()) for guess in guesses):  # grey
        return noise
    rng, found = np.random.default_rng(seed), noise
    blocks = _blocks(guesses, noise.ends)
    if len(blocks.level) < FEWEST:
        return noise
    for turn in range(ROUNDS):
        fresh = _fresh(found, network, guesses, rng)[blocks.shown]
        variance = np.maximum(found.variance(blocks.level), TINY)
        if fresh.mean() < CLEARED * variance.mean() or (turn == 0 and _may_be_texture(blocks, fresh, variance)):
            return noise
        found = _through_bands(found, blocks, fresh)
    before, after = (model.sigma([blocks.level]) for model in (noise, found))
    limit = min(1.0, MOST * before / max(after, TINY)) ** 2
    return replace(found, slope=limit * found.slope, floor=limit * found.floor, measured=True)


def _blocks(guesses: Sequence[FirstGuess], ends: tuple[float, float]) -> _Blocks:
    shown = [_means(guess.clean[:, :1] * 0 + 1 if guess.shown is None else guess.shown) for guess in guesses]
    clean, slopes = [guess.clean.double() for guess in guesses], []
    for planes in clean:
        down, across = torch.gradient(planes, dim=(2, 3))
        slopes.append(_means((down.square() + across.square()).mean(dim=1, keepdim=True)))
    clipped = [((guess.noisy <= ends[0] + NEAR) | (guess.noisy >= ends[1] - NEAR)).double() for guess in guesses]
    level, removed, ended = (
        np.concatenate([_means(planes) for planes in parts])
        for parts in (clean, [(guess.noisy - guess.clean).square() for guess in guesses], clipped)
    )
    share = ended.mean(axis=1)
    kept = np.concatenate(shown)[:, 0] == 1
    if (kept & (share <= GONE)).sum() >= FEWEST:
        kept &= share <= GONE
    return _Blocks(kept, level[kept], removed[kept], np.concatenate(slopes)[kept, 0], share[kept] <= CLIPPED)


def _fresh(
    noise: NoiseModel, network: Callable[[Tensor], Tensor], guesses: Sequence[FirstGuess], rng: np.random.Generator
) -> Doubles:
    """Power that the network removes of fresh noise on its own results, of every block. Shape: (all, c)."""
    powers = []
    for guess in guesses:
        fresh = with_fresh_noise(noise, guess.clean, rng)
        powers.append(_means((fresh - network(fresh)).square()))
    return np.concatenate(powers)


def _means(planes: Tensor) -> Doubles:
    """Of blocks. Shape: (b, c, h, w) -> (n, c)."""
    means = avg_pool2d(planes.double(), BLOCK).movedim(1, 3)
    return np.asarray(means.reshape(-1, means.shape[3]).cpu().numpy())


def _may_be_texture(blocks: _Blocks, fresh: Doubles, variance: Doubles) -> bool:
    """Whether more is removed than of fresh noise, and that is less even than noise is."""
    powers = [(power / variance).mean(axis=1) for power in (blocks.removed, fresh)]
    ratio = np.median(powers[0]) / max(float(np.median(powers[1])), TINY)
    free = blocks.free if blocks.free.sum() >= FEWEST else np.ones_like(blocks.free)  # fresh noise is clipped too
    believed, of_all = evenness(np.stack([blocks.level.mean(axis=1), *powers], axis=1)[free])
    return bool(ratio > 1 and (believed < UNKNOWN or of_all > ALL_EVEN))


def _through_bands(noise: NoiseModel, blocks: _Blocks, fresh: Doubles) -> NoiseModel:
    """The model with each channel's variance times what is removed over what is of fresh noise, in calm places."""
    lines = []
    for channel, (level, removed, drawn) in enumerate(zip(blocks.level.T, blocks.removed.T, fresh.T, strict=True)):
        bands = [_calm(band, blocks.slopes) for band in np.array_split(np.argsort(level), BANDS)]
        x = np.array([level[band].mean() for band in bands])
        before = noise.variance(np.repeat(x[:, None], noise.channels, axis=1))[:, channel] + TINY
        ratio = np.array([removed[band].mean() / max(drawn[band].mean(), TINY) for band in bands])
        weight = 1 / (before * np.maximum(ratio, LEAST_RATIO))
        if x.var() > SPREAD * (before * ratio).mean():
            lines.append(np.polyfit(x, before * ratio, 1, w=weight))
        else:
            factor = np.average(before * ratio, weights=weight) / np.average(before, weights=weight)
            lines.append(factor * np.array([noise.slope[channel], noise.floor[channel]]))
    slope, floor = np.array(lines).T
    return replace(noise, slope=slope, floor=floor, span=(float(blocks.level.min()), float(blocks.level.max())))


def _calm(band: npt.NDArray[np.intp], slopes: Doubles) -> npt.NDArray[np.intp]:
    """Blocks of a band with the least slopes."""
    return band[slopes[band] <= np.quantile(slopes[band], CALM)]
