"""The bundle's manifest.json, and the card that every single model file carries inside itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1  # rises only on an incompatible change
MANIFEST_NAME = "manifest.json"
CARD_KEY = "zsn2m.json"  # name of the card in ONNX metadata_props and in TorchScript extra files

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
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ChannelRecord(_Record):
    """The channel of a stack that a bundle is for."""

    number: int = Field(ge=1)
    name: str = Field("", description="empty where the stack does not name its channels")
    of: int = Field(ge=1, description="how many the stack has")

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


class NoiseRecord(_Record):
    """The noise as it was estimated from the training frames, sensor units."""

    slope: tuple[float, ...] = Field(description="of each channel: the variance at brightness x is slope x + floor")
    floor: tuple[float, ...]
    span: tuple[float, float] | None = Field(description="brightness that it was seen at; a falling line ends there")
    skew: tuple[float, ...] = Field(description="skewness of each channel; below zero after a tone curve")
    neighbours: tuple[float, float] = Field(description="correlation of a pixel with the one beside, the one below")
    channels: float = Field(description="mean correlation of two channels at one pixel; 0 for grey")
    correlated: bool = Field(description="whether the neighbours count as correlated")


class LookRecord(_Record):
    """What the training frames look like, to compare others with: pairs are least and most over the frames."""

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
    look: LookRecord


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
    role: str
    precision: str
    io: ModelIo = Field(
        "sensor",
        description="what goes in and comes out: float32 (n, c, h, w) in sensor units; unit: the same from 0 to 1 over "
        "the sensor's range; u8, u16: integer (n, h, w, c), sensor units",
    )
    input: str = "noisy"
    output: str = "denoised"
    dynamic_axes: tuple[str, ...] = ("n", "h", "w")
    stride: int = Field(ge=1, description="cut frames at multiples of it")
    receptive_radius: int = Field(ge=0, description="pixels a result depends on, to each side")
    parameters: int = Field(ge=0)


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


class Manifest(_Record):
    """All that is known of a bundle."""

    schema_version: int = SCHEMA_VERSION
    created: str
    versions: dict[str, str]
    method: dict[str, Any]
    seed: int
    sensor: Sensor
    normalisation: Normalisation
    noise: NoiseRecord | None = Field(None, description="None in bundles of older versions")
    look: LookRecord | None = Field(None, description="None in bundles of older versions")
    mixture: tuple[NoiseGroup, ...] = Field(
        (), description="where training frames differ in noise; `noise` and `look` are of the first group then"
    )
    default: str | None = Field(None, description="id of the model to use unless told otherwise")
    models: tuple[ModelEntry, ...] = ()
    weights: FileRecord | None = None
    self_test_input: FileRecord
    extras: tuple[FileRecord, ...] = ()
    training: dict[str, Any] = {}

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
