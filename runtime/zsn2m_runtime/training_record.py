"""The manifest's records of the method and of the training run."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from zsn2m_runtime.record import SparseRecord


class _Part(SparseRecord):
    # Bundles of older versions lack fields, hence the defaults. Unknown fields are kept: an export writes them again.
    model_config = ConfigDict(extra="allow")


class MethodRecord(_Part):
    """The whole configuration of the training; only the fields that readers use are listed, the others are kept."""

    method: str = Field("adapt", description="`adapt`, `mbd`, `full` or `paper`")
    preset: str = Field("default", description="`instant`, `fast`, `default` or `best`")
    strength: float = Field(1.0, description="factor on the noise")
    mosaic: str = Field("auto", description="`none`: frames that look like a mosaic are taken as they are")


class TrainedFrame(_Part):
    """A frame that was trained on."""

    name: str = Field(description="of its file, or its number")
    height: int = Field(0, description="pixels")
    width: int = Field(0, description="pixels")


class TrainedStage(_Part):
    """One stage of the training."""

    stage: str = Field(description="the network that it trained")
    seconds: float = Field(description="it took")
    iterations: int = Field(0, description="steps")
    losses: tuple[float, ...] = Field((), description="at most 100, evenly spaced, from the first step on")


class TrainingRecord(_Part):
    """The training run, with the texts that terminal and report show."""

    frames: tuple[TrainedFrame, ...] = Field((), description="that were trained on")
    device: str = Field("", description="such as `cpu` or `cuda:0`")
    precision: str = Field("", description="of the convolutions in training; weights are float32")
    chosen: str | None = Field(None, description="one line: what was chosen automatically and why")
    defective_share: float = Field(0.0, description="of the samples, if defective pixels are corrected")
    impulse_share: float = Field(0.0, description="of the samples, if there are impulses (salt and pepper)")
    stages: tuple[TrainedStage, ...] = Field((), description="in their order")
    export_seconds: float = Field(0.0, description="the export took")
    summary: dict[str, str] = Field({}, description="verdict and self-check, one line each")
    hints: tuple[str, ...] = Field((), description="facts that need no action")
    warnings: tuple[str, ...] = Field((), description="possible faults of the result")
    next: tuple[str, ...] = Field((), description="what to do next, with commands in backquotes")
