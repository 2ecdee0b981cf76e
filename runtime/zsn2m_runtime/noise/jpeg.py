"""The noise of a camera's JPEG: drawn as a sensor has it, mosaicked, demosaicked and compressed as the frame was.

JPEG takes faint noise out of flat areas and leaves it in detailed ones; of coarse chroma noise it leaves most. So no
spectrum describes what is left, but the way does: independent noise of the pixels of a Bayer mosaic, demosaicking, and
JPEG of the frame's own quality, which its pixels show. Its one unknown, the noise's level, is that at which flat
chroma, drawn so, varies as much as the frame's. Chroma, because pictures have little of it at that scale.

Measured: docs/decisions/jpeg-noise.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.jpeg_grid import Compression, find_jpeg
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel
from zsn2m_runtime.noise.spectrum import spectra_of
from zsn2m_runtime.noise_record import JpegNoise
from zsn2m_runtime.sample_types import Mask, Pixels

WHITE = 255.0  # of 8 bits
MOST_FRAMES = 4  # of a group that are looked at
MOST_SIDE = 512  # pixels of the middle of a frame that is looked at
SMOOTH = 8.0  # pixels, deviation of the blur that leaves a frame's colours and little else
PATCH = 32  # pixels: two of the 16 x 16 blocks of chroma
CALM = 0.5  # share of the patches, those with the least chroma, that noise is read from
LIFT = 1.18  # the calm patches' level is so many times too low: median of PolyU's tuning half
CALMEST = 0.25  # share by which luma and chroma are compared
PLAUSIBLE = 1.7  # level by luma over that by chroma; more, and the noise came another way, or texture is everywhere
RAISED = 2.3  # times the level by patches, at most: colourful frames have no calm patches, and noise seems strong
LEAST, MOST = 0.7, 60.0  # levels of 255 that are tried
HALVINGS = 7  # of that interval, in logarithms: to 4 %
LUMA = np.array([[0.299], [0.587], [0.114]])  # ITU-R BT.601, as JPEG has it
CHROMA = np.array([[1.0, 1.0], [0.0, -2.0], [-1.0, 1.0]]) / np.sqrt([2.0, 6.0])  # orthogonal to grey and each other
COARSE = (7.6, 17.8)  # pixels, wavelengths of chroma that JPEG leaves
FINE = (2.7, 4.0)  # pixels, wavelengths of luma of which flat areas have little
WAYS = ((CHROMA, COARSE), (LUMA, FINE))
MARGIN = 8  # pixels around the mosaic, whose borders demosaicking copies; even, as the mosaic's period
GREY, STEP = 32768, 4000  # of the 16 bits that demosaicking works on: the middle, and a standard deviation of noise
SEED = 0
TINY = 1e-12


def with_jpeg_noise(
    model: NoiseModel,
    frames: Sequence[Pixels],
    jpeg: Compression | None,
    blanks: Sequence[Mask | None] | None = None,
) -> NoiseModel:
    """The model with the way that the noise of JPEG frames came, and as the noise is after it.

    The same for other frames, and where that way does not explain the noise.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units; others than of 8 bits and colour have no such noise
        blanks: (h, w) of each, or None; nor have frames that are blank somewhere
    Args:
        model: of these frames, by patches
        jpeg: how they were compressed, as `jpeg_of` says
    """
    if not jpeg or frames[0].ndim == 2 or not model.correlated or model.regular:
        return model
    if any(blank is not None for blank in blanks or ()):
        return model
    quality = jpeg.coarsest
    middles = [_middle(frame) for frame in frames[:MOST_FRAMES]]
    looks = [_Look(middle, quality) for middle in middles]
    levels = np.array([look.level(CHROMA, COARSE, CALM) for look in looks])
    found = np.array([[look.level(planes, waves, CALMEST) for planes, waves in WAYS] for look in looks])
    if levels.min() <= LEAST or (found[:, 1] > PLAUSIBLE * found[:, 0]).any():
        return model
    most = RAISED * model.sigma(middles)
    raised = _least(lambda sigma: float(looks[0].noise(sigma).std()), most)
    sigma = min(LIFT * float(np.exp(np.log(levels).mean())), raised)
    noise = looks[0].noise(sigma)
    return replace(
        model,
        slope=np.zeros(3),
        floor=noise.var(axis=(0, 1)),
        correlation=_correlation(noise),
        skew=np.zeros(3),
        skew_error=np.full(3, np.inf),
        kurtosis=(np.nan, np.inf),
        jpeg=JpegNoise(quality=quality, sigma=sigma, black=0.0, white=WHITE),
    )


def assumed_way(model: NoiseModel, frames: Sequence[Pixels], quality: int) -> JpegNoise:
    """A camera's way to as much noise as a model has, for JPEGs whose noise came another way.

    Shape:
        frames: each (h, w, 3), levels of 0 to 255
    """
    if model.jpeg:
        return model.jpeg
    middle = _middle(frames[0])
    look = _Look(middle, quality)
    sigma = _least(lambda level: float(look.noise(level).std()), model.sigma([middle]))
    return JpegNoise(quality=quality, sigma=sigma, black=0.0, white=WHITE)


def jpeg_of(frames: Sequence[Pixels]) -> Compression | None:
    """How frames were compressed that were compressed alike; None: they were not, or are not of 8 bits.

    Shape:
        frames: each (h, w) or (h, w, c), sensor units
    """
    middles = [_middle(frame) for frame in frames[:MOST_FRAMES]]
    found = [find_jpeg(middle) if _is_eight_bits(middle) else None for middle in middles]
    alike = [one for one in found if one is not None]
    if len(alike) < len(found) or len({one.quality for one in alike}) > 1:
        return None
    return max(alike, key=lambda one: (alike.count(one), -one.coarsest))


def jpeg_in_words(found: Compression, noise: JpegNoise | None, colours: bool) -> str:
    """How frames were compressed, and what is known of their noise because of it.

    Args:
        noise: how it came; None: not known
        colours: whether they have any
    """
    if noise:
        return f"{found.in_words()}; noise of {noise.sigma:.3g} before it"
    reason = "what a camera's own JPEG has was not found" if colours else "noise before it is told of colour ones alone"
    return f"{found.in_words()}; {reason}, so the level of the noise is less sure"


def demosaicked(size: tuple[int, int], rng: np.random.Generator) -> Doubles:
    """Noise of a variance of 1 as demosaicking by linear interpolation leaves that of independent pixels; it wraps.

    Shape:
        returns: (h, w, 3)
    """
    mosaic = np.rint(GREY + STEP * rng.standard_normal(size)).clip(0, 2 * GREY - 1).astype(np.uint16)
    around = np.pad(mosaic, MARGIN, mode="wrap")
    coloured: npt.NDArray[np.uint16] = np.asarray(cv2.demosaicing(around, cv2.COLOR_BayerRG2RGB), np.uint16)
    noise = (coloured.astype(np.float64) - GREY) / STEP
    inner = noise[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return np.asarray(inner / inner.std(axis=(0, 1)))


def compressed(frame: npt.NDArray[np.floating], quality: int) -> Doubles:
    """What JPEG leaves, with chroma at half of the resolution. Shape: (h, w, 3), RGB of 0 to 255 -> the same."""
    whole = np.rint(frame).clip(0, WHITE).astype(np.uint8)
    code = cv2.imencode(".jpg", whole[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.float64)[..., ::-1]


def _is_eight_bits(frame: Doubles) -> bool:
    return (
        (frame.ndim == 2 or frame.shape[2] == 3)
        and min(frame.shape[:2]) >= 2 * PATCH
        and bool(frame.min() >= 0 and frame.max() <= WHITE)
        and np.array_equal(frame, np.rint(frame))
    )


def _middle(frame: Pixels) -> Doubles:
    top, left = (max(0, (side - MOST_SIDE) // 2) for side in frame.shape[:2])
    return frame[top : top + MOST_SIDE, left : left + MOST_SIDE].astype(np.float64)


class _Look:
    """A frame, its colours without noise and detail, and noise to draw on them.

    Shape:
        frame: (h, w, 3), levels of 0 to 255
    """

    def __init__(self, frame: Doubles, quality: int) -> None:
        self._frame, self._quality = frame, quality
        smooth = cv2.GaussianBlur(frame, (0, 0), SMOOTH, borderType=cv2.BORDER_REFLECT)
        self._smooth: Doubles = np.asarray(smooth, np.float64)
        self._unit = demosaicked(frame.shape[:2], np.random.default_rng(SEED))

    def drawn(self, sigma: float) -> Doubles:
        """The colours with noise of this deviation before the JPEG, after it."""
        return compressed(self._smooth + sigma * self._unit, self._quality)

    def noise(self, sigma: float) -> Doubles:
        """What the JPEG leaves of the noise."""
        return self.drawn(sigma) - compressed(self._smooth, self._quality)

    def level(self, planes: Doubles, waves: tuple[float, float], share: float) -> float:
        """The deviation at which drawn colours vary as much as the frame's; LEAST where those hardly do.

        Shape:
            planes: (3, c), parts of the colours that are looked at
        Args:
            waves: shortest and longest length, pixels
            share: of the patches, those that vary least
        """
        target = _power(self._frame @ planes, waves, share)
        return _least(lambda sigma: _power(self.drawn(sigma) @ planes, waves, share), target)


def _least(measure: Callable[[float], float], target: float) -> float:
    """The deviation between LEAST and MOST at which a rising measure reaches a target, by halving."""
    low, high = LEAST, MOST
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if measure(middle) > target else (middle, high)
    return low


def _power(planes: Doubles, waves: tuple[float, float], share: float) -> float:
    """Mean power between two wavelengths, of a share of the patches, those that have the least. Shape: (h, w, c)."""
    windows = np.lib.stride_tricks.sliding_window_view(planes, (PATCH, PATCH), axis=(0, 1))
    patches = windows[:: PATCH // 2, :: PATCH // 2].reshape(-1, PATCH, PATCH)
    spectra = spectra_of((patches - patches.mean(axis=(1, 2), keepdims=True))[..., None])[..., 0]
    frequency = np.hypot(np.fft.fftfreq(PATCH)[:, None], np.fft.fftfreq(PATCH))
    chosen = (frequency > 1 / waves[1]) & (frequency < 1 / waves[0])
    power = np.square(np.abs(spectra[:, chosen])).mean(axis=1)
    power = np.sort(power.reshape(-1, planes.shape[2]).mean(axis=1))
    return float(power[: max(1, int(share * len(power)))].mean())


def _correlation(noise: Doubles) -> Doubles:
    """Of noise between all channels and near pixels. Shape: (h, w, c) -> (c, c, 9, 9)."""
    unit = (noise - noise.mean(axis=(0, 1))) / (noise.std(axis=(0, 1)) + TINY)
    spectrum = np.fft.fft2(unit, axes=(0, 1))
    shared = np.fft.ifft2(np.einsum("yxi,yxj->ijyx", spectrum, spectrum.conj())).real / unit[..., 0].size
    return np.asarray(np.roll(shared, (REACH, REACH), (2, 3))[:, :, : 2 * REACH + 1, : 2 * REACH + 1])
