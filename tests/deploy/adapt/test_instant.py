"""Preset instant: the pretrained network as it is, in a bundle like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.scenes import RANGE, scene
from support.trainings import INSTANT

from zsn2m_deploy import api
from zsn2m_deploy.advice import gentler, stronger
from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.training import train
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import UsageError


def test_only_the_last_bias_differs_from_the_pretrained_weights() -> None:
    made = scene(channels=3, side=96)
    trained = train([made.noisy], INSTANT)
    before = pretrained(3).state_dict()
    after = trained.networks["sensor"].state_dict()
    changed = [name for name, weight in after.items() if name in before and not torch.equal(weight, before[name])]
    assert set(changed) <= {"out.bias"}
    assert trained.reports == ()
    assert not trained.warnings


def test_its_bundle_denoises_and_reports(tmp_path: Path) -> None:
    made = scene(channels=1, side=96)
    bundle = api.train_and_export(made.noisy, tmp_path / "a.zsn2m", INSTANT, FrameOptions(value_range=RANGE))
    denoised = Denoiser(bundle.path)(made.noisy).astype(float)
    noise = made.noisy.astype(float) - made.clean
    assert np.square(denoised - made.clean).mean() < 0.2 * np.square(noise).mean()
    facts = json.loads((bundle.path / "report.json").read_text())
    assert facts["method"]["preset"] == "instant"
    assert facts["training"]["stages"] == []
    assert list(facts["seconds"]) == ["export"]
    assert "pretrained network as it is" in facts["chosen"]
    config = INSTANT
    assert (gentler(config), stronger(config)) == ("--preset default", "--preset default")


@pytest.mark.parametrize("options", [{"method": "mbd"}, {"method": "paper"}, {"strength": 1.5}])
def test_it_refuses_what_needs_training(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="instant"):
        load_config(None, "instant", **options)  # type: ignore[arg-type]
