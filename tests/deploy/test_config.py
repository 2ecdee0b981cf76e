"""The configuration: presets, TOML, options, and errors that name the nearest field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_runtime.errors import UsageError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_options_beat_the_file_and_the_file_beats_the_preset(tmp_path: Path) -> None:
    path = write(tmp_path, 'preset = "fast"\nstrength = 2.0\nseed = 4\n[mbd]\nc_constant = 0.5\n')
    config = load_config(path, strength=3.0, seed=None)
    assert (config.preset, config.strength, config.seed) == ("fast", 3.0, 4)
    assert config.mbd.c_constant == 0.5
    assert config.mbd.schedule.iterations == 175  # the preset's


def test_a_method_of_a_file_is_that_methods(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, 'method = "paper"\n[mbd]\nalpha_ie = 1.0\n'), preset="fast")
    assert (config.method, config.stage, config.mbd.alpha_ie, config.mbd.level_blind) == ("paper", "full", 1.0, False)
    assert load_config(None, method="mbd").stage == "mbd"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stage": "sensor"}, "expected method adapt, but got stage 'sensor', its former name"),
        ({"stage": "full"}, "expected method full"),
        ({"preset": "paper"}, "expected method paper, but got preset paper, its former name"),
        ({"strength": 10.0}, "strength: expected a factor on the noise from 0.1 to 4, .* but got 10 .*alpha_ie"),
        (
            {"strength": 2.0, "method": "mbd"},
            r"^options: expected no strength .* set mbd\.alpha_ie",
        ),
    ],
)
def test_former_names_and_values_say_what_took_their_place(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_config(None, **options)


def test_a_former_name_is_told_where_a_file_has_the_new_one(tmp_path: Path) -> None:
    for given, options in (('preset = "fast"', {"preset": "paper"}), ('method = "mbd"', {"stage": "mbd"})):
        with pytest.raises(UsageError, match="former name"):
            load_config(write(tmp_path, f"{given}\n"), **options)


def test_the_papers_method_is_the_papers_losses_and_nothing_else() -> None:
    config = TrainConfig.from_preset("default", "paper")
    assert (config.mbd.weight_cross_mapping, config.mbd.weight_denoising) == (5.0, 10.0)
    assert (config.grd.weight_gap, config.grd.weight_consistency) == (100.0, 1000.0)
    assert config.grd.weight_distillation == 0.0
    assert config.mbd.random_masks
    assert config.mbd.schedule == TrainConfig().mbd.schedule  # the paper does not print it
    assert config.grd.schedule.iterations > TrainConfig().grd.schedule.iterations  # it starts from nothing
    assert not (config.mbd.level_blind or config.keep_mean)
    assert not (config.grd.start_from_teacher or config.grd.average_orientations)


def test_a_dumped_configuration_comes_back() -> None:
    config = load_config(None, preset="fast", method="paper", mbd={"alpha_ie": 1.0})
    assert TrainConfig().updated(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strenght = 1.0", "did you mean 'strength'"),
        ("[mbd]\nc_const = 1.0", r"did you mean 'mbd\.c_constant'"),
        ("[mbd.schedule]\niteration = 1", r"did you mean 'mbd\.schedule\.iterations'"),
        ("strength = -1.0", "strength.*above 0.*-1"),
        ("[grd.schedule]\niterations = 0", r"grd\.schedule.*iterations"),
        ('stage = "both"', "expected method adapt, mbd, full or paper"),
        ('method = "both"', "expected one of the methods adapt, mbd, full, paper"),
        ('preset = "finest"', "expected one of the presets default, instant, fast, best"),
        ("[mbd\n", "expected a TOML"),
        ("mbd = 3", "mbd"),
    ],
)
def test_bad_files_are_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_config(write(tmp_path, text))


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is none"):
        load_config(tmp_path / "none.toml")


def test_every_field_says_what_it_is() -> None:
    def undescribed(model: type[BaseModel]) -> list[str]:
        names = []
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                names += undescribed(inner)
            elif not field.description:
                names.append(name)
        return names

    assert undescribed(TrainConfig) == []
