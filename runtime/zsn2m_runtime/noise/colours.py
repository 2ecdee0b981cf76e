"""Noise that channels share, where the picture is textured: colour differences are nearly free of texture.

Detail of pictures is grey for the most part. So the noise of colour differences is what the quietest patches have at
each frequency, however textured the frame is, or the flattest ones, where colours change in all others. Some of the
noise of grey goes with that of colours: it is told by how the power of colour differences changes when a little of grey
is added or taken away, where a little is so little that texture hardly counts; where it does count, by what cameras
have. Only the rest of grey is hidden by texture: it is that of the quietest patches, and may grow towards coarse detail
no faster than noise does.

Measured: docs/decisions/noise-of-colours.md.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.model import REACH, Doubles
from zsn2m_runtime.noise.patches import SIDE, TINY, without_plane
from zsn2m_runtime.noise.spectrum import FINE as FINE_RINGS
from zsn2m_runtime.noise.spectrum import SLACK, Spectra, ring_of, spectra_of, with_low_end

WIDE = 32  # pixels of a patch: colour noise of cameras is coarse
QUIET = 0.2  # of the patches have less power at a frequency: noise alone, if any have
DRAWN = 1000  # patches of white noise that say what its quantiles are
# Grey, red less blue, and green less both; rows are orthonormal
BASIS = np.array([[1, 1, 1], [1, 0, -1], [-1, 2, -1]]) / np.sqrt([[3], [2], [6]])
ADDED = 0.5  # of the power of colours, at most: how much grey is added to them
FIRST = 2  # periods a patch: below, detail is as strong in colours
MARGIN = 0.2  # of the logarithm of that power: so much less noise than others flat patches have, for they were chosen
# Deviation of what detail has in colours, of what it has in grey: from the first at no period a patch to the last
TINTED = (0.13, 0.011, 10)  # and from which period a patch on that is so
KNOWN = 0.02  # of the power of noise: how well that of the quietest patches tells it
# What grey noise has of that of colours, after a camera has processed it, and how far cameras differ
CAMERAS, CAMERAS_DIFFER = np.array([-0.14, -0.6]), 0.15
# Of the logarithm of the rest of grey's power, how fast it may grow towards coarse detail, from ring to ring of narrow
# patches: so much faster than colours where no camera has changed the noise; else, times twice the ring and one, so
# much, or as both do between fine rings, for noise that was smoothed falls with the square of the ring
EVEN, RISE = 0.03, 0.031
COARSE, FINE = slice(2, 6), slice(12, 17)  # periods a patch, whose powers tell whether a camera has changed the noise
PLAIN = 0.5  # of fine over coarse noise of colours: from there on none has


class _Rings(NamedTuple):
    """Frequencies of a patch by their distance from zero.

    Shape:
        of: (side, side); mean: (side * side, rings), which takes the mean of each
    """

    of: npt.NDArray[np.intp]
    mean: Doubles


def covariance_of_colours(
    wide: npt.NDArray[np.floating], narrow: npt.NDArray[np.floating], flat: npt.NDArray[np.floating]
) -> Doubles:
    """Between the channels and near pixels, of noise whose channels are in one unit.

    Shape:
        wide: (n, 32, 32, 3), patches of the frame without their planes, however textured
        narrow: (m, 16, 16, 3), the same; flat: (k, 16, 16, 3), the flattest of these
        returns: (3, 3, 9, 9)
    """
    spectra, of_flat = spectra_of(wide) @ BASIS.T, spectra_of(flat) @ BASIS.T
    everywhere = power_of_colours(spectra[..., 1:])  # (rings, 2, 2)
    share = _grey_with_colours(spectra, everywhere)
    colours = _no_more_than_flat(everywhere, of_flat[..., 1:])
    rest = spectra_of(narrow @ (BASIS[0] - share @ BASIS[1:])[:, None])
    least = np.minimum(quiet_power(rest[..., 0]), _power_of_flat(of_flat @ np.array([1.0, *-share])))
    power = _no_faster(least, np.einsum("kii->k", colours))
    of_colours = _near(colours, spectra[..., 1:])  # (2, 2, 9, 9)
    of_rest = _near(power[:, None, None], rest)[0, 0]
    found = np.empty((3, 3, *of_colours.shape[2:]))
    found[1:, 1:] = of_colours
    found[0, 1:] = found[1:, 0] = np.einsum("i,ijyx->jyx", share, of_colours)
    found[0, 0] = of_rest + np.einsum("i,ijyx,j->yx", share, of_colours, share)
    return np.asarray(np.einsum("ia,ijyx,jb->abyx", BASIS, found, BASIS))


def power_of_colours(spectra: Spectra) -> Doubles:
    """Of two colour differences at each ring, and what they share. Shape: (n, side, side, 2) -> (rings, 2, 2)."""
    first, second = spectra[..., 0], spectra[..., 1]
    powers = [quiet_power(part) for part in (first, second, first + second, first - second)]
    most = np.sqrt(powers[0] * powers[1])
    shared = np.clip((powers[2] - powers[3]) / 4, -most, most)
    return np.moveaxis(np.array([[powers[0], shared], [shared, powers[1]]]), 2, 0)


def _grey_with_colours(spectra: Spectra, colours: Doubles) -> Doubles:
    """How many times each of two colour differences is in the noise of grey. Shape: (n, s, s, 3) -> (2,)."""
    of = _rings(spectra.shape[1]).of
    count = np.bincount(of.ravel())
    grey, power = quiet_power(spectra[..., 0]), np.einsum("kii->k", colours) / 2 + TINY
    added = np.minimum(1, np.sqrt(ADDED * power / grey))
    some = added[of] * spectra[..., 0]
    shared = np.stack(
        [
            (quiet_power(of_one + some) - quiet_power(of_one - some)) / 4 / added
            for of_one in np.moveaxis(spectra, 3, 0)[1:]
        ],
        axis=1,
    )  # (rings, 2)
    ring = np.arange(len(power))
    tinted = TINTED[0] + (TINTED[1] - TINTED[0]) * np.minimum(ring / TINTED[2], 1)
    weight = 1 / (np.square(tinted * grey / power) + np.square(KNOWN / added))
    weight[:FIRST] = 0
    weight *= power * count / (power * count).sum()  # texture is wrong at all of them together
    fine = _fineness(power)
    prior = 1 / (CAMERAS_DIFFER + fine) ** 2
    unit, found = colours / power[:, None, None], shared / power[:, None]
    left = np.einsum("k,kij,kjl->il", weight, unit, unit) + prior * np.eye(2)
    right = np.einsum("k,kij,kj->i", weight, unit, found) + prior * (1 - fine) * CAMERAS
    return np.asarray(np.linalg.solve(left, right))


def _fineness(power: Doubles) -> float:
    """Of noise of colours, the power of fine noise over that of coarse noise, at most 1: little after a camera's work.

    Shape:
        power: (rings,) of wide patches
    """
    return min(float(power[FINE].mean() / power[COARSE].mean()), 1.0)


def _no_more_than_flat(colours: Doubles, flat: Spectra) -> Doubles:
    """Powers of colours, lower where the flattest patches have less of both: elsewhere colours of the picture change.

    Shape:
        colours: (rings, 2, 2) of wide patches; flat: (n, 16, 16, 2); returns: as colours
    """
    both = np.einsum("kii->k", colours)
    found = np.log(sum(_power_of_flat(flat[..., part]) for part in range(2)))
    ratio = found - _at_narrow_rings(both, len(found)) + MARGIN
    ratio = np.convolve(np.pad(ratio, 1, mode="edge"), (0.25, 0.5, 0.25), "valid")
    ratio[:FIRST] = ratio[FIRST]  # patches have been freed of their planes
    at_wide = np.interp(np.arange(len(both)) * SIDE / WIDE, np.arange(len(ratio)), ratio)
    return np.asarray(colours * np.exp(np.minimum(at_wide, 0))[:, None, None])


def _at_narrow_rings(power: Doubles, count: int) -> Doubles:
    """Logarithm of the power of wide patches at the rings of narrow ones. Shape: (rings,) -> (count,)."""
    return np.interp(np.arange(count) * WIDE / SIDE, np.arange(len(power)), np.log(power))


def _power_of_flat(spectra: Spectra) -> Doubles:
    """The power of noise at each ring, by the median of flat patches. Shape: (n, side, side) -> (rings,)."""
    median = np.median(np.square(np.abs(spectra)), axis=0) / np.log(2)
    return np.asarray(median.ravel() @ _rings(spectra.shape[1]).mean + TINY)


def _no_faster(power: Doubles, colours: Doubles) -> Doubles:
    """What grows towards coarse detail no faster than noise does: than that of colours, where no camera has changed it.

    Shape:
        power: (rings,) of a patch of 16 pixels; colours: of a wide one
    """
    of_colours = _at_narrow_rings(colours, len(power))
    found, plain = np.log(power), min(_fineness(colours) / PLAIN, 1.0)
    near, far = FINE_RINGS
    falls = min(of_all[near] - of_all[far] for of_all in (found, of_colours)) / (far**2 - near**2)
    rise = max(RISE, float(falls))
    step = max(0.0, float(found[FINE_RINGS[0]] - found[FINE_RINGS[1]]) / (FINE_RINGS[1] - FINE_RINGS[0])) + SLACK
    for ring in range(len(power) - 2, -1, -1):
        grows = of_colours[ring] - of_colours[ring + 1]
        own = min(step, rise * (2 * ring + 1)) if ring < FINE_RINGS[0] else max(found[ring] - found[ring + 1], 0.0)
        found[ring] = min(found[ring], found[ring + 1] + own + plain * min(max(grows, 0.0) + EVEN - own, 0.0))
    return np.asarray(np.exp(found))


def _near(power: Doubles, spectra: Spectra) -> Doubles:
    """Covariance of near pixels, by the power at each ring and how it is spread over directions.

    Shape:
        power: (rings, 2, 2); spectra: (n, side, side, 2); returns: (2, 2, 9, 9)
    """
    side, parts = spectra.shape[1], range(spectra.shape[3])
    of, mean = _rings(side)
    own = []
    for part in parts:
        median = np.median(np.square(np.abs(spectra[..., part])), axis=0) + TINY
        own.append(with_low_end(power[of, part, part] * median / (median.ravel() @ mean)[of]))
    alike = power / np.sqrt(np.einsum("kii->ki", power)[:, :, None] * np.einsum("kii->ki", power)[:, None] + TINY)
    density = np.array([[alike[of, i, j] * np.sqrt(own[i] * own[j]) for j in parts] for i in parts])
    around = np.fft.fftshift(np.fft.ifft2(density).real, axes=(2, 3))
    near = slice(side // 2 - REACH, side // 2 + REACH + 1)
    return np.asarray(around[:, :, near, near])


@functools.cache
def _rings(side: int) -> _Rings:
    of = ring_of(side)
    member = np.zeros((of.size, int(of.max()) + 1))
    member[np.arange(of.size), of.ravel()] = 1
    return _Rings(of, member / member.sum(axis=0))


def quiet_rings(spectra: Spectra) -> Doubles:
    """The power at each ring of which so many patches have less. Shape: (n, side, side) -> (rings,)."""
    power = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(np.quantile(power.reshape(len(power), -1) @ _rings(spectra.shape[1]).mean, QUIET, axis=0))


@functools.cache
def _quiet_of_white(side: int) -> Doubles:
    """The same of white noise, whose power is 1."""
    white = np.random.default_rng(0).standard_normal((DRAWN, side, side, 1))
    return quiet_rings(spectra_of(without_plane(white))[..., 0])


def quiet_power(spectra: Spectra) -> Doubles:
    """The power of noise at each ring, by the quietest patches. Shape: (n, side, side) -> (rings,)."""
    return np.asarray(quiet_rings(spectra) / _quiet_of_white(spectra.shape[1]) + TINY)
