"""What a synthetic sample looks like: size, sensor and noise."""

from __future__ import annotations

from dataclasses import dataclass

from zsn2m_runtime.errors import UsageError

MINIMUM_SIDE = 16
MAXIMUM_SIDE = 16384
MAXIMUM_PHOTONS = 1e6
MAXIMUM_READ_NOISE = 255.0
MAXIMUM_CORRELATION = 0.6
MAXIMUM_FRAMES = 9999

# Sensor values of x = 0 (black) and x = 1 (white). 16 bit stands for a 12-bit camera with a black level.
BLACK_LEVELS = {8: 0, 16: 512}
WHITE_LEVELS = {8: 255, 16: 4095}


@dataclass(frozen=True)
class SampleConfig:
    """Size, sensor and noise of a synthetic sample.

    The defaults make noise of about sigma 25 (0..255 scale) at mid grey: 255^2 * 0.5 / 60 + 9^2 = 25.0^2.

    Attributes:
        width: pixels, 16 to 16384
        height: pixels, 16 to 16384
        channels: 1 grey or 3 RGB
        bit_depth: 8 (uint8; black 0, white 255) or 16 (uint16 holding a 12-bit sensor: black 512, white 4095;
            noise may go beyond both)
        photons: photons expected at full white, 0 to 1e6; shot noise is Poisson(photons * x) / photons for a
            clean x in [0, 1]; 0 means no shot noise
        read_noise: Gaussian sigma in 1/255 of the span from black to white, 0 to 255
        correlation: correlation of the noise of two pixels side by side or one above the other, 0 to 0.6
        seed: of the noise, 0 or more; the scene is the same for every seed
        frames: how many frames of the same scene, 1 to 9999; some objects move by less than a pixel a frame
    Raises:
        UsageError: if a value lies outside its range.
    """

    width: int = 512
    height: int = 512
    channels: int = 3
    bit_depth: int = 8
    photons: float = 60.0
    read_noise: float = 9.0
    correlation: float = 0.0
    seed: int = 0
    frames: int = 1

    def __post_init__(self) -> None:
        _check_range("width", self.width, MINIMUM_SIDE, MAXIMUM_SIDE)
        _check_range("height", self.height, MINIMUM_SIDE, MAXIMUM_SIDE)
        _check_choice("channels", self.channels, (1, 3))
        _check_choice("bit_depth", self.bit_depth, tuple(BLACK_LEVELS))
        _check_range("photons", self.photons, 0.0, MAXIMUM_PHOTONS)
        _check_range("read_noise", self.read_noise, 0.0, MAXIMUM_READ_NOISE)
        _check_range("correlation", self.correlation, 0.0, MAXIMUM_CORRELATION)
        _check_range("frames", self.frames, 1, MAXIMUM_FRAMES)
        if self.seed < 0:
            raise UsageError(f"sample: expected a seed of 0 or more, but got {self.seed}")

    @property
    def dtype(self) -> str:
        """Name of the sample type: uint8 or uint16."""
        return f"uint{self.bit_depth}"

    @property
    def black_level(self) -> int:
        """Sensor value of x = 0."""
        return BLACK_LEVELS[self.bit_depth]

    @property
    def white_level(self) -> int:
        """Sensor value of x = 1."""
        return WHITE_LEVELS[self.bit_depth]

    @property
    def peak(self) -> int:
        """Span from black to white in sensor values: the peak to use for PSNR (255, or 3583 for 16 bit)."""
        return self.white_level - self.black_level


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also catches NaN
        raise UsageError(f"sample: expected {name} from {low:g} to {high:g}, but got {value}")


def _check_choice(name: str, value: int, choices: tuple[int, ...]) -> None:
    if value not in choices:
        raise UsageError(f"sample: expected {name} to be {' or '.join(map(str, choices))}, but got {value}")
