"""Sensor noise with known parameters: Poisson shot noise, Gaussian read noise, spatial correlation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.scene import clean_frames
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

Doubles = npt.NDArray[np.float64]

READ_NOISE_SCALE = 255.0  # SampleConfig.read_noise is in 1/255 of the span from black to white


def sample_frames(config: SampleConfig) -> Iterator[tuple[Frame, Frame]]:
    """Noisy and clean frames of a sample, in sensor values, one pair at a time.

    8 bit uses 0 (black) to 255 (white); 16 bit is a 12-bit sensor with black at 512 and white at 4095. The
    clean frame is what the noisy one is drawn around; only the integer range (0..255, 0..65535) clips the
    noise. For PSNR use `config.peak`. Frame i of a seed has the generator
    `numpy.random.default_rng([seed, i])`: one machine always makes the same frames; other versions of NumPy
    or OpenCV may round differently.

    Shape:
        yields: (h, w) or (h, w, 3) uint8 or uint16, noisy and clean
    """
    for frame_index, scene in enumerate(clean_frames(config)):
        clean = np.rint(scene * np.float64(config.peak) + config.black_level).astype(config.dtype)
        generator = np.random.default_rng([config.seed, frame_index])
        yield Frame(noisy_pixels(clean, config, generator)), Frame(clean)


def noisy_pixels(clean: Pixels, config: SampleConfig, generator: np.random.Generator) -> Pixels:
    """What the sensor of `config` sees of a clean frame.

    The noise of a pixel has variance x / photons + (read_noise / 255)^2 for a clean x in [0, 1], whatever the
    correlation: the noise is divided by its standard deviation, filtered with a kernel of energy 1, and
    multiplied by the standard deviation again. One pixel more on each side is drawn, so borders are alike.

    Shape:
        clean: (h, w) or (h, w, 3), sensor values from black to white
        returns: the same shape and dtype as clean
    """
    margin = 1 if config.correlation else 0
    widths = [(margin, margin), (margin, margin)] + [(0, 0)] * (clean.ndim - 2)
    level = (np.pad(clean, widths, mode="reflect").astype(np.float64) - config.black_level) / config.peak
    noise = _independent_noise(level, config, generator)
    if config.correlation:
        sigma = noise_sigma(level, config)
        unit = np.divide(noise, sigma, out=np.zeros_like(noise), where=sigma > 0)
        noise = _correlate(unit, config.correlation) * sigma[1:-1, 1:-1]
    values = np.rint(clean + noise * config.peak)
    return values.clip(0, np.iinfo(clean.dtype).max).astype(clean.dtype)


def noise_sigma(level: Doubles, config: SampleConfig) -> Doubles:
    """Standard deviation of the noise for clean values.

    Shape:
        level: any, clean values in [0, 1]
        returns: the same shape, on the same scale
    """
    shot = level / config.photons if config.photons else np.zeros_like(level)
    return np.asarray(np.sqrt(shot + (config.read_noise / READ_NOISE_SCALE) ** 2))


def correlation_taps(correlation: float) -> tuple[float, float]:
    """Outer and centre tap of the kernel (outer, centre, outer) that makes white noise correlated.

    The kernel runs along the rows and along the columns. With centre = cos t and outer = sin t / sqrt 2 its
    energy centre^2 + 2 outer^2 is 1, so the variance stays; its correlation at distance 1 is 2 outer centre =
    sin 2t / sqrt 2, which is solved for t. (At distance 2 it leaves outer^2, diagonally correlation^2.)
    """
    angle = 0.5 * math.asin(math.sqrt(2.0) * correlation)
    return math.sin(angle) / math.sqrt(2.0), math.cos(angle)


def _independent_noise(level: Doubles, config: SampleConfig, generator: np.random.Generator) -> Doubles:
    noise = np.zeros_like(level)
    if config.photons:
        noise += generator.poisson(config.photons * level) / config.photons - level
    if config.read_noise:
        noise += generator.normal(0.0, config.read_noise / READ_NOISE_SCALE, level.shape)
    return noise


def _correlate(unit: Doubles, correlation: float) -> Doubles:
    """Filter unit noise along rows and columns.

    Shape:
        unit: (h + 2, w + 2, ...)
        returns: (h, w, ...)
    """
    outer, centre = correlation_taps(correlation)
    along_columns = outer * (unit[:-2] + unit[2:]) + centre * unit[1:-1]
    return np.asarray(outer * (along_columns[:, :-2] + along_columns[:, 2:]) + centre * along_columns[:, 1:-1])
