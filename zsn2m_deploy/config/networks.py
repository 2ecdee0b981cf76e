"""What each network is made of and how it learns, as named, checked fields with unit, range and source.

Sources: "paper" is Liu et al., Zero-Shot Noise2Mean, AAAI 2025; "ZS-N2N" is Mansour and Heckel, CVPR 2023; "R2R" is
Pang et al., Recorrupted-to-Recorrupted, CVPR 2021; "measured" is docs/decisions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from zsn2m_deploy.config.limits import (
    LARGEST_POSITIVE,
    MOST_CHANNELS,
    MOST_CROP_SIDE,
    MOST_CROPS,
    MOST_ITERATIONS,
    MOST_LEARNING_RATE,
    MOST_SCENES,
    MOST_WEIGHT,
    SMALLEST_POSITIVE,
)

SCENE_SIDE = 192  # pixels of the scenes that are drawn to adapt and to pretrain on
SYNTHETIC_ALPHA_IE, REAL_ALPHA_IE = 1.0, 10.0  # paper, Sec. 4.2: for synthetic noise, and for cameras and microscopes


class Config(BaseModel):
    """Fields that cannot be changed, misspelt, or set to a truth value for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_no_answers(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic would take `iterations = true` for 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError(f"expected a number, but got {str(value).lower()}")
        return value


class ScheduleConfig(Config):
    """How one network is optimised."""

    iterations: int = Field(
        ge=0, le=MOST_ITERATIONS, description="optimiser steps; 0 leaves a pretrained network as it is; measured"
    )
    optimiser: Literal["muon", "adam"] = Field(
        "muon", description="muon: orthogonalised steps of the kernels (measured); adam: ZS-N2N"
    )
    learning_rate: float = Field(
        gt=0,
        le=MOST_LEARNING_RATE,
        description="the peak of OneCycle; a kernel under Muon steps by twice that; measured",
    )
    schedule: Literal["onecycle", "step"] = Field(
        "onecycle",
        description="onecycle: warm up, then anneal to zero (measured); step: halve each step_size (ZS-N2N)",
    )
    step_size: int = Field(
        1000, ge=1, le=MOST_ITERATIONS, description="steps after which `step` halves the rate; ZS-N2N"
    )
    gradient_clip: float = Field(
        0.0, ge=0, le=MOST_WEIGHT, description="largest norm of the gradient, 0: none; measured"
    )
    crop_side: int = Field(
        ge=16, le=MOST_CROP_SIDE, description="pixels; crops of one step hold at most crop_side^2 pixels"
    )
    max_crops: int = Field(
        ge=1, le=MOST_CROPS, description="most crops in one step, where frames are smaller than a crop"
    )
    flips: bool = Field(description="each crop in one of the 8 orientations of the square; measured")


class SensorConfig(Config):
    """Method adapt: the pretrained SensorNet learns the noise of its frames (docs/decisions/two-losses.md)."""

    scenes: int = Field(24, ge=1, le=MOST_SCENES, description="synthetic scenes in the colours of the frames; measured")
    weight_synthetic: float = Field(1.0, ge=0, le=MOST_WEIGHT, description="of the loss on synthetic scenes; measured")
    weight_recorrupted: float = Field(
        1.0,
        ge=0,
        le=MOST_WEIGHT,
        description="of the loss on recorrupted pairs of the frame; only where noise is independent; measured",
    )
    recorruption: float = Field(
        1.0, ge=SMALLEST_POSITIVE, le=LARGEST_POSITIVE, description="a of y + a z; R2R, measured"
    )
    correct_impulses: bool = Field(
        True, description="salt and pepper, if the frames have it, is replaced by its neighbours; measured"
    )
    correct_defects: bool = Field(
        False,
        description="hot and dead pixels, and dead columns and rows, if the frames have any, are replaced by their "
        "neighbours; measured",
    )
    correct_offsets: bool = Field(
        True, description="noise that rows, columns or frames share, if there is any, is removed; measured"
    )

    @model_validator(mode="after")
    def _can_learn(self) -> Self:
        if self.schedule.crop_side > SCENE_SIDE:
            raise ValueError(
                f"expected schedule.crop_side of at most {SCENE_SIDE}, the side of the drawn scenes, but got "
                f"{self.schedule.crop_side}"
            )
        if not self.weight_synthetic + self.weight_recorrupted:
            raise ValueError("expected weight_synthetic or weight_recorrupted above 0, but got 0 for both")
        return self

    schedule: ScheduleConfig = ScheduleConfig(
        iterations=150, learning_rate=2e-3, crop_side=128, max_crops=16, flips=True
    )


class _FromNothing(Config):
    """A network that is not pretrained, so that it has to be trained."""

    schedule: ScheduleConfig

    @field_validator("schedule")
    @classmethod
    def _trains(cls, schedule: ScheduleConfig) -> ScheduleConfig:
        if not schedule.iterations:
            raise ValueError(
                "expected schedule.iterations of at least 1 for a network that is not pretrained, but got 0"
            )
        return schedule


class MbdConfig(_FromNothing):
    """Stage 1, MBD-Net (paper, Sec. 3.2 and 4.2)."""

    hidden_channels: int = Field(48, ge=1, le=MOST_CHANNELS, description="channels of the two hidden layers; ZS-N2N")
    negative_slope: float = Field(0.2, ge=0, lt=1, description="of the LeakyReLU; ZS-N2N")
    residual: bool = Field(True, description="the network predicts the noise, not the frame; ZS-N2N, measured")
    level_blind: bool = Field(
        True, description="the kernels of the first layer sum to zero, so that brightness cannot shift; measured"
    )
    alpha_ie: float = Field(
        REAL_ALPHA_IE,
        gt=0,
        le=LARGEST_POSITIVE,
        description="a_ie of Eq. 2, larger is smoother: 1 for synthetic noise, 10 for real; paper, Sec. 4.2, Fig. 7",
    )
    weight_cross_mapping: float = Field(5.0, ge=0, le=MOST_WEIGHT, description="a_cm of Eq. 3; paper, Sec. 4.2")
    weight_denoising: float = Field(10.0, ge=0, le=MOST_WEIGHT, description="a_id of Eq. 4; paper, Sec. 4.2")
    c_constant: float = Field(
        3e-3, ge=SMALLEST_POSITIVE, le=LARGEST_POSITIVE, description="C of Eq. 4, for normalised frames; measured"
    )
    detach_statistics: bool = Field(True, description="no gradient into mu and d of Eq. 4; measured")
    random_masks: bool = Field(True, description="train on masked pairs, not on the one pair (y1, y2); paper, Sec. 3.1")
    mask_per_pixel: bool = Field(
        False, description="one mask for all channels, not one per value; paper prints the latter"
    )
    schedule: ScheduleConfig = ScheduleConfig(
        iterations=700, learning_rate=5e-3, crop_side=128, max_crops=16, flips=True
    )


class GrdConfig(_FromNothing):
    """Stage 2, GRD-Net (paper, Sec. 3.3)."""

    widths: tuple[Annotated[int, Field(ge=1, le=MOST_CHANNELS)], ...] = Field(
        (32, 64, 128, 352),
        min_length=2,
        max_length=6,
        description="channels of each level; stride is 2^(levels - 1); about 2.7 M parameters, paper, Table 3",
    )
    weight_gap: float = Field(100.0, ge=0, le=MOST_WEIGHT, description="b_re of Eq. 5; paper, Sec. 4.2")
    weight_consistency: float = Field(1000.0, ge=0, le=MOST_WEIGHT, description="b_con of Eq. 6; paper, Sec. 4.2")
    weight_distillation: float = Field(
        1000.0,
        ge=0,
        le=MOST_WEIGHT,
        description="of |h(y) - f(y)|^2 at full resolution, which sees inside the 2 x 2 blocks; measured",
    )
    start_from_teacher: bool = Field(
        True, description="h starts as f and learns what to add (measured), or predicts the frame from nothing"
    )
    average_orientations: bool = Field(
        True, description="target from f averaged over the 8 orientations of the crop; measured"
    )
    schedule: ScheduleConfig = ScheduleConfig(
        iterations=500,
        optimiser="adam",
        learning_rate=1e-3,
        crop_side=64,
        max_crops=16,
        flips=True,
        gradient_clip=1.0,
    )
