"""The bundle's manifest.json, and the card that every single model file carries inside itself."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zsn2m_runtime.sample_types import MOST_COMPUTED, is_whole, limits_of
from zsn2m_runtime.training_record import MethodRecord, TrainingRecord

SCHEMA_VERSION = 1  # rises only on an incompatible change
MANIFEST_NAME = "manifest.json"
CARD_KEY = "zsn2m.json"  # name of the card in ONNX metadata_props and in TorchScript extra files

# Limits, as a bundle may come from anybody (docs/decisions/bundle-limits.md); far above what exports write.
MOST_MANIFEST = 8 * 2**20  # bytes; the largest seen has 40 kB
MOST_MODELS = 100  # exports make at most 36: 3 networks in 3 precisions for 4 kinds of arrays
MOST_EXTRAS = 1000  # files beside the models; exports make four
MOST_MODEL = 2**30  # bytes of a model or the weights; the largest export has 11 MB
MOST_SELF_TEST = 16 * 2**20  # bytes of a self-test array; exports write 110 kB
MOST_BUNDLE = 64 * 2**30  # bytes of all files together: their hashes take a minute or two
MOST_REACH = 2**20  # pixels of stride and radius, as in libzsn2m
_MOST_COUNT = 2**63 - 1

SampleType = Literal[
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64"
]  # fmt: skip
ModelFormat = Literal["onnx", "torchscript"]
ModelIo = Literal["sensor", "unit", "u8", "u16"]
Span = tuple[float, float]
PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")]  # never a path out of the bundle


class _Record(BaseModel):
    # Unknown keys are ignored: a later minor version may add some. JSON has no NaN: it fails here, not when read.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class FileRecord(_Record):
    """One file of the bundle, as it must be found."""

    name: PlainName
    bytes: int = Field(ge=0, le=MOST_BUNDLE)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ChannelRecord(_Record):
    """The channel of a stack that a bundle is for."""

    number: int = Field(ge=1, le=_MOST_COUNT)
    name: str = Field("", description="empty where the stack does not name its channels")
    of: int = Field(ge=1, le=_MOST_COUNT, description="how many the stack has")

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or f"channel {self.number}"


class Sensor(_Record):
    """What a frame of this sensor is. `range` is what output is clamped to, in sensor units."""

    dtype: SampleType
    channels: Literal[1, 3]
    range: tuple[float, float]
    noise_sigma: float = Field(ge=0, description="estimated from the training frames, sensor units")
    stack_channel: ChannelRecord | None = Field(None, description="None: trained on frames that are no channel of many")

    @model_validator(mode="after")
    def _rises_within_its_type(self) -> Self:
        low, high = self.range
        least, most = limits_of(self.dtype) if is_whole(self.dtype) else (-MOST_COMPUTED, MOST_COMPUTED)
        if not float(least) <= low < high <= float(most):
            raise ValueError(f"expected a range of two rising values of {self.dtype}, but got {low:g} to {high:g}")
        return self


class _ChannelsRecord(_Record):
    of_channels: ClassVar[tuple[str, ...]]  # the fields with a value of each channel

    def check_channels(self, channels: int) -> None:
        """Refuse another number of values than one of each channel, where a field has them.

        Raises:
            ValueError: naming the field.
        """
        for name in self.of_channels:
            if (count := len(getattr(self, name))) != channels:
                raise ValueError(
                    f"expected {name} to have a value for each of the sensor's {channels} channel(s), but got {count}"
                )


class HeavyTails(_Record):
    """Samples whose noise is stronger than a normal distribution has it."""

    share: float = Field(gt=0, le=1, description="of the samples")
    factor: float = Field(gt=1, description="by which their noise is stronger than that of the others, the core")


class NoiseRecord(_ChannelsRecord):
    """The noise as it was estimated from the training frames, sensor units."""

    of_channels = ("slope", "floor", "skew")

    slope: tuple[float, ...] = Field(description="of each channel: the variance at brightness x is slope x + floor")
    floor: tuple[float, ...]
    span: tuple[float, float] | None = Field(description="brightness that it was seen at; a falling line ends there")
    skew: tuple[float, ...] = Field(description="skewness of each channel; below zero after a tone curve")
    neighbours: tuple[float, float] = Field(description="correlation of a pixel with the one beside, the one below")
    channels: float = Field(description="mean correlation of two channels at one pixel; 0 for grey")
    correlated: bool = Field(description="whether the neighbours count as correlated")
    tails: HeavyTails | None = Field(None, description="then the line is that of the core; None: tails are normal")


class TrainingStats(_ChannelsRecord):
    """What the training frames look like, to compare others with: pairs are least and most over the frames."""

    of_channels = ("low", "high")

    low: tuple[float, ...] = Field(description="of each channel: hardly any block of pixels is darker; sensor units")
    high: tuple[float, ...] = Field(description="or brighter")
    texture: float = Field(description="detail of the most textured places, in units of the noise's variance")
    noise: Span = Field(description="noise of a frame by itself, in units of that of all together")
    beside: Span = Field(description="correlation of the noise of a pixel with that of the one beside")
    below: Span = Field(description="and with that of the one below")
    channels: Span = Field(description="mean correlation of two channels' noise; 0 for grey")


class NoiseGroup(_Record):
    """Frames of the same noise, of those that were trained on as a mixture."""

    frames: tuple[str, ...] = Field(description="their names")
    sigma: float = Field(ge=0, description="standard deviation of their noise, sensor units")
    noise: NoiseRecord
    look: TrainingStats


class Normalisation(_Record):
    """A network sees (frame - offset) / scale; baked into every exported graph."""

    offset: float
    scale: float = Field(gt=0)

    @property
    def in_use(self) -> tuple[float, float]:
        """The range of values that become 0 to 1, in sensor units."""
        return self.offset, self.offset + self.scale


class ModelFacts(_Record):
    """What a runtime must know of one model."""

    id: PlainName
    role: PlainName
    precision: PlainName
    io: ModelIo = Field(
        "sensor",
        description="what goes in and comes out: float32 (n, c, h, w) in sensor units; unit: the same from 0 to 1 over "
        "the sensor's range; u8, u16: integer (n, h, w, c), sensor units",
    )
    input: str = "noisy"
    output: str = "denoised"
    dynamic_axes: tuple[str, ...] = ("n", "h", "w")
    stride: int = Field(ge=1, le=MOST_REACH, description="cut frames at multiples of it")
    receptive_radius: int = Field(ge=0, le=MOST_REACH, description="pixels a result depends on, to each side")
    parameters: int = Field(ge=0, le=_MOST_COUNT)


class ModelCard(ModelFacts):
    """The facts of one model with those of its sensor: enough to use the file alone."""

    schema_version: int
    sensor: Sensor
    normalisation: Normalisation


class Parity(_Record):
    """Largest differences over all probes, as fractions of the normalisation's scale.

    To the eager network; of a model with another io than sensor: to the model that it is the twin of.
    """

    torchscript: float | None = Field(None, description="None where there is no TorchScript file")
    onnxruntime: float
    tolerance: float
    probes: tuple[tuple[int, int], ...] = Field(description="height and width of each frame compared")
    levels_off: int | None = Field(None, description="integer twins: samples rounded to the level beside, all probes")


class Fidelity(_Record):
    """How near a model of lower precision is to the fp32 one, in dB; the peak is the normalisation's scale."""

    psnr_frame: float = Field(description="on the calibration frame's crop and cuts of it")
    psnr_noise: float = Field(description="on noise over the range in use")
    gate: float = Field(description="either PSNR below it would have been refused")
    calibrated_on: str | None = Field(None, description="the frame that 8-bit ranges were measured on")


class ModelEntry(ModelFacts):
    """One model of the bundle."""

    files: dict[ModelFormat, FileRecord]
    self_test_input: FileRecord | None = Field(None, description="None: the bundle's")
    self_test: FileRecord = Field(description="expected output for the self-test input, in the model's own io")
    parity: Parity | None = Field(None, description="None for lower precisions, which have a fidelity")
    fidelity: Fidelity | None = Field(None, description="None for fp32")

    @model_validator(mode="after")
    def _has_files_of_sensible_size(self) -> Self:
        if not self.files:
            raise ValueError("expected a file of each model, but got none")
        for record in self.files.values():
            check_size(record, MOST_MODEL)
        for array in (self.self_test, self.self_test_input):
            check_size(array, MOST_SELF_TEST)
        return self


def check_size(record: FileRecord | None, most: int) -> None:
    """Refuse a file that is far larger than any export's.

    Raises:
        ValueError: it is.
    """
    if record is not None and record.bytes > most:
        raise ValueError(f"expected {record.name} to have at most {most:,} bytes, but got {record.bytes:,}")


class Manifest(_Record):
    """All that is known of a bundle."""

    schema_version: int = SCHEMA_VERSION
    created: str
    versions: dict[str, str]
    method: MethodRecord
    seed: int = Field(ge=-_MOST_COUNT, le=_MOST_COUNT)
    sensor: Sensor
    normalisation: Normalisation
    noise: NoiseRecord | None = Field(None, description="None in bundles of older versions")
    look: TrainingStats | None = Field(None, description="None in bundles of older versions")
    mixture: tuple[NoiseGroup, ...] = Field(
        (), description="where training frames differ in noise; `noise` and `look` are of the first group then"
    )
    default: str | None = Field(None, description="id of the model to use unless told otherwise")
    models: tuple[ModelEntry, ...] = Field((), max_length=MOST_MODELS)
    weights: FileRecord | None = None
    self_test_input: FileRecord
    extras: tuple[FileRecord, ...] = Field((), max_length=MOST_EXTRAS)
    training: TrainingRecord = TrainingRecord()

    @model_validator(mode="after")
    def _is_of_its_sensor(self) -> Self:
        records: list[NoiseRecord | TrainingStats | None] = [self.noise, self.look]
        for group in self.mixture:
            records += [group.noise, group.look]
        for record in filter(None, records):
            record.check_channels(self.sensor.channels)
        return self

    @model_validator(mode="after")
    def _knows_its_models(self) -> Self:
        ids = [model.id for model in self.models]
        if len(set(ids)) < len(ids):
            raise ValueError(f"expected each model once, but got {', '.join(ids)}")
        if self.default is not None and self.default not in [model.id for model in self.models if model.io == "sensor"]:
            raise ValueError(
                f"expected default to be a model that takes frames in sensor units, but got {self.default!r} of "
                f"{', '.join(ids) or 'no models'}"
            )
        return self

    @model_validator(mode="after")
    def _has_files_of_sensible_size(self) -> Self:
        check_size(self.weights, MOST_MODEL)
        check_size(self.self_test_input, MOST_SELF_TEST)
        total = sum(record.bytes for record in set(self.file_records()))
        if total > MOST_BUNDLE:
            raise ValueError(f"expected files of at most {MOST_BUNDLE:,} bytes together, but got {total:,}")
        return self

    def card(self, model: ModelFacts) -> ModelCard:
        """The card of one of the models."""
        facts = model.model_dump(include=set(ModelFacts.model_fields))
        return ModelCard(
            **facts, schema_version=self.schema_version, sensor=self.sensor, normalisation=self.normalisation
        )

    def file_records(self) -> list[FileRecord]:
        """Every file that belongs to the bundle, the manifest apart."""
        records = [self.self_test_input, *self.extras]
        if self.weights:
            records.append(self.weights)
        for model in self.models:
            records += [*model.files.values(), model.self_test]
            if model.self_test_input:
                records.append(model.self_test_input)
        return records
