"""Noise that is much stronger in some channels than in others, as where one is amplified, or the others are drawn.

Detail of pictures is grey for the most part, so two differences of colour have hardly any, at fine frequencies. Where
channels share no noise, what these differences have, and what they share, are three sums of three powers: the noise of
each channel, however textured the frame is. It counts where noise is white, as that of single channels is: what cameras
share and smooth has other powers at coarser frequencies.

Measured: docs/decisions/unlike-channels.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.colours import BASIS, power_of_colours, quiet_power
from zsn2m_runtime.noise.model import QUIET, Doubles
from zsn2m_runtime.noise.spectrum import ring_of, spectra_of

# Powers of red less blue and of green less both, and what these share, by those of red, green and blue
OF_CHANNELS = np.linalg.inv(np.stack([BASIS[1] ** 2, BASIS[2] ** 2, BASIS[1] * BASIS[2]]))
MIDDLE, FINE = 1 / 3, 2 / 3  # of the frequencies of a row: where middle ones begin, and fine ones
# Deviation of the strongest channel over that of the weakest, from which on they are apart. Noise that is alike in all
# has up to 1.5, but for what is clipped; three times as strong has 2.6 and more
APART = 2.6
# Of the strongest channel's power, how far the power of each changes from middle to fine frequencies, at most: up to
# 0.27 of single channels with noise of 6 and more; 0.8 and more of cameras
WHITE = 0.35
BELOW_ZERO = 0.03  # of the strongest channel's power: more, and channels share noise
GREY = 0.7  # of the power of grey that unshared noise has: less, and channels have opposite noise
LEAST = 1e-3  # of the strongest channel's power


def unlike_channels(patches: npt.NDArray[np.floating], at_most: Doubles) -> Doubles | None:
    """The power of the noise of each channel, where some have much more than others; None elsewhere.

    Shape:
        patches: (n, 32, 32, 3), of the frame without their planes, channels in one unit
        at_most: (3,), the power of flat places, with some of the picture's texture: where its strongest channel has
            hardly any noise by colours channels share most of it
        returns: (3,), in that unit squared
    """
    spectra = spectra_of(patches) @ BASIS.T
    power = power_of_colours(spectra[..., 1:])
    middle, fine = (round(share * len(power)) for share in (MIDDLE, FINE))
    count = np.bincount(ring_of(patches.shape[1]).ravel())
    at_middle, at_fine = (
        _of_channels(np.average(power[rings], axis=0, weights=count[rings]))
        for rings in (slice(middle, fine), slice(fine, None))
    )
    most = float(at_fine.max())
    least = max(float(at_fine.min()), LEAST * most)
    if most < APART**2 * least or at_fine.min() < -BELOW_ZERO * most:
        return None
    if np.abs(at_middle - at_fine).max() > WHITE * most:
        return None
    if at_fine[at_most.argmax()] < QUIET * most:
        return None
    if np.average(quiet_power(spectra[..., 0])[fine:], weights=count[fine:]) < GREY * at_fine.clip(0).mean():
        return None
    return np.asarray(np.maximum(at_fine, LEAST * most))


def _of_channels(power: Doubles) -> Doubles:
    """The power of each channel that shares none with others. Shape: (2, 2), of two colour differences -> (3,)."""
    (first, shared), (_, second) = power
    return np.asarray(OF_CHANNELS @ (first, second, shared))
