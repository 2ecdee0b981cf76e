"""What a manifest says of a model and of its files."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zsn2m_runtime.record import Record

# Limits of what is read, as a bundle may come from a stranger: docs/decisions/bundle-limits.md.
MOST_MODEL = 2**30  # bytes of a model or the weights; the largest export has 11 MB
MOST_SELF_TEST = 16 * 2**20  # bytes of a self-test array; exports write 330 kB
MOST_BUNDLE = 64 * 2**30  # bytes of all files together; hashing so many takes a minute or two
MOST_REACH = 2**20  # pixels of stride or receptive radius; libzsn2m has the same limit
MOST_COUNT = 2**63 - 1  # the largest int64, in which C++ reads counts

ModelFormat = Literal["onnx", "torchscript"]
ModelIo = Literal["sensor", "unit", "u8", "u16"]
PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")]  # never a path out of the bundle


class FileRecord(Record):
    """One file of the bundle, as it must be found."""

    name: PlainName
    bytes: int = Field(ge=0, le=MOST_BUNDLE)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ModelFacts(Record):
    """What a runtime must know of one model."""

    id: PlainName
    role: PlainName
    precision: PlainName
    io: ModelIo = Field(
        "sensor",
        description="arrays that it takes and returns. sensor: float32 (n, c, h, w) in sensor units; unit: the same, "
        "from 0 to 1 over the sensor's range; u8, u16: integer (n, h, w, c) in sensor units",
    )
    input: str = "noisy"
    output: str = "denoised"
    strength: str | None = Field(
        None,
        description="input, float32 (1,), for noise so many times as strong as that of the training frames; 1 where "
        "none is given; None: no such input",
    )
    dynamic_axes: tuple[str, ...] = ("n", "h", "w")
    stride: int = Field(ge=1, le=MOST_REACH, description="pixels; cut frames at multiples of it")
    receptive_radius: int = Field(ge=0, le=MOST_REACH, description="rows above and below that a result depends on")
    parameters: int = Field(ge=0, le=MOST_COUNT)


class Parity(Record):
    """Largest differences over all probes, as fractions of the normalisation's scale.

    Models with io sensor are compared with the network in torch, others with the model of the same network that has
    io sensor.
    """

    torchscript: float | None = Field(None, description="None where there is no TorchScript file")
    onnxruntime: float
    tolerance: float
    probes: tuple[tuple[int, int], ...] = Field(description="height and width of each frame that was compared")
    levels_off: int | None = Field(
        None, description="u8 and u16: samples of all probes that were rounded to the next level"
    )


class Fidelity(Record):
    """PSNR of a model of lower precision against its fp32 model, in dB; the peak is the normalisation's scale."""

    psnr_frame: float = Field(description="on the calibration frame's crop and parts of it")
    psnr_noise: float = Field(description="on random values over the range in use")
    gate: float = Field(description="the least PSNR that was accepted")
    calibrated_on: str | None = Field(None, description="name of the frame that int8's ranges were measured on")


class ModelEntry(ModelFacts):
    """One model of the bundle."""

    files: dict[ModelFormat, FileRecord]
    self_test_input: FileRecord | None = Field(None, description="None: the bundle's own")
    self_test: FileRecord = Field(description="expected output for the self-test input, as the model returns it")
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
    """Refuse a file of more bytes than `most`.

    Raises:
        ValueError: naming the file, its size and the limit.
    """
    if record is not None and record.bytes > most:
        raise ValueError(f"expected {record.name} to have at most {most:,} bytes, but got {record.bytes:,}")
