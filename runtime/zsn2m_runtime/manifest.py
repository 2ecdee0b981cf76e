"""The bundle's manifest.json, and the card that every single model file carries inside itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1  # rises only on an incompatible change
MANIFEST_NAME = "manifest.json"
CARD_KEY = "zsn2m.json"  # name of the card in ONNX metadata_props and in TorchScript extra files

SampleType = Literal["uint8", "uint16", "float32"]
ModelFormat = Literal["onnx", "torchscript"]
PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")]  # never a path out of the bundle


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)  # unknown keys are ignored: a later minor version may add some


class FileRecord(_Record):
    """One file of the bundle, as it must be found."""

    name: PlainName
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Sensor(_Record):
    """What a frame of this sensor is. `range` is what output is clamped to, in sensor units."""

    dtype: SampleType
    channels: Literal[1, 3]
    range: tuple[float, float]
    noise_sigma: float = Field(ge=0, description="estimated from the training frames, sensor units")


class Normalisation(_Record):
    """A network sees (frame - offset) / scale; baked into every exported graph."""

    offset: float
    scale: float = Field(gt=0)


class ModelFacts(_Record):
    """What a runtime must know of one model."""

    id: PlainName
    role: str
    precision: str
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
    """Largest differences to the eager network over all probes, as fractions of the normalisation's scale."""

    torchscript: float
    onnxruntime: float
    tolerance: float
    probes: tuple[tuple[int, int], ...] = Field(description="height and width of each frame compared")


class ModelEntry(ModelFacts):
    """One model of the bundle."""

    files: dict[ModelFormat, FileRecord]
    self_test: FileRecord = Field(description="expected output for the bundle's self-test input")
    parity: Parity


class Manifest(_Record):
    """All that is known of a bundle."""

    schema_version: int = SCHEMA_VERSION
    created: str
    versions: dict[str, str]
    method: dict[str, Any]
    seed: int
    sensor: Sensor
    normalisation: Normalisation
    default: str | None = Field(None, description="id of the model to use unless told otherwise")
    models: tuple[ModelEntry, ...] = ()
    weights: FileRecord | None = None
    self_test_input: FileRecord
    extras: tuple[FileRecord, ...] = ()
    training: dict[str, Any] = {}

    def card(self, model: ModelEntry) -> ModelCard:
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
        return records
