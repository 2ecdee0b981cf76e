"""Every choice of the method as a named, checked field with its unit, range and source.

Sources: "paper" is Liu et al., Zero-Shot Noise2Mean, AAAI 2025; "ZS-N2N" is Mansour and Heckel, CVPR 2023;
"measured" is docs/decisions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from zsn2m_deploy.config_file import check_names, merged
from zsn2m_deploy.config_limits import (
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
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.validation import fault_in_words

Method = Literal["adapt", "mbd", "full", "paper"]
Stage = Literal["sensor", "mbd", "full"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Preset = Literal["default", "fast", "best"]

SCENE_SIDE = 192  # pixels of the scenes that the sensor stage draws
EFFORT = {"fast": 0.25, "default": 1.0, "best": 4.0}  # iterations of the presets, of the default's
SYNTHETIC_ALPHA_IE, REAL_ALPHA_IE = 1.0, 10.0  # paper, Sec. 4.2: for synthetic noise, and for cameras and microscopes
STAGES: dict[Method, Stage] = {"adapt": "sensor", "mbd": "mbd", "full": "full", "paper": "full"}
# Noise taken for half or twice as strong is beyond what an estimate errs by; so the numbers of alpha_ie are no factors.
LEAST_STRENGTH, MOST_STRENGTH = 0.1, 4.0


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_no_answers(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic would take `iterations = true` for 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError(f"expected a number, but got {str(value).lower()}")
        return value


class ScheduleConfig(_Config):
    """How one network is optimised."""

    iterations: int = Field(ge=1, le=MOST_ITERATIONS, description="optimiser steps; measured")
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


class SensorConfig(_Config):
    """The sensor stage: the pretrained SensorNet adapts to the sensor."""

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
    correct_defects: bool = Field(
        False, description="hot and dead pixels, if the frames have any, are replaced by their neighbours; measured"
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


class MbdConfig(_Config):
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


class GrdConfig(_Config):
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


class TrainConfig(_Config):
    """Everything that decides what a training run does."""

    preset: Preset = Field("default", description="the effort that the numbers of steps started from")
    method: Method = Field(
        "adapt",
        description="adapt: the pretrained SensorNet, adapted; mbd: MBD-Net (ZS-N2M*); full: GRD-Net too (ZS-N2M); "
        "paper: full with nothing that the paper does not have",
    )
    strength: float = Field(
        1.0,
        gt=0,
        description="the noise is taken for so many times as strong as estimated: larger is smoother; 0.1 to 4; "
        "method adapt; of the others see mbd.alpha_ie",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="of initialisation, crops and masks")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, ...")
    precision: Precision = Field("auto", description="of the convolutions in training; weights stay float32")
    mosaic: Literal["auto", "none"] = Field(
        "auto",
        description="auto: a frame that looks like a sensor's mosaic is refused; none: pictures really look like that",
    )
    keep_mean: bool = Field(
        True,
        description="shift results finally so that the mean (median, if skewed) of unclipped noise is zero; measured",
    )
    sensor: SensorConfig = SensorConfig()
    mbd: MbdConfig = MbdConfig()
    grd: GrdConfig = GrdConfig()

    @property
    def stage(self) -> Stage:
        """Which networks are trained: SensorNet, MBD-Net, or MBD-Net and then GRD-Net."""
        return STAGES[self.method]

    @field_validator("strength")
    @classmethod
    def _is_a_factor(cls, strength: float) -> float:
        if not LEAST_STRENGTH <= strength <= MOST_STRENGTH:
            raise ValueError(
                f"expected a factor on the noise from {LEAST_STRENGTH:g} to {MOST_STRENGTH:g}, 1 as it is estimated, "
                f"but got {strength:g} (the paper's a_ie is mbd.alpha_ie)"
            )
        return strength

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.strength != 1 and self.method != "adapt":
            raise ValueError(
                f"expected no strength for method {self.method}, but got {self.strength:g}; set mbd.alpha_ie in a "
                f"--config file"
            )
        return self

    @classmethod
    def from_preset(cls, preset: Preset, method: Method = "adapt") -> Self:
        """The values of a preset and a method.

        "fast" and "best" are "default" with a quarter and four times its iterations.
        Method "paper" is the paper's networks, losses and weights and nothing else; what it leaves open, above all the
        optimiser and its schedule, is as in the others.
        """
        stages = {"sensor": SensorConfig(), "mbd": MbdConfig(), "grd": GrdConfig()}
        own: dict[str, Any] = {}
        if method == "paper":
            stages["mbd"] = MbdConfig(level_blind=False)
            plain = GrdConfig().schedule
            stages["grd"] = GrdConfig(
                weight_distillation=0.0,
                start_from_teacher=False,
                average_orientations=False,
                schedule=plain.model_copy(update={"iterations": 2400}),  # it starts from nothing; measured
            )
            own = {"keep_mean": False}
        scaled = {name: _scaled(stage, EFFORT[preset]) for name, stage in stages.items()}
        return cls(preset=preset, method=method, **own, **scaled)

    def updated(self, values: dict[str, Any], source: str = "options") -> Self:
        """This configuration with some fields replaced (nested tables as nested dictionaries).

        Raises:
            UsageError: for an unknown field, naming the nearest valid one, or a value out of range.
        """
        check_names(type(self), values, source)
        try:
            return type(self).model_validate(merged(self.model_dump(), values))
        except ValidationError as error:
            raise UsageError(f"{source}: {fault_in_words(error)}; change it") from error


def _scaled(stage: Any, effort: float) -> Any:
    """A stage's configuration with so many times the iterations."""
    steps = round(stage.schedule.iterations * effort)
    return stage.model_copy(update={"schedule": stage.schedule.model_copy(update={"iterations": steps})})
