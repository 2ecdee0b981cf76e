"""Every choice of a training run; the sources of its fields are named as in `networks`."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from zsn2m_deploy.config.networks import Config, GrdConfig, MbdConfig, SensorConfig
from zsn2m_deploy.config.tables import check_names, merged
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.validation import fault_in_words

Method = Literal["adapt", "mbd", "full", "paper"]
Stage = Literal["sensor", "mbd", "full"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Preset = Literal["default", "instant", "fast", "best"]
Mosaic = Literal["refuse", "none", "auto", "RGGB", "BGGR", "GRBG", "GBRG"]

EFFORT = {"instant": 0.0, "fast": 0.25, "default": 1.0, "best": 4.0}  # iterations of the presets, of the default's
STAGES: dict[Method, Stage] = {"adapt": "sensor", "mbd": "mbd", "full": "full", "paper": "full"}
# Noise taken for half or twice as strong is beyond what an estimate errs by; so the numbers of alpha_ie are no factors.
LEAST_STRENGTH, MOST_STRENGTH = 0.1, 4.0


class TrainConfig(Config):
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
    mosaic: Mosaic = Field(
        "refuse",
        description="refuse: frames that look like a mosaic are refused, unless their file states its pattern; a "
        "pattern: they are such mosaics; auto: the file or the pixels say of which; none: they are pictures",
    )
    keep_mean: bool = Field(
        True,
        description="shift results finally so that the mean (median, if skewed) of unclipped noise is zero; measured",
    )
    video: bool = Field(
        True, description="VideoNet too, the model for videos; method adapt, of frames that are no mosaics"
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
        if self.preset == "instant" and self.method != "adapt":
            raise ValueError(f"expected method adapt for preset instant, which trains nothing, but got {self.method}")
        if self.strength != 1 and not self.sensor.schedule.iterations:
            raise ValueError(
                f"expected no strength where nothing is trained (preset instant), but got {self.strength:g}"
            )
        return self

    @classmethod
    def from_preset(cls, preset: Preset, method: Method = "adapt") -> Self:
        """The values of a preset and a method.

        "fast" and "best" are "default" with a quarter and four times its iterations, "instant" with none: SensorNet as
        it was pretrained.
        Method "paper" is the paper's networks, losses and weights and nothing else; what it leaves open, above all the
        optimiser and its schedule, is as in the others.

        Raises:
            UsageError: preset instant and another method than adapt.
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
        scaled = {
            name: _scaled(stage, EFFORT[preset]) for name, stage in stages.items() if EFFORT[preset] or name == "sensor"
        }
        try:
            return cls(preset=preset, method=method, **own, **scaled)
        except ValidationError as error:
            raise UsageError(f"preset {preset}: {fault_in_words(error)}; change one of them") from error

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
