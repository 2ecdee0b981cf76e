"""The bundle's manifest.json, and the card: the facts that each model file carries in its metadata."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from zsn2m_runtime.model_record import (
    MOST_BUNDLE,
    MOST_COUNT,
    MOST_MODEL,
    MOST_SELF_TEST,
    FileRecord,
    ModelEntry,
    ModelFacts,
    check_size,
)
from zsn2m_runtime.mosaic_record import PLANES, MosaicRecord
from zsn2m_runtime.noise_record import (
    ChannelsRecord,
    DeadLinesRecord,
    FixedPatternRecord,
    ImpulseNoise,
    NoiseGroup,
    NoiseRecord,
    RowNoise,
    TrainingStats,
)
from zsn2m_runtime.record import Record, SparseRecord
from zsn2m_runtime.sample_types import MOST_COMPUTED, is_whole, limits_of
from zsn2m_runtime.training_record import MethodRecord, TrainingRecord

SCHEMA_VERSION = 1  # rises only on an incompatible change
MANIFEST_NAME = "manifest.json"
CARD_KEY = "zsn2m.json"  # name of the card in ONNX metadata_props and in TorchScript extra files

# Limits of what is read, as a bundle may come from a stranger: docs/decisions/bundle-limits.md.
MOST_MANIFEST = 8 * 2**20  # bytes; the largest export measured has 40 kB
MOST_MODELS = 100  # exports make at most 48: 4 networks in 3 precisions for 4 kinds of arrays
MOST_EXTRAS = 1000  # files beside the models; exports make four

SampleType = Literal[
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64"
]  # fmt: skip


class ChannelRecord(Record):
    """The channel of a stack that a bundle is for."""

    number: int = Field(ge=1, le=MOST_COUNT)
    name: str = Field("", description="empty where the stack does not name its channels")
    of: int = Field(ge=1, le=MOST_COUNT, description="how many the stack has")

    @property
    def label(self) -> str:
        """Its name for messages."""
        return self.name or f"channel {self.number}"


class Sensor(SparseRecord):
    """What a frame of this sensor is. Output is clamped to `range`, in sensor units."""

    dtype: SampleType
    channels: Literal[1, 3]
    range: tuple[float, float]
    noise_sigma: float = Field(
        ge=0, description="estimated from the training frames, sensor units; without heavy tails"
    )
    stack_channel: ChannelRecord | None = Field(None, description="None: the frames were not one channel of a stack")
    mosaic: MosaicRecord | None = Field(None, description="None: the frames are no mosaics")

    @property
    def planes(self) -> int:
        """Channels of the network: those of a frame, or the 4 planes of a mosaic."""
        return PLANES if self.mosaic else self.channels

    @model_validator(mode="after")
    def _rises_within_its_type(self) -> Self:
        low, high = self.range
        least, most = limits_of(self.dtype) if is_whole(self.dtype) else (-MOST_COMPUTED, MOST_COMPUTED)
        if not float(least) <= low < high <= float(most):
            raise ValueError(f"expected a range of two rising values of {self.dtype}, but got {low:g} to {high:g}")
        if self.mosaic and self.channels != 1:
            raise ValueError(f"expected 1 channel in mosaics, but got {self.channels}")
        return self


class Normalisation(Record):
    """A network's input is (frame - offset) / scale; every exported graph contains this step."""

    offset: float
    scale: float = Field(gt=0)

    @property
    def in_use(self) -> tuple[float, float]:
        """The values that become 0 and 1, in sensor units."""
        return self.offset, self.offset + self.scale


class ModelCard(ModelFacts):
    """The facts of one model and of its sensor: enough to use the model file alone."""

    schema_version: int
    sensor: Sensor
    normalisation: Normalisation


class Manifest(Record):
    """The content of manifest.json: all facts on a bundle and its training."""

    schema_version: int = SCHEMA_VERSION
    created: str
    versions: dict[str, str]
    method: MethodRecord
    seed: int = Field(ge=-MOST_COUNT, le=MOST_COUNT)
    sensor: Sensor
    normalisation: Normalisation
    noise: NoiseRecord | None = Field(None, description="None in bundles of older versions")
    look: TrainingStats | None = Field(None, description="None in bundles of older versions")
    mixture: tuple[NoiseGroup, ...] = Field(
        (), description="one entry for each noise model, if there are several; `noise` and `look` are then of the first"
    )
    row_noise: tuple[RowNoise, ...] = Field(
        (),
        max_length=2,
        description="noise that rows or columns share, which SensorNet's models remove first; `noise`, `look` and "
        "`mixture` are without it",
    )
    impulses: ImpulseNoise | None = Field(
        None, description="salt and pepper, which SensorNet's models replace first; `noise` and `look` are without it"
    )
    fixed_pattern: FixedPatternRecord | None = Field(
        None,
        description="fixed-pattern noise that SensorNet's models remove; None: none was found, or one frame given. "
        "`noise` is without it, `look` with it",
    )
    dead_lines: DeadLinesRecord | None = Field(
        None,
        description="dead and stuck columns and rows that SensorNet's models replace first; None: there were none, or "
        "they are kept. `noise` and `look` are without them",
    )
    default: str | None = Field(None, description="id of the model to use unless told otherwise")
    models: tuple[ModelEntry, ...] = Field((), max_length=MOST_MODELS)
    weights: FileRecord | None = None
    self_test_input: FileRecord
    extras: tuple[FileRecord, ...] = Field((), max_length=MOST_EXTRAS)
    training: TrainingRecord = TrainingRecord()

    @model_validator(mode="after")
    def _is_of_its_sensor(self) -> Self:
        records: list[ChannelsRecord | None] = [self.noise, self.look, self.impulses, *self.row_noise]
        for group in self.mixture:
            records += [group.noise, group.look]
        for record in filter(None, records):
            record.check_channels(self.sensor.planes)
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
