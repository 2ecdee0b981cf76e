"""The manifest's records of the noise model and of the statistics of the training frames."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from zsn2m_runtime.record import Record

Axis = Literal["rows", "columns"]
Span = tuple[float, float]  # least and most
MOST_DEAD = 4096  # columns, or rows, that a manifest names
MOST_MEMORY = 32.0  # rows; strips of a frame overlap by three times as many: docs/decisions/row-noise.md


class ChannelsRecord(Record):
    """A record in which some fields have one value for each channel."""

    of_channels: ClassVar[tuple[str, ...]]  # names of these fields

    def check_channels(self, channels: int) -> None:
        """Refuse a field of `of_channels` that does not have one value for each channel.

        Raises:
            ValueError: naming the field.
        """
        for name in self.of_channels:
            if (count := len(getattr(self, name))) != channels:
                raise ValueError(
                    f"expected {name} to have a value for each of the sensor's {channels} channel(s) or planes, but "
                    f"got {count}"
                )


class HeavyTails(Record):
    """Noise of which some samples deviate more than a normal distribution allows: a mixture of two normal ones."""

    share: float = Field(gt=0, le=1, description="share of these samples")
    factor: float = Field(gt=1, description="their standard deviation over that of the other samples, the core")
    power: float = Field(ge=0, description="variance of all samples over that of the core, as measured")


class RowNoise(ChannelsRecord):
    """Noise that a whole row, or a whole column, shares: an offset for each, removed before the network."""

    of_channels = ("pixel_sigma",)

    axis: Axis = Field(description="`rows` or `columns`")
    sigma: float = Field(
        ge=0, description="standard deviation of the offsets, sensor units, of the channel that has most"
    )
    pixel_sigma: tuple[float, ...] = Field(description="of each channel: that of single pixels")
    fixed: bool = Field(False, description="whether several training frames had the same offsets")
    memory: float = Field(
        gt=0, le=MOST_MEMORY, description="rows, or columns, over which the weight of others falls to 1 / e"
    )
    ends: Span | None = Field(
        None,
        description="least and most that the sensor gives: samples there are clipped and stay; None: unknown",
    )


class ImpulseNoise(ChannelsRecord):
    """Salt and pepper: samples at the ends of the values, far from their neighbours, replaced before the network."""

    of_channels = ("slope", "floor")

    low: float = Field(description="samples from there down are at the low end, sensor units")
    high: float = Field(description="samples from there up are at the high end, sensor units")
    slope: tuple[float, ...] = Field(
        description="of each channel: the variance of the other noise at brightness x is slope * x + floor"
    )
    floor: tuple[float, ...] = Field(description="of each channel: see slope")
    most_alike: float = Field(description="of the 24 samples around one, how many may be at the same end")


class FixedPatternRecord(Record):
    """An offset of each pixel that all training frames had, removed from frames of their size."""

    sigma: float = Field(ge=0, description="standard deviation of the offsets, sensor units")
    height: int = Field(ge=1, description="pixels of the frames that it is removed from")
    width: int = Field(ge=1, description="pixels of the frames that it is removed from")


class DeadLinesRecord(Record):
    """Dead and stuck columns and rows of the sensor, replaced in frames of their width (columns) or height (rows)."""

    columns: tuple[int, ...] = Field(
        (), max_length=MOST_DEAD, description="their numbers, from 0; of a mosaic's planes"
    )
    rows: tuple[int, ...] = Field((), max_length=MOST_DEAD, description="their numbers, from 0; of a mosaic's planes")
    height: int = Field(ge=1, description="pixels of the frames, or planes, that rows are replaced in")
    width: int = Field(ge=1, description="pixels of the frames, or planes, that columns are replaced in")

    @model_validator(mode="after")
    def _are_inside(self) -> Self:
        for numbers, length in ((self.columns, self.width), (self.rows, self.height)):
            if not all(0 <= number < length for number in numbers) or len(set(numbers)) >= length:
                raise ValueError(f"expected numbers from 0 to {length - 1}, not all of them, but got {numbers[:8]}")
        return self


class JpegNoise(Record):
    """How the noise of a camera's JPEG came: independent in the pixels of a mosaic, demosaicked, compressed."""

    quality: int = Field(ge=1, le=100, description="of the JPEG, on the scale of the Independent JPEG Group")
    sigma: float = Field(gt=0, description="standard deviation before the JPEG, sensor units")
    black: float = Field(description="black of the JPEG, sensor units")
    white: float = Field(description="white of the JPEG, sensor units")

    def rescaled(self, offset: float, scale: float) -> JpegNoise:
        """The same way, of frames that are (x - offset) / scale."""
        black, white = (self.black - offset) / scale, (self.white - offset) / scale
        return self.model_copy(update={"sigma": self.sigma / scale, "black": black, "white": white})


class NoiseRecord(ChannelsRecord):
    """The noise model that was estimated from the training frames, sensor units."""

    of_channels = ("slope", "floor", "skew")

    slope: tuple[float, ...] = Field(description="of each channel: the variance at brightness x is slope * x + floor")
    floor: tuple[float, ...]
    span: tuple[float, float] | None = Field(
        description="brightness that the variance was measured at; beyond it, a falling line stays constant"
    )
    skew: tuple[float, ...] = Field(description="skewness of each channel; negative after a tone curve")
    neighbours: tuple[float, float] = Field(
        description="correlation of a pixel's noise with that of the pixel beside, and below"
    )
    channels: float = Field(description="mean correlation of two channels at one pixel; 0 for grey")
    correlated: bool = Field(description="whether the noise counts as correlated")
    tails: HeavyTails | None = Field(
        None, description="if given, slope and floor are those of the core; None: the distribution is normal"
    )
    jpeg: JpegNoise | None = Field(
        None, description="if given, how the noise came, the other fields being what the JPEG left; None: otherwise"
    )


class TrainingStats(ChannelsRecord):
    """Statistics of the training frames, to compare others with; a pair is the least and the most of all frames."""

    of_channels = ("low", "high")

    low: tuple[float, ...] = Field(description="of each channel: hardly any block of pixels is darker; sensor units")
    high: tuple[float, ...] = Field(description="of each channel: hardly any block of pixels is brighter; sensor units")
    texture: float = Field(description="detail of the most textured places, in units of the noise's variance")
    noise: Span = Field(description="noise of one frame, in units of the noise of all frames together")
    beside: Span = Field(description="correlation of a pixel's noise with that of the pixel beside")
    below: Span = Field(description="correlation of a pixel's noise with that of the pixel below")
    channels: Span = Field(description="mean correlation of two channels' noise; 0 for grey")


class NoiseGroup(Record):
    """Those training frames that share one noise model, where several noise models were trained on."""

    frames: tuple[str, ...] = Field(description="their names")
    sigma: float = Field(ge=0, description="standard deviation of their noise, sensor units")
    noise: NoiseRecord
    look: TrainingStats
