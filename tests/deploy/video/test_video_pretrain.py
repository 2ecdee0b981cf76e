"""Pretraining VideoNet: its loss, the weights that come out, and those that the package holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zsn2m_deploy.pretrain import pairs
from zsn2m_deploy.video import fused, weights
from zsn2m_deploy.video import pretrain as pretraining
from zsn2m_deploy.video.pretrain import pair_loss, pretrain


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pretraining, "SIDE", 32)


def test_the_deviation_that_is_told_is_that_of_the_drawn_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "MISJUDGED", 0.0)
    monkeypatch.setattr(fused, "SHIFTED", 0.0)  # interpolation leaves less
    monkeypatch.setattr(pairs, "CLIPPED", 0.0)
    source = pairs.PairSource(3, seed=0, crops=32, side=48, workers=0, device=torch.device("cpu"))
    clean, told = source.clean(), list[Tensor]()
    monkeypatch.setattr(source, "clean", lambda: clean)

    def seen(noisy: Tensor, deviation: Tensor) -> Tensor:
        told.append((noisy - clean).square().mean(dim=(1, 2, 3)).sqrt() / deviation.square().mean(dim=(1, 2, 3)).sqrt())
        return noisy + 0 * deviation

    loss = pair_loss(seen, source, torch.Generator().manual_seed(0))
    assert float(told[0].log().abs().mean()) < 0.1
    assert 0.05 < float(loss) < 1  # of results that are the noisy crops: their noise's power^0.35


def test_pretraining_writes_weights_that_load_and_grey_begins_with_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(pretraining, "LATER_RATE", 1e-4)
    begin = None
    for channels in (3, 1):
        path = tmp_path / f"video_{channels}.safetensors"
        pretrain(path, channels, steps=2, crops=2, seed=0, begin=begin)
        begin = path
        assert "2/2" in capsys.readouterr().out
    colour, grey = (weights.pretrained_video(channels) for channels in (3, 1))
    apart = (colour.eighth.weight - grey.eighth.weight).detach().abs().mean()
    assert float(apart) < 2e-3  # of networks that are drawn independently 0.03
    assert sorted(file.name for file in tmp_path.iterdir()) == ["video_1.safetensors", "video_3.safetensors"]
