"""Has the frame any noise?

An estimate by patches takes texture and shading of a frame without noise for noise. The pretrained network, which was
taught every level, decides: of real noise it removes three quarters and more, everywhere. There is none where it

- removes hardly anything of the estimate,
- or removes what is correlated somewhat, and not evenly at all: less the noise expected at each brightness, or beside
  places of the same brightness, noise that was enlarged or blurred is as strong everywhere.

What is more correlated, and not even, may be either, for coarse grain is so; and of a JPEG, whose flat areas lose
their noise, either of the two.

Networks take regular detail for noise, too. There the estimate is the power between the peaks of the spectrum: no more
than rounding is no noise, and white power is noise.

Sources: docs/decisions/no-noise.md and noise-beside-regular-detail.md there; the limits were set on the tuning half of
docs/results/verdicts.md#verdicts and on enlarged and blurred frames of that half of Kodak24.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

from zsn2m_deploy.fit.device import on_cpu
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained, pretrained_for
from zsn2m_deploy.report.words import Presence
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Pixels, is_whole

SIDE = 256  # pixels of the centre that the network looks at
OF_ROUNDING = 0.4  # whole numbers: rounding alone is a noise of 0.29
LEAST_TAKEN = 0.12  # of the estimated deviation
# Correlation of what is removed with its neighbours, and deviations, of those expected, of a tenth of the places over
# those of another. Enlarged and blurred noise: up to 0.79 and 1.9; smooth frames without noise: 2.3 and more
MOST_ALIKE, MOST_UNEVEN = 0.67, 2.1  # coarse grain has more, too: from there on it may be either
ALIKE, UNEVEN = 0.45, 3.0  # somewhat alike, and still less even: no noise
BANDS, FEWEST_OF_BAND = 8, 16  # of brightness, and places of each: film grain is no line over brightness
FAINT = 0.1  # of the mean variance: no less is expected anywhere
# Of frames with regular detail; drawn ones with white noise of 1 have 0.42 and more, rough walls without up to 0.18
WHITE = 0.25  # power at the finest frequencies, of that at fine ones
FINE, FINEST = (0.25, 0.35), (0.5, 0.8)  # cycles a pixel
QUIET = 0.3  # of the frequencies: no peaks
LEAST_TAKEN_REGULAR = 0.33  # of the noise between the peaks, where it is not white; a brick wall without: 0.24
NEGLIGIBLE = 1e-3  # of the values in use, where they are not whole: 60 dB
TINY = 1e-6
BLOCK = 16  # pixels of a place
CLIPPED = 0.02  # of a place's samples at the least or greatest value: more, and it says nothing; as of patches
FEWEST_FREE = 0.1  # of the places


def presence_of(frame: Pixels, model: NoiseModel) -> Presence:
    """Whether a frame has noise that is worth the word.

    Shape:
        frame: (h, w) or (h, w, 3), sensor units
    """
    low, high = value_span([frame])
    if high <= low:
        return Presence.NONE
    rows, columns = (middle(side) for side in frame.shape[:2])
    planes = (torch.from_numpy(to_nchw(frame[rows, columns])) - low) / (high - low)
    # the network of colours takes less of the regular detail that grey channels share
    network = on_cpu(pretrained(planes.shape[1]) if model.regular else pretrained_for([planes[0]]))
    with torch.no_grad():
        result = network(planes)
    taken = (planes - result)[0].numpy().astype(np.float64)
    power = float(np.square(taken).mean())
    found, sigma = math.sqrt(power) * (high - low), model.sigma([frame])
    whole = is_whole(frame.dtype)
    faint = model.regular and sigma < (OF_ROUNDING if whole else NEGLIGIBLE * (high - low))
    if model.regular and not faint and _whiteness(planes[0].numpy()) > WHITE:
        return Presence.NOISE
    rounding = whole and max(found, sigma) < OF_ROUNDING
    if faint or rounding or found < (LEAST_TAKEN_REGULAR if model.regular else LEAST_TAKEN) * sigma:
        return Presence.NONE
    beside = float((taken[..., 1:] * taken[..., :-1]).mean()) / power
    below = float((taken[..., 1:, :] * taken[..., :-1, :]).mean()) / power
    free = _free(planes[0].numpy())
    clean = result[0].numpy()
    uneven = min(
        _unevenness(_of_blocks(np.square(taken / _expected(clean, model.rescaled(low, high - low))))[free]),
        _unevenness(_beside_their_brightness(_of_blocks(np.square(taken))[free], _of_blocks(clean)[free])),
    )
    alike = (beside + below) / 2
    if alike > ALIKE and uneven > UNEVEN:
        return Presence.UNSURE if model.jpeg else Presence.NONE
    if min(beside, below) > MOST_ALIKE and uneven > MOST_UNEVEN:
        return Presence.UNSURE
    return Presence.NOISE


def middle(length: int) -> slice:
    """Of rows or columns, as many as the network's stride divides."""
    side = min(SIDE, length) // SensorNet.stride * SensorNet.stride
    return slice((length - side) // 2, (length - side) // 2 + side)


def _whiteness(planes: npt.NDArray[np.floating]) -> float:
    """Power between the peaks of the spectrum, at the finest frequencies over fine ones. Shape: (c, h, w)."""
    height, width = planes.shape[1:]
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[1:-1]
    centred = planes.astype(np.float64) - planes.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.fft2(centred * window))) + TINY**2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    fine, finest = (
        np.quantile(power[:, (frequency > low) & (frequency < high)], QUIET, axis=1) for low, high in (FINE, FINEST)
    )
    return float((finest / fine).mean())


def _expected(planes: npt.NDArray[np.floating], model: NoiseModel) -> Doubles:
    """Deviation of the noise at each place of a clean frame. Shape: (c, h, w), as the model has them -> the same."""
    variance = model.variance(planes.transpose(1, 2, 0)).transpose(2, 0, 1)
    return np.asarray(np.sqrt(np.maximum(variance, max(FAINT * variance.mean(), TINY**2))))


def _free(planes: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Where samples are not clipped, which takes noise away; all, if hardly anything is free. Shape: (c, h, w)."""
    at_end = (planes <= planes.min()) | (planes >= planes.max())
    free = _of_blocks(at_end.astype(np.float64)) <= CLIPPED
    return free if free.mean() > FEWEST_FREE else np.ones_like(free)


def _of_blocks(planes: npt.NDArray[np.floating]) -> Doubles:
    """Means over blocks and channels. Shape: (c, h, w) -> (rows, columns)."""
    return np.asarray(block_means(planes.transpose(1, 2, 0), min(BLOCK, *planes.shape[1:])).mean(axis=2))


def _beside_their_brightness(power: Doubles, level: Doubles) -> Doubles:
    """Powers in units of the median of places of the same brightness. Shape: (n,), (n,) -> (n,)."""
    bands = np.array_split(np.argsort(level), min(max(1, len(level) // FEWEST_OF_BAND), BANDS))
    found = np.empty_like(power)
    for band in bands:
        found[band] = power[band] / (np.median(power[band]) + TINY**2)
    return found


def _unevenness(power: Doubles) -> float:
    """Deviations of the places where most is removed over those where least is. Shape: (n,), powers."""
    least, most = np.quantile(power, (0.1, 0.9))
    return math.sqrt(float(most / max(least, TINY * most)))
