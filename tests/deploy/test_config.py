"""The configuration: presets, TOML, options, and errors that name the nearest field."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from zsn2m_deploy.config import TrainConfig, load_config
from zsn2m_runtime.errors import UsageError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_options_beat_the_file_and_the_file_beats_the_preset(tmp_path: Path) -> None:
    path = write(tmp_path, 'preset = "paper"\nstrength = 2.0\nseed = 4\n[mbd]\nc_constant = 0.5\n')
    config = load_config(path, strength=3.0, seed=None)
    assert (config.preset, config.strength, config.seed) == ("paper", 3.0, 4)
    assert config.mbd.c_constant == 0.5
    assert not config.mbd.level_blind  # the preset's


def test_the_paper_preset_is_the_papers_losses_and_nothing_else() -> None:
    config = TrainConfig.from_preset("paper")
    assert (config.mbd.weight_cross_mapping, config.mbd.weight_denoising) == (5.0, 10.0)
    assert (config.grd.weight_gap, config.grd.weight_consistency) == (100.0, 1000.0)
    assert config.grd.weight_distillation == 0.0
    assert config.mbd.random_masks
    assert config.mbd.schedule == TrainConfig().mbd.schedule  # the paper does not print it
    assert config.grd.schedule.iterations > TrainConfig().grd.schedule.iterations  # it starts from nothing
    assert not (config.mbd.level_blind or config.keep_mean)
    assert not (config.grd.start_from_teacher or config.grd.average_orientations)


def test_a_dumped_configuration_comes_back() -> None:
    config = load_config(None, preset="paper", stage="mbd", strength=1.0)
    assert TrainConfig().updated(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strenght = 1.0", "did you mean 'strength'"),
        ("[mbd]\nc_const = 1.0", r"did you mean 'mbd\.c_constant'"),
        ("[mbd.schedule]\niteration = 1", r"did you mean 'mbd\.schedule\.iterations'"),
        ("strength = -1.0", "strength.*above 0.*-1"),
        ("[grd.schedule]\niterations = 0", r"grd\.schedule\.iterations"),
        ('stage = "both"', "stage"),
        ('preset = "finest"', "expected one of the presets default, fast, best, paper"),
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
