"""Has the frame any noise?

An estimate by patches takes texture and shading of a frame without noise for noise. The pretrained network, which was
taught every level, decides: of real noise it removes three quarters and more, everywhere. There is none where it

- removes hardly anything of the estimate,
- or removes what is correlated from pixel to pixel, as no noise is,
- or removes what is correlated somewhat, and not everywhere.

Networks take regular detail for noise, too. There the estimate is the power between the peaks of the spectrum: no more
than rounding is no noise, and white power is noise.

Sources: docs/decisions/no-noise.md and noise-beside-regular-detail.md there; the limits were set on the tuning half of
docs/results/verdicts.md#verdicts, where frames that a camera processed come nearest (0.2 of the estimate, a correlation
of 0.62, 2.4 times as much in some places as in others).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.frame_stats import block_means
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.sample_types import Pixels, is_whole

SIDE = 256  # pixels of the centre that the network looks at
OF_ROUNDING = 0.4  # whole numbers: rounding alone is a noise of 0.29
LEAST_TAKEN = 0.12  # of the estimated deviation
MOST_ALIKE = 0.67  # correlation of what is removed with its neighbours, beside and below
ALIKE, UNEVEN = 0.45, 3.0  # or that much, and deviations of a tenth of the places over those of another
# Of frames with regular detail; drawn ones with white noise of 1 have 0.42 and more, rough walls without up to 0.18
WHITE = 0.25  # power at the finest frequencies, of that at fine ones
FINE, FINEST = (0.25, 0.35), (0.5, 0.8)  # cycles a pixel
QUIET = 0.3  # of the frequencies: no peaks
LEAST_TAKEN_REGULAR = 0.33  # of the noise between the peaks, where it is not white; a brick wall without: 0.24
NEGLIGIBLE = 1e-3  # of the values in use, where they are not whole: 60 dB
TINY = 1e-6
BLOCK = 16  # pixels of a place


def has_noise(frame: Pixels, model: NoiseModel) -> bool:
    """Whether a frame has noise that is worth the word.

    Shape:
        frame: (h, w) or (h, w, 3), sensor units
    """
    low, high = value_span([frame])
    if high <= low:
        return False
    rows, columns = (_middle(side) for side in frame.shape[:2])
    planes = (torch.from_numpy(to_nchw(frame[rows, columns])) - low) / (high - low)
    with torch.no_grad():
        taken = (planes - pretrained(planes.shape[1])(planes))[0].numpy().astype(np.float64)
    power = float(np.square(taken).mean())
    found, sigma = math.sqrt(power) * (high - low), model.sigma([frame])
    if model.regular and sigma < (OF_ROUNDING if is_whole(frame.dtype) else NEGLIGIBLE * (high - low)):
        return False
    if model.regular and _whiteness(planes[0].numpy()) > WHITE:
        return True
    if is_whole(frame.dtype) and max(found, sigma) < OF_ROUNDING:
        return False
    if found < (LEAST_TAKEN_REGULAR if model.regular else LEAST_TAKEN) * sigma:
        return False
    beside = float((taken[..., 1:] * taken[..., :-1]).mean()) / power
    below = float((taken[..., 1:, :] * taken[..., :-1, :]).mean()) / power
    alike = (beside + below) / 2
    return min(beside, below) <= MOST_ALIKE and not (alike > ALIKE and _unevenness(taken) > UNEVEN)


def _middle(length: int) -> slice:
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


def _unevenness(taken: Doubles) -> float:
    """Deviations where most is removed over those where least is. Shape: (c, h, w)."""
    power = block_means(np.square(taken).transpose(1, 2, 0), min(BLOCK, *taken.shape[1:])).mean(axis=2)
    least, most = np.quantile(power, (0.1, 0.9))
    return math.sqrt(float(most / max(least, TINY * most)))
