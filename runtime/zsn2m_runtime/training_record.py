"""What a manifest says of the training, as far as anything reads it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zsn2m_runtime.validation import fault_in_words


class _Part(BaseModel):
    # What nothing reads is kept in the manifest as it is; bundles of older versions have less.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="ignore")


class TrainedFrame(_Part):
    """A frame that was trained on."""

    name: str


class TrainedStage(_Part):
    """One stage of the training."""

    stage: str
    seconds: float


class TrainingRecord(_Part):
    """The training, in the words of the terminal and the report."""

    frames: tuple[TrainedFrame, ...] = ()
    stages: tuple[TrainedStage, ...] = ()
    chosen: str | None = Field(None, description="the line of what was chosen and why")
    summary: dict[str, str] = {}
    hints: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = Field((), description="what to do next, with commands in backquotes")


def check_training(training: dict[str, Any]) -> dict[str, Any]:
    """The same, once what is read of it has the types that are expected.

    Raises:
        ValueError: it has others.
    """
    try:
        TrainingRecord.model_validate(training)
    except ValidationError as error:
        raise ValueError(fault_in_words(error)) from error
    return training
