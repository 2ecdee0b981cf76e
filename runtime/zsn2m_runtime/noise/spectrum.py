"""How noise is shared by near pixels and by channels: from the power of flat patches at each frequency.

Texture that is left in the flattest patches is coarse, and noise hardly is: its power grows towards coarse detail as
steadily as it does among the finest. What grows faster is taken for texture, unless very many patches have it alike.

Measured: docs/decisions/texture-is-coarse.md.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.model import REACH, Doubles
from zsn2m_runtime.noise.patches import SIDE, TINY

Spectra = npt.NDArray[np.complexfloating]

LOW, RIM = 2.1, 4.6  # periods a patch: below LOW structure hides the noise, whose power goes on from there to RIM
FINE = 5, 7  # periods a patch: from one to the other the power grows as that of noise does
SLACK = 0.2  # of the logarithm of the power: so much faster it may grow from one period a patch to the next
# Coarse noise beside independent one: so many patches, of all, share one level of coarse detail; of the power of some
# frequency less than this share would be kept as that of noise
MANY, FEWEST_ALIKE, LEAST_KEPT = 0.1, 60, 0.8
# Texture is different: its power grows from fine detail on (here from 6 periods to 4, logarithm), and has directions
# (least geometric over arithmetic mean of the power at the coarsest periods). docs/decisions/coarse-beside-white.md
WHITE, MOST_GROWTH, COARSEST, LEAST_ROUND = (4, 6), 0.4, 3, 0.93


def spectra_of(patches: npt.NDArray[np.floating]) -> Spectra:
    """Of windowed patches; white noise of a variance of 1 has a power of 1. Shape: (n, side, side, c) -> the same."""
    taper = np.hanning(patches.shape[1] + 2)[1:-1]
    taper = taper / np.sqrt(np.square(taper).sum())
    return np.asarray(np.fft.fft2(patches * (taper[:, None] * taper)[:, :, None], axes=(1, 2)))


def has_coarse_noise(spectra: Spectra, share: float) -> bool:
    """Whether what grows as fast towards coarse detail as texture does is noise, beside noise that pixels do not share.

    Shape:
        spectra: (n, side, side, 1)
    Args:
        share: of all patches that these are, the flattest, of one level of coarse detail
    """
    if len(spectra) < FEWEST_ALIKE or share < MANY:
        return False
    power = _median_power(spectra[..., 0])
    means, rings, (first, last) = _ring_means(power), ring_of(SIDE), WHITE
    round_ = [np.exp(np.log(power[rings == ring]).mean() - means[ring]) for ring in range(1, COARSEST + 1)]
    white_beside = means[first] - means[last] < MOST_GROWTH
    return bool(white_beside and min(round_) > LEAST_ROUND and _share_of_noise(power).min() < LEAST_KEPT)


def covariance_of(spectra: Spectra, noise_alone: bool = False) -> Doubles:
    """Between all channels and near pixels, from the power at each frequency.

    Shape:
        spectra: (n, side, side, c)
        returns: (c, c, 9, 9)
    Args:
        noise_alone: whether the patches have no texture, as `has_coarse_noise` says
    """
    all_found = [_median_power(spectra[..., channel]) for channel in range(spectra.shape[3])]
    kept = [np.ones_like(found) if noise_alone else _share_of_noise(found) for found in all_found]
    power = [with_low_end(found * share) for found, share in zip(all_found, kept, strict=True)]
    density = np.empty((len(power), len(power), SIDE, SIDE))
    for i, of_i in enumerate(power):
        density[i, i] = of_i
        for j, of_j in enumerate(power[:i]):  # a sum has the power of both, and twice what they share
            share = np.sqrt(kept[i] * kept[j])
            both = with_low_end(_median_power(spectra[..., i] + spectra[..., j]) * share)
            shared = (both - of_i - of_j) / 2
            density[i, j] = density[j, i] = _no_more_alike(shared, np.sqrt(of_i * of_j), share < 1)
    around = np.fft.fftshift(np.fft.ifft2(density).real, axes=(2, 3))
    near = slice(SIDE // 2 - REACH, SIDE // 2 + REACH + 1)
    return np.asarray(around[:, :, near, near])


def _squares(side: int) -> Doubles:
    """Squares of the frequencies, in periods a patch. Shape: (side, side)."""
    frequency = np.fft.fftfreq(side) * side
    return np.asarray(np.square(frequency[:, None]) + np.square(frequency))


@functools.cache
def ring_of(side: int) -> npt.NDArray[np.intp]:
    """Which ring each frequency of a patch belongs to, by its distance from zero. Shape: (side, side)."""
    return np.rint(np.sqrt(_squares(side))).astype(np.intp)


def _median_power(spectra: Spectra) -> Doubles:
    """What noise alone has at each frequency: medians, which a minority of textured patches does not move.

    The power of noise is distributed exponentially, so its mean is the median over log 2. Shape: (n, side, side) ->
    (side, side).
    """
    return np.asarray(np.median(np.square(np.abs(spectra)), axis=0) / np.log(2) + TINY)


def _ring_means(power: Doubles) -> Doubles:
    """Logarithm of the mean power of each ring. Shape: (side, side) -> (rings,)."""
    rings = ring_of(len(power)).ravel()
    return np.asarray(np.log(np.bincount(rings, power.ravel()) / np.bincount(rings)))


def _share_of_noise(power: Doubles) -> Doubles:
    """1, or less where power grows faster towards coarse detail than it does among the finest. Shape: (side, side)."""
    rings, means = ring_of(len(power)), _ring_means(power)
    first, last = FINE
    step = max(0.0, float(means[first] - means[last]) / (last - first)) + SLACK
    most = means.copy()
    for ring in range(first - 1, -1, -1):
        most[ring] = min(means[ring], most[ring + 1] + step)
    return np.asarray(np.exp(most - means)[rings])


def _no_more_alike(shared: Doubles, power: Doubles, texture: npt.NDArray[np.bool_]) -> Doubles:
    """Where there is texture, which channels share, no more than among the finest. Shape: each (side, side)."""
    fine = ring_of(len(power)) == FINE[0]
    most = abs(float(shared[fine].mean() / power[fine].mean())) * power
    return np.asarray(np.where(texture, np.clip(shared, -most, most), shared))


def with_low_end(power: Doubles) -> Doubles:
    """The power below LOW as that above goes on. Shape: (side, side)."""
    square, found = _squares(len(power)), power.copy()
    rim, low = (square >= LOW**2) & (square < RIM**2), square < LOW**2
    fall = min(0.0, np.polyfit(square[rim], np.log(power[rim]), 1)[0])
    found[low] = np.exp(np.log(power[rim]).mean() + fall * (square[low] - square[rim].mean()))
    return np.asarray(found)
